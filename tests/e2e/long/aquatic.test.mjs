// The real aquatic_ws, the tracker for millions of peers. Needs Linux with io_uring, and memory that may be locked.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { behavior, oneMesh } from '../harness.mjs'

/** A port that was free a moment ago. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  await new Promise(resolve => server.close(resolve))
  return port
}

/** One on a port of this machine. */
async function aquatic() {
  const port = await freePort()
  const folder = mkdtempSync(path.join(tmpdir(), 'easypeers-aquatic-'))
  const config = path.join(folder, 'aquatic.toml')
  writeFileSync(config, `log_level = "info"\n[network]\naddress = "127.0.0.1:${port}"\nonly_ipv6 = false\n`)
  const child = spawn('aquatic_ws', ['-c', config], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => { said += data })
  const ended = once(child, 'exit')
  const died = ended.then(([code]) => { throw new Error(`aquatic_ws ended with ${code}: ${said}`) })
  died.catch(() => {})
  return {
    url: `ws://127.0.0.1:${port}`,
    died,
    async stop() {
      child.kill('SIGKILL')
      await ended
      rmSync(folder, { recursive: true })
    },
  }
}

behavior('pages meet at aquatic_ws, talk, and a newcomer finds them when some have gone', async world => {
  const tracker = await aquatic()
  const join = name => world.join(name, 'aquatic', { maxPeers: 3, trackers: [tracker.url] })
  const play = async () => {
    const peers = await Promise.all(['a', 'b', 'c', 'd'].map(join))
    await oneMesh(peers)
    await peers.pop().page.close()
    peers.push(await join('newcomer'))
    await peers.at(-1).neighbors(1)
    await oneMesh(peers)
    await peers[0].send('all here')
    await Promise.all(peers.slice(1).map(peer => peer.hears('all here')))
    const [{ state, lastError }] = await peers[0].get('trackers')
    assert.deepEqual([state, lastError], ['ready', null])
  }
  try {
    await Promise.race([play(), tracker.died])
  } finally {
    await tracker.stop()
  }
})
