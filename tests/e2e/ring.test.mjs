// Two links each: the swarm is a ring, and without shortcuts it must close by itself.

import assert from 'node:assert/strict'

import { behavior, keptTo } from './harness.mjs'

const PAGES = 12

behavior('12 pages with maxPeers 2 make one closed ring in the order of their addresses', async world => {
  await world.tracker()
  const peers = await world.crowd(PAGES, 'ring', { maxPeers: 2 })
  const began = performance.now()
  const order = peers.map(peer => peer.address).sort()
  const around = ({ address }) => [1, PAGES - 1].map(step => order[(order.indexOf(address) + step) % PAGES]).sort()
  await Promise.all(peers.map(peer => peer.until('both neighbors on the ring', (p, two) => two.every(address => address in p.easypeers.wires), around(peer))))
  world.measured('ring of 12: closed after the last has joined, ms', performance.now() - began)

  const sources = peers.slice(0, 3)
  const texts = me => sources.filter(source => source !== me).map(source => `from ${source.name}`)
  for (const source of sources) await source.send(`from ${source.name}`)
  await Promise.all(peers.flatMap(me => texts(me).map(text => me.hears(text))))
  for (const me of peers) {
    assert.deepEqual(await me.heard(), Object.fromEntries(texts(me).map(text => [text, 1])), `${me.name} heard each once and nothing else`)
    assert.deepEqual(await me.run(p => Object.keys(p.easypeers.wires).sort()), around(me), `${me.name} still has these two links and no other`)
  }
  await keptTo(2, peers, world)
})
