// The other tracker that people run, in Rust: `aquatic_ws`. It refuses some of what bittorrent-tracker takes.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { behavior, bounded, oneMesh } from '../harness.mjs'

behavior('pages meet at aquatic_ws, go on without it, and a newcomer joins when it is back', async world => {
  const aquatic = await Aquatic.start()
  try {
    const options = { trackers: [aquatic.url] }
    const peers = []
    for (let n = 0; n < 5; n++) peers.push(await world.join(`peer ${n}`, 'aquatic', { maxPeers: 3, ...options }))
    await oneMesh(peers)
    await peers[0].send('to all')
    await peers[1].send(peers[4].address, 'to one')
    await Promise.all(peers.slice(1).map(peer => peer.hears('to all')))
    await peers[4].hears('to one')
    const [tracker] = await peers[0].get('trackers')
    assert.equal(tracker.state, 'ready')
    assert.ok(tracker.peers >= 5, `it counts ${tracker.peers} peers`)

    await aquatic.stop()
    await peers[2].send('without it')
    await Promise.all(peers.filter((_, n) => n !== 2).map(peer => peer.hears('without it')))

    const newcomer = await world.join('newcomer', 'aquatic', { maxPeers: 3, ...options })
    await newcomer.until('a failed attempt', p => p.easypeers.trackers.some(t => t.lastError))
    await aquatic.start()
    await oneMesh([...peers, newcomer])
    await newcomer.send('I am new')
    await Promise.all(peers.map(peer => peer.hears('I am new')))
  } finally {
    await aquatic.end()
  }
})

/** The tracker, on loopback. */
class Aquatic {
  static async start() {
    const aquatic = new Aquatic()
    aquatic.directory = mkdtempSync(join(tmpdir(), 'aquatic-'))
    aquatic.port = await freePort()
    const config = join(aquatic.directory, 'config.toml')
    writeFileSync(config, `[network]\naddress = "127.0.0.1:${aquatic.port}"\n`)
    aquatic.config = config
    await aquatic.start()
    return aquatic
  }

  get url() {
    return `ws://127.0.0.1:${this.port}`
  }

  async start() {
    const said = []
    this.child = spawn('aquatic_ws', ['-c', this.config], { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on('data', data => said.push(data))
    this.over = new Promise(resolve => { this.child.once('close', resolve) })
    const dead = this.over.then(code => { throw new Error(`aquatic_ws ended with ${code}: ${Buffer.concat(said)}`) })
    dead.catch(() => {})
    await bounded(Promise.race([listening(this.port), dead]), 'aquatic_ws to listen')
  }

  async stop() {
    this.child.kill('SIGKILL')
    await this.over
  }

  async end() {
    await this.stop()
    rmSync(this.directory, { recursive: true })
  }
}

async function freePort() {
  const server = createServer()
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise(resolve => server.close(resolve))
  return port
}

/** Resolves when somebody listens there. */
async function listening(port) {
  while (!await new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket.destroy()))
    socket.on('error', () => resolve(null))
  }));
}
