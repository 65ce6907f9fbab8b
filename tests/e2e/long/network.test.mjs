// The path between two pages breaks while both live: a NAT forgot which port is whose. Each page has a browser and a network
// of its own, on one cable with the tracker. Needs Linux, root and iproute2, for networks are made and broken.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { behavior } from '../harness.mjs'

/** Nobody's, and private: candidates there are tried. */
const NETWORK = '10.213.77'
const HERE = `${NETWORK}.1`

for (const told of [false, true]) {
  behavior(`a link whose path breaks is given another one through the mesh${told ? ', at once if the page is told' : ''}, and the pages hear of nothing`, async world => {
    await onOneCable(world, {}, async (cable, [a, b, c]) => {
      const before = await events(a, b, c)
      const connections = () => Promise.all([connection(a, b), connection(b, a)])
      const first = await connections()
      const began = performance.now()
      await cable.breakPath(a, b)
      const [one, other, all] = ['from a', 'from b', 'to all']
      await Promise.all([a.send(b.address, one), b.send(a.address, other), a.send(all)])
      // What a browser fires when the machine is on a network again.
      if (told) await a.run(() => { dispatchEvent(new Event('online')) })
      const agreed = async () => {
        while (await restarts(a) === 0 || await restarts(b) === 0);
        world.measured('from the break to the agreement on another path, ms', performance.now() - began)
      }
      await Promise.all([agreed(), direct(a, b), direct(b, a)])
      world.measured('from the break to traffic on the link, ms', performance.now() - began)
      assert.deepEqual(await Promise.all([a, b, c].map(restarts)), [1, 1, 0])
      assert.deepEqual(await events(a, b, c), before, 'nobody came and nobody went')
      for (const [i, { made, ufrag }] of (await connections()).entries()) {
        assert.equal(made, first[i].made, 'the same connection')
        assert.notEqual(ufrag, first[i].ufrag, 'with other credentials')
      }
      await Promise.all([b.hears(one), a.hears(other), b.hears(all), c.hears(all)])
      for (const peer of [a, b, c]) {
        for (const [message, times] of Object.entries(await peer.heard())) assert.equal(times, 1, `${message} at ${peer.name}`)
      }
    })
  })
}

// What it was before, and is where a connection cannot be given another path: as in Node.
behavior('where that cannot be done the link ends and is joined anew', async world => {
  const before = () => {
    window.RTCPeerConnection = class extends RTCPeerConnection {
      restartIce () { throw new Error('not implemented') }
    }
  }
  await onOneCable(world, { before }, async (cable, [a, b, c]) => {
    const began = performance.now()
    await cable.breakPath(a, b)
    await Promise.all([a.disconnectedFrom(b.address), b.disconnectedFrom(a.address)])
    await Promise.all([direct(a, b), direct(b, a)])
    world.measured('from the break to traffic on another link, ms', performance.now() - began)
    assert.deepEqual(await Promise.all([a, b, c].map(restarts)), [0, 0, 0])
  })
})

/** How often each page heard that somebody came or went. */
function events (...peers) {
  return Promise.all(peers.map(peer => peer.run(p => [p.connects.length, p.disconnects.length])))
}

/** How often links of a page were given another path. */
const restarts = peer => peer.run(p => p.easypeers.stats().restarts)

/** Resolves when what `a` says to `b` takes the link between them, and not a way over others. */
function direct (a, b) {
  return a.run(async ({ easypeers }, to) => {
    for (;;) {
      const { hops } = await easypeers.send(to, `which way? ${Math.random()}`).catch(() => ({}))
      if (hops === 1) return
    }
  }, b.address)
}

/** Of the connection of `a` that leads to `b`: which of all that were made it is, its ufrag and its port. */
function connection (a, b) {
  return a.run(async (_, place) => {
    for (const [made, { pc }] of probe.connections.entries()) {
      const stats = [...(pc.signalingState === 'closed' ? [] : await pc.getStats()).values()]
      const transport = stats.find(({ type }) => type === 'transport')
      const pair = stats.find(({ id }) => id === transport?.selectedCandidatePairId)
      const candidate = id => stats.find(stat => stat.id === id)
      if (candidate(pair?.remoteCandidateId)?.address !== place) continue
      const { port } = candidate(pair.localCandidateId)
      return { made, port, ufrag: /a=ice-ufrag:(\S+)/.exec(pc.localDescription.sdp)[1] }
    }
  }, b.place)
}

/** Plays with three pages that are linked with each other, each with a network of its own. */
async function onOneCable (world, options, play) {
  const cable = new Cable()
  try {
    const { port } = await world.tracker()
    await Promise.all([cable.passOn(port), cable.passOn(Number(new URL(world.site.url).port))])
    const url = `http://${HERE}:${new URL(world.site.url).port}/blank`
    const pages = await Promise.all(['a', 'b', 'c'].map(async name => {
      const { place, executablePath } = cable.plugIn(name)
      // Nothing but this cable is reachable.
      const flags = [`--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE ${HERE}`]
      const { browser } = await world.launch({ executablePath, flags })
      return { name, place, page: await world.page({ browser, url, ...options }) }
    }))
    const peers = await Promise.all(pages.map(async ({ name, place, page }) => {
      const peer = await world.join(name, 'network', { trackers: [`ws://${HERE}:${port}`] }, page)
      return Object.assign(peer, { place })
    }))
    await Promise.all(peers.map(peer => peer.neighbors(2)))
    await play(cable, peers)
  } finally {
    cable.takeAway()
  }
}

/** A bridge of this machine, and networks that are plugged in. */
class Cable {
  static made = 0
  name = `ep${process.pid}${Cable.made++}`
  networks = []
  servers = []
  folder = mkdtempSync(join(tmpdir(), 'easypeers-network-'))

  constructor () {
    ip('link', 'add', this.name, 'type', 'bridge')
    ip('addr', 'add', `${HERE}/24`, 'dev', this.name)
    ip('link', 'set', this.name, 'up')
  }

  /** A network with one machine in it, and a Chromium of that. */
  plugIn (name) {
    const network = `${this.name}${name}`
    const place = `${NETWORK}.${11 + this.networks.length}`
    this.networks.push({ network, place })
    ip('netns', 'add', network)
    ip('link', 'add', network, 'type', 'veth', 'peer', 'name', 'cable', 'netns', network)
    ip('link', 'set', network, 'master', this.name, 'up')
    ip('-n', network, 'link', 'set', 'lo', 'up')
    ip('-n', network, 'addr', 'add', `${place}/24`, 'dev', 'cable')
    ip('-n', network, 'link', 'set', 'cable', 'up')
    ip('-n', network, 'route', 'add', 'default', 'via', HERE)
    const executablePath = join(this.folder, name)
    writeFileSync(executablePath, `#!/bin/sh\nexec ip netns exec ${network} ${process.env.CHROMIUM ?? '/usr/bin/chromium'} "$@"\n`)
    chmodSync(executablePath, 0o755)
    return { place, executablePath }
  }

  /** From now on nothing gets from one to the other by the ports that their link has. */
  async breakPath (a, b) {
    for (const [here, there] of [[a, b], [b, a]]) {
      const { port } = await connection(here, there)
      const { network } = this.networks.find(({ place }) => place === here.place)
      ip('-n', network, 'rule', 'add', 'to', there.place, 'ipproto', 'udp', 'sport', port, 'blackhole')
    }
  }

  /** A server on loopback, for all on the cable. */
  async passOn (port) {
    const server = createServer(here => {
      const there = connect(port, '127.0.0.1')
      for (const [from, to] of [[here, there], [there, here]]) {
        from.on('error', () => to.destroy())
        from.on('close', () => to.destroy())
        from.pipe(to)
      }
    })
    await new Promise((resolve, reject) => server.once('error', reject).listen(port, HERE, resolve))
    this.servers.push(server)
  }

  takeAway () {
    for (const server of this.servers) server.close()
    for (const { network } of this.networks) {
      ip('link', 'del', network)
      ip('netns', 'del', network)
    }
    ip('link', 'del', this.name)
    rmSync(this.folder, { recursive: true })
  }
}

function ip (...args) {
  try {
    execFileSync('ip', args.map(String), { stdio: 'pipe', env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` } })
  } catch (error) {
    const needs = 'this test makes networks: it needs Linux, root, and ip of iproute2 (apt-get install iproute2)'
    throw new Error(`${needs}. ip ${args.join(' ')}: ${error.stderr ?? error.message}`)
  }
}
