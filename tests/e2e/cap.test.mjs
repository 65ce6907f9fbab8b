// Eight pages that may keep three links each: a mesh that no page can see whole.

import assert from 'node:assert/strict'

import { behavior, inTurns, keptTo, oneMesh } from './harness.mjs'

const MAX_PEERS = 3

behavior('8 pages with maxPeers 3 never exceed it, and every message reaches all it is for exactly once', async world => {
  await world.tracker()
  const peers = await world.crowd(8, 'cap', { maxPeers: MAX_PEERS })
  world.measured('8 pages make one mesh, ms', await oneMesh(peers))

  // Broadcasts from different pages.
  const broadcasts = Array.from({ length: 20 }, (_, i) => ({ from: peers[i % 8], text: `broadcast ${i}` }))
  const began = performance.now()
  for (const { from, text } of broadcasts) await from.send(text)
  await everyone(peers, me => broadcasts.filter(b => b.from !== me).map(b => b.text))
  const spread = performance.now()
  world.measured('20 broadcasts to all of 8, ms', spread - began)

  // Direct messages between every pair.
  const pairs = peers.flatMap(from => peers.filter(to => to !== from).map(to => ({ from, to, text: `direct ${from.name} ${to.name}` })))
  assert.equal(pairs.length, 56)
  await inTurns(pairs, 8, ({ from, to, text }) => from.send(to.address, text))
  await everyone(peers, me => [...broadcasts.filter(b => b.from !== me), ...pairs.filter(p => p.to === me)].map(m => m.text))

  world.measured('56 direct messages, ms', performance.now() - spread)

  // A last broadcast from every page: what was late or doubled has come by the time these are everywhere.
  await Promise.all(peers.map(peer => peer.send(`last ${peer.name}`)))
  const all = me => [...broadcasts.filter(b => b.from !== me), ...pairs.filter(p => p.to === me),
    ...peers.filter(p => p !== me).map(p => ({ text: `last ${p.name}` }))].map(m => m.text)
  await everyone(peers, all)
  for (const peer of peers) {
    assert.deepEqual(await peer.heard(), Object.fromEntries(all(peer).map(text => [text, 1])), `${peer.name} heard each once and nothing else`)
  }
  for (const { from, to, text } of pairs) {
    const { sender, recipients } = await to.run((p, text) => {
      const message = p.messages.find(m => m.message === text)
      return { sender: message.from, recipients: message.to }
    }, text)
    assert.equal(sender, from.address)
    assert.deepEqual(recipients, [to.address])
  }

  await keptTo(MAX_PEERS, peers, world)
})

behavior('pages that come one after another stay below maxPeers too', async world => {
  await world.tracker()
  const peers = []
  for (let i = 0; i < 6; i++) {
    const peer = await world.join(`p${i}`, 'one by one', { maxPeers: 2 })
    peers.push(peer)
    if (i) await peer.neighbors()
  }
  await oneMesh(peers)
  await peers[0].send('round')
  await Promise.all(peers.slice(1).map(peer => peer.hears('round')))
  for (const peer of peers) {
    const { wires, connected } = await peer.run(p => ({ wires: p.mostWires, connected: probe.mostConnected }))
    assert.ok(wires <= 2, `${peer.name} had wireCount ${wires}`)
    assert.ok(connected <= 3, `${peer.name} had ${connected} connections`)
  }
})

/** Waits until each peer has heard all the texts meant for it. */
function everyone(peers, texts) {
  return Promise.all(peers.map(me => me.until('all messages', (p, texts) => {
    const heard = new Set(p.messages.map(m => m.message))
    return texts.every(text => heard.has(text))
  }, texts(me))))
}
