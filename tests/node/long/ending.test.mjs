// A process whose peers are closed ends, however close to each other both ends of a link are closed.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { test } from 'node:test'
import { ROOT, tracker } from '../peers.mjs'

/** One peer in each of so many swarms, which closes when the other one speaks, or when that one has said goodbye. */
const program = (close, url) => `
  const Easypeers = require(${JSON.stringify(path.join(ROOT, 'pkg/node.cjs'))})
  const peers = Array.from({ length: 20 }, (_, i) => new Easypeers('ending ' + i, { trackers: ['${url}'], rtcConfig: { iceServers: [] } }))
  for (const peer of peers) {
    peer.on('warning', () => {})
    if ('${close}' === 'disconnect') peer.on('connect', () => peer.send('linked'))
    peer.on('${close}', () => setTimeout(() => peer.close(), Math.random() * 3))
  }`

test('two processes end when their peers are closed at the same time', { timeout: 300_000 }, async t => {
  const url = await tracker(t)
  for (let round = 0; round < 10; round++) {
    const ends = ['message', 'disconnect'].map(close => {
      const child = spawn(process.execPath, ['-e', program(close, url)], { cwd: ROOT, stdio: 'inherit' })
      t.after(() => child.kill('SIGKILL'))
      return once(child, 'close')
    })
    for (const [code] of await Promise.all(ends)) assert.equal(code, 0)
  }
})
