// Who is there, and who is not any more.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Awareness, closeAll, crowd, Network, open, pass, Y } from './network.mjs'

const ids = ({ awareness }) => [...awareness.states.keys()].sort((a, b) => a - b)
const everyone = all => all.map(({ doc }) => doc.clientID).sort((a, b) => a - b)

test('everyone knows of everyone, a newcomer too', async () => {
  const network = new Network()
  const all = await crowd(network, 8)
  for (const { awareness } of all) awareness.setLocalStateField('name', `n${awareness.clientID}`)
  await pass(1_000)
  const newcomer = open(network)
  network.link(newcomer.easypeers, all[0].easypeers)
  await pass(1_000)
  for (const one of [...all, newcomer]) assert.deepEqual(ids(one), everyone([...all, newcomer]))
  assert.deepEqual([...newcomer.awareness.states.values()].filter(({ name }) => name).length, 8)
  closeAll([...all, newcomer])
})

test('a cursor that moves all the time is told of ten times a second, and where it stops', async () => {
  const network = new Network()
  const [a, b] = await crowd(network, 2)
  network.log.length = 0
  for (let i = 0; i <= 50; i++) {
    a.awareness.setLocalStateField('cursor', i)
    await pass(20)
  }
  await pass(300)
  assert.ok(network.log.length >= 5 && network.log.length <= 12, `${network.log.length} messages in a second`)
  assert.equal(b.awareness.states.get(a.doc.clientID).cursor, 50)
  closeAll([a, b])
})

test('a cursor goes along with the change that moved it, in one message', async () => {
  const network = new Network()
  const [a, b] = await crowd(network, 2)
  network.log.length = 0
  for (let i = 0; i < 10; i++) {
    a.text.insert(i, 'x')
    a.awareness.setLocalStateField('cursor', i + 1)
    await pass(200)
  }
  assert.equal(network.log.length, 10)
  assert.equal(b.awareness.states.get(a.doc.clientID).cursor, 10)
  closeAll([a, b])
})

test('who says nothing for an hour is still there, and nothing is said for it', async () => {
  const network = new Network()
  const all = await crowd(network, 4)
  await pass(60_000)
  network.log.length = 0
  await pass(3_600_000)
  for (const one of all) assert.deepEqual(ids(one), everyone(all))
  assert.ok(network.log.length < 4 * 20, `${network.log.length} messages in an hour`)
  closeAll(all)
})

test('who leaves is gone at once', async () => {
  const network = new Network()
  const all = await crowd(network, 6)
  for (const leave of [({ doc }) => doc.destroy(), ({ provider }) => provider.destroy(), ({ provider }) => provider.disconnect()]) {
    leave(all.shift())
    await pass(100)
    for (const one of all) assert.deepEqual(ids(one), everyone(all))
  }
  closeAll(all)
})

test('who crashes is gone for all some seconds after its neighbors missed it, and a few messages were enough', async () => {
  const network = new Network()
  const all = await crowd(network, 8)
  await pass(30_000)
  const [gone] = all.splice(0, 1)
  network.log.length = 0
  network.crash(gone.easypeers)
  await pass(4_000)
  for (const one of all) assert.deepEqual(ids(one), everyone(all))
  const broadcasts = new Set(network.log.map(({ bytes }) => bytes)).size
  assert.ok(broadcasts <= 3, `${broadcasts} messages`)
  closeAll([...all, gone])
})

test('after a goodbye that was lost no ghost stays', async () => {
  const network = new Network()
  const all = await crowd(network, 4)
  const [a, b] = all
  // The instance lives on, so that a peer is there: as it is when a component with a room is unmounted.
  network.loses = (from, to) => to === b.easypeers
  a.provider.destroy()
  await pass(100)
  network.loses = () => false
  const again = open(network, { easypeers: a.easypeers })
  all[0] = again
  b.text.insert(0, 'something happens')
  await pass(60_000)
  for (const one of all) assert.deepEqual(ids(one), everyone(all))
  closeAll(all)
})

test('a goodbye that one did not hear is told to it by another, and nobody brings the ghost back', async () => {
  const network = new Network()
  const all = await crowd(network, 4)
  const [a, b, ...others] = all
  network.loses = (from, to) => to === b.easypeers
  a.provider.destroy()
  await pass(100)
  network.loses = () => false
  assert.ok(b.awareness.states.has(a.doc.clientID))
  // Its peer is still there, and does not know of the room any more.
  assert.equal(a.easypeers.closed, false)
  b.text.insert(0, 'something happens')
  for (let seconds = 0; seconds < 60; seconds++) {
    await pass(1_000)
    for (const { awareness } of others) assert.equal(awareness.states.has(a.doc.clientID), false)
  }
  assert.deepEqual(ids(b), everyone([b, ...others]))
  closeAll(all)
})

test('who comes back after disconnect is there again, and sees the others', async () => {
  const network = new Network()
  const all = await crowd(network, 4)
  all[0].awareness.setLocalStateField('name', 'Ada')
  await pass(500)
  all[0].provider.disconnect()
  await pass(500)
  assert.deepEqual(ids(all[0]), [all[0].doc.clientID], 'its own state stays')
  all[0].provider.connect()
  await pass(2_000)
  for (const one of all) {
    assert.deepEqual(ids(one), everyone(all))
    assert.equal(one.awareness.states.get(all[0].doc.clientID).name, 'Ada')
  }
  closeAll(all)
})

test('two parts of a swarm that meet again know of everyone', async () => {
  const network = new Network()
  const [left, right] = [await crowd(network, 4), await crowd(network, 4)]
  assert.deepEqual(ids(left[0]), everyone(left))
  network.link(left[0].easypeers, right[0].easypeers)
  await pass(10_000)
  for (const one of [...left, ...right]) assert.deepEqual(ids(one), everyone([...left, ...right]))
  closeAll([...left, ...right])
})

test('nobody takes a state away from a page that is there', async () => {
  const network = new Network()
  const [a, b] = await crowd(network, 2)
  a.awareness.setLocalStateField('name', 'Ada')
  await pass(500)
  b.awareness.emit('update', [{ added: [], updated: [], removed: [] }, 'local'])
  // A page that believes Ada gone says so.
  const { encodePacket } = await import('../../src/yjs/wire.mjs')
  const { encodeAwarenessUpdate } = await import('y-protocols/awareness')
  const update = encodeAwarenessUpdate({ meta: new Map([[a.doc.clientID, { clock: 99 }]]), states: new Map() }, [a.doc.clientID])
  b.easypeers.send(encodePacket('room', [{ name: 'awareness', update }]))
  await pass(1_000)
  assert.equal(a.awareness.getLocalState().name, 'Ada')
  // And whoever believed it hears better.
  const c = open(network)
  network.link(c.easypeers, b.easypeers)
  await pass(2_000)
  assert.equal(c.awareness.states.get(a.doc.clientID).name, 'Ada')
  closeAll([a, b, c])
})

test('who crashes is missed though others still know of its peer for some seconds', async () => {
  const network = new Network()
  const all = await crowd(network, 6)
  await pass(30_000)
  const [gone] = all.splice(0, 1)
  const peers = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(gone.easypeers), 'peers').get
  for (const { easypeers } of all) Object.defineProperty(easypeers, 'peers', { configurable: true, get () { return [...peers.call(this), gone.easypeers.address] } })
  network.crash(gone.easypeers)
  await pass(4_000)
  for (const { easypeers } of all) delete easypeers.peers
  await pass(4_000)
  for (const one of all) assert.deepEqual(ids(one), everyone(all))
  closeAll([...all, gone])
})

test('a goodbye of a peer that is missed by mistake is taken back by that peer', async () => {
  const network = new Network()
  const all = await crowd(network, 5)
  const [a, b] = all
  a.awareness.setLocalStateField('name', 'Ada')
  await pass(1_000)
  // It is cut off for a moment, and linked anew.
  const neighbors = network.neighbors(a.easypeers)
  for (const other of neighbors) network.unlink(a.easypeers, other)
  await pass(4_000)
  assert.equal(b.awareness.states.has(a.doc.clientID), false)
  for (const other of neighbors) network.link(a.easypeers, other)
  await pass(10_000)
  for (const one of all) {
    assert.deepEqual(ids(one), everyone(all))
    assert.equal(one.awareness.states.get(a.doc.clientID).name, 'Ada')
  }
  closeAll(all)
})

test('an awareness that is given is used, and lives on', async () => {
  const network = new Network()
  const doc = new Y.Doc()
  const awareness = new Awareness(doc)
  const a = open(network, { doc, awareness })
  assert.equal(a.awareness, awareness)
  a.provider.destroy()
  assert.deepEqual(awareness.getLocalState(), {})
  doc.destroy()
})

test('parts of a swarm that were apart for any time see all of each other soon after', async () => {
  for (let seed = 1; seed <= 16; seed++) {
    const network = new Network(seed)
    const all = await crowd(network, 8)
    const parts = [all.slice(0, 4), all.slice(4)]
    for (const part of parts) network.mesh(part.map(({ easypeers }) => easypeers))
    for (const here of parts[0]) for (const there of parts[1]) network.unlink(here.easypeers, there.easypeers)
    // Awareness forgets who was not known for 30 s.
    await pass(1_000 + 2_000 * seed)
    network.link(network.random.pick(parts[0]).easypeers, network.random.pick(parts[1]).easypeers)
    await pass(40_000)
    assert.deepEqual(all.map(({ awareness }) => awareness.states.size), all.map(() => 8), `seed ${seed}`)
    closeAll(all)
  }
})
