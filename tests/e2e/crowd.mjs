// Pages with four links each: a flash crowd, heavy talk, and a massacre while the tracker is dead. mesh.test.mjs has a crowd
// of nine, and long/mesh.test.mjs one of twenty-four.

import assert from 'node:assert/strict'

import { behavior, bounded, connectedParts, inTurns, keptTo, median, oneMesh } from './harness.mjs'

const MAX_PEERS = 4

/** So many pages, of which a third is killed at once. */
export const crowd = (count, killed = count / 3) => behavior(`${count} pages in a flash crowd, with ${killed} killed at once while the tracker is dead`, async world => {
  const tracker = await world.tracker()
  const pages = await inTurns(Array.from({ length: count }), 3, () => world.page())
  const began = performance.now()
  const peers = await Promise.all(pages.map((page, i) => world.join(`p${i}`, 'crowd', { maxPeers: MAX_PEERS }, page)))
  await Promise.all(peers.map(peer => peer.neighbors()))
  world.measured('flash crowd: constructor to connect p50, ms', median(await Promise.all(peers.map(peer => peer.run(p => p.at.connect)))))
  world.measured('flash crowd: all have a link, ms', performance.now() - began)
  await oneMesh(peers)
  world.measured('flash crowd: one mesh, ms', performance.now() - began)
  await Promise.all(peers.map(peer => peer.neighbors(3)))
  world.measured('flash crowd: all have three links, ms', performance.now() - began)

  const made = await Promise.all(peers.map(peer => peer.run(p => [probe.connections.length, p.easypeers.wireCount])))
  const sum = (of) => made.reduce((all, counts) => all + counts[of], 0)
  world.measured('flash crowd: RTCPeerConnections made for each end of a link', sum(0) / sum(1))
  world.measured('flash crowd: RTCPeerConnections made by one page, the most', Math.max(...made.map(([count]) => count)))

  // Broadcasts from random pages.
  const dice = seeded(1)
  const broadcasts = Array.from({ length: 50 }, (_, i) => ({ from: peers[dice(count)], text: `broadcast ${i}` }))
  const talk = performance.now()
  await inTurns(broadcasts, 4, ({ from, text }) => from.send(text))
  await Promise.all(peers.map(me => hearsAll(me, broadcasts.filter(b => b.from !== me).map(b => b.text))))
  world.measured('50 broadcasts to all, ms', performance.now() - talk)

  // Direct messages between random pairs, each awaited to the recipient's acknowledgement.
  const pairs = Array.from({ length: 100 }, (_, i) => {
    const from = dice(count)
    return { from: peers[from], to: peers[(from + 1 + dice(count - 1)) % count], text: `direct ${i}` }
  })
  const receipts = await inTurns(pairs, 8, ({ from, to, text }) =>
    bounded(from.run((p, [to, text]) => p.easypeers.send(to, text).then(({ hops, rtt }) => ({ hops, rtt }), error => ({ failed: `${error.code} ${error.message}` })), [to.address, text]), text))
  assert.deepEqual(receipts.filter(r => r.failed), [], 'every direct message is acknowledged')
  world.measured('direct: acknowledged after, p50 ms', median(receipts.map(r => r.rtt)))
  world.measured('direct: hops, mean', receipts.reduce((sum, r) => sum + r.hops, 0) / receipts.length)
  for (const me of peers) {
    const texts = [...broadcasts.filter(b => b.from !== me), ...pairs.filter(p => p.to === me)].map(m => m.text)
    assert.deepEqual(await me.heard(), Object.fromEntries(texts.map(text => [text, 1])), `${me.name}: each exactly once, and nothing else`)
  }

  // A third dies at once, and no tracker helps.
  await tracker.stop()
  const dead = peers.filter((_, i) => i % 3 === 1)
  const alive = peers.filter(peer => !dead.includes(peer))
  const sessions = await Promise.all(dead.map(peer => peer.page.context().newCDPSession(peer.page)))
  const massacre = performance.now()
  for (const cdp of sessions) cdp.send('Page.crash').catch(() => {})
  const lost = dead.map(peer => peer.address)
  await Promise.all(alive.map(peer => peer.until('the dead are missed', (p, lost) => !lost.some(address => address in p.easypeers.wires), lost)))
  world.measured('a third killed: all missed, ms', performance.now() - massacre)
  // Without a tracker the parts that are left stay apart: chance may have cut somebody off.
  const parts = connectedParts(new Map(await Promise.all(alive.map(async peer => [peer.address, await peer.run(p => Object.keys(p.easypeers.wires))]))))
  world.measured('parts of the survivors', parts.map(part => part.size).join(' + '))
  for (const part of parts) {
    const enough = Math.min(3, part.size - 1)
    await Promise.all(alive.filter(peer => part.has(peer.address)).map(peer => peer.neighbors(enough)))
  }
  world.measured('a third killed, tracker dead: all survivors have three links again, ms', performance.now() - massacre)
  for (const part of parts) {
    const members = alive.filter(peer => part.has(peer.address))
    for (const peer of members) await peer.send(`survivor ${peer.name}`)
    await Promise.all(members.map(me => hearsAll(me, members.filter(p => p !== me).map(p => `survivor ${p.name}`))))
    for (const me of members) {
      const heard = await me.heard()
      assert.deepEqual(members.filter(p => p !== me && heard[`survivor ${p.name}`] !== 1).map(p => p.name), [], 'each exactly once')
    }
  }
  await keptTo(MAX_PEERS, alive, world)
})

function hearsAll(peer, texts) {
  return peer.until('every message', (p, texts) => {
    const heard = new Set(p.messages.map(m => m.message))
    return texts.every(text => heard.has(text))
  }, texts)
}

/** A small generator (mulberry32), so that a run can be had again. */
function seeded(seed) {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}
