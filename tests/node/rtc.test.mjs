// WebRTC in Node takes the settings that browsers take.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PATIENCE, peer, tracker } from './peers.mjs'

test('servers that only a browser understands, and credentials of any letters, keep nobody from connecting', { timeout: PATIENCE }, async t => {
  const url = await tracker(t)
  const iceServers = [
    // One entry for both, as providers give them out; nothing answers there.
    { urls: ['stun:127.0.0.1:9', 'turn:127.0.0.1:9', 'TURN:127.0.0.1:9?transport=udp'], username: '1700000000:me', credential: 'p@ss:/?#' },
    { urls: 'turn:[::1]:9', username: 'me', credential: 'secret' },
    { urls: 'stuns:127.0.0.1:9' },
  ]
  const [a, b] = [0, 1].map(() => peer(t, 'servers', url, { rtcConfig: { iceServers } }))
  assert.equal(await a.ready, b.address)
})
