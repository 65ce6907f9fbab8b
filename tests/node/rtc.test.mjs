// Peers in Node among themselves: what is sent arrives, and the settings that browsers take are taken.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { next, PATIENCE, peer, tracker } from './peers.mjs'

const MIB = 1 << 20

test('values and bytes, small and large, to everyone and to one, arrive as sent', { timeout: PATIENCE }, async t => {
  const url = await tracker(t)
  const [a, b] = [peer(t, 'values', url), peer(t, 'values', url)]
  await Promise.all([a.ready, b.ready])
  for (const value of ['text', { deep: [1, null] }, new Uint8Array([0, 255]), new Uint8Array(randomBytes(MIB)), 'x'.repeat(MIB)]) {
    for (const to of [[], [b.address]]) {
      const heard = next(b, 'message')
      a.send(...to, value)
      const { message, from, verified } = await heard
      assert.deepEqual(message, value)
      assert.deepEqual([from, verified], [a.address, true])
    }
  }
})

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
