// An instance whose address is in use elsewhere goes by another one, until its own is free: who is whose peer then.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeAll, find, line, Network, open, pass } from './network.mjs'

const peersOf = ({ repo }) => [...repo.peers].sort()
const link = (network, one, other) => network.link(one.easypeers, other.easypeers)

test('a neighbor that goes by another address is the same peer, once, and has what it missed', async () => {
  const network = new Network()
  const [a, b, c] = await line(network, 3, i => ({ peerId: `p${i}` }))
  const handle = a.repo.create({ n: 0 })
  const found = await find(c, handle.url)
  const met = []
  for (const event of ['peer-candidate', 'peer-disconnected']) a.adapter.on(event, ({ peerId }) => met.push([event, peerId]))
  network.rename(b.easypeers)
  assert.deepEqual([a, b, c].map(peersOf), [[], [], []])
  handle.change(doc => { doc.n = 1 })
  for (const other of [a, c]) link(network, b, other)
  await pass(3_000)
  assert.deepEqual([a, b, c].map(peersOf), [['p1'], ['p0', 'p2'], ['p1']])
  assert.deepEqual(met, [['peer-disconnected', 'p1'], ['peer-candidate', 'p1']])
  assert.deepEqual(found.doc(), { n: 1 })
  closeAll([a, b, c])
})

test('a neighbor that comes under another address before its first link is missed is a peer when that is', async () => {
  const network = new Network()
  const [a, b] = await line(network, 2, i => ({ peerId: `p${i}` }))
  const handle = a.repo.create({ n: 0 })
  const found = await find(b, handle.url)
  const before = b.easypeers.address
  // A page that crashed, or was away: nothing says that its link is over.
  const emit = a.easypeers.emit.bind(a.easypeers)
  a.easypeers.emit = (...event) => { if (event.join() !== `disconnect,${before}`) emit(...event) }
  network.rename(b.easypeers)
  link(network, a, b)
  await pass(1_000)
  assert.deepEqual(peersOf(b), ['p0'])
  handle.change(doc => { doc.n = 1 })
  await pass(1_000)
  assert.deepEqual(found.doc(), { n: 0 }, 'what is told goes to the first link')
  emit('disconnect', before)
  await pass(1_000)
  assert.deepEqual(peersOf(a), ['p1'])
  assert.deepEqual(found.doc(), { n: 1 })
  closeAll([a, b])
})

/** Two pages of one identity, whose repositories are named by its address, and a third one; linked with each other. */
async function tabs () {
  const network = new Network()
  const first = open(network, named(network.peer()))
  const third = open(network, named(network.peer()))
  const second = open(network, { easypeers: network.peer(), peerId: first.repo.peerId })
  await linked(network, [first, second, third])
  return { network, first, second, third, wanted: first.easypeers.address, other: second.easypeers.address }
}

const named = easypeers => ({ easypeers, peerId: easypeers.address })

async function linked (network, all) {
  for (const [i, one] of all.entries()) for (const another of all.slice(i + 1)) link(network, one, another)
  await pass(2_000)
}

test('a repository that is named by an address that another page has is known by the one it goes by', async () => {
  const { first, second, third, wanted, other } = await tabs()
  assert.deepEqual(peersOf(first), [other, third.easypeers.address].sort())
  assert.deepEqual(peersOf(third), [wanted, other].sort())
  // It is called by the first name itself: to it, who has that is somebody else.
  assert.deepEqual(peersOf(second), [other, third.easypeers.address].sort())
  assert.deepEqual([first, second, third].map(({ adapter }) => adapter.stats().dropped), [{}, {}, {}])
  closeAll([first, second, third])
})

test('what two pages of one identity write gets to each other and to all, in the name of each', async () => {
  const { first, second, third, wanted, other } = await tabs()
  const all = [first, second, third]
  const handles = [first.repo.create({ words: ['first'] })]
  for (const one of [second, third]) handles.push(await find(one, handles[0].url))
  for (const [i, word] of ['one', 'two', 'three'].entries()) handles[i].change(doc => { doc.words.push(word) })
  await pass(3_000)
  for (const handle of handles) assert.deepEqual([...handle.doc().words].sort(), ['first', 'one', 'three', 'two'])
  // A repository counts what it says to each peer, so that over two ways it may be heard twice.
  const heard = handles.map(() => new Set())
  for (const [i, handle] of handles.entries()) handle.on('ephemeral-message', ({ senderId, message }) => heard[i].add(`${message} by ${senderId}`))
  handles[0].broadcast('first')
  await pass(500)
  handles[1].broadcast('second')
  await pass(500)
  assert.deepEqual(heard.map(said => [...said]), [
    [`second by ${other}`],
    [`first by ${other}`],
    [`first by ${wanted}`, `second by ${other}`],
  ])
  assert.deepEqual(all.map(({ adapter }) => adapter.stats().dropped), [{}, {}, {}])
  closeAll(all)
})

test('the second page of an identity has its name when the first is gone, and others meet it as who it is', async () => {
  const { network, first, second, third, wanted, other } = await tabs()
  const handle = third.repo.create({ n: 0 })
  const found = await find(second, handle.url)
  first.adapter.disconnect()
  first.easypeers.close()
  const met = []
  third.adapter.on('peer-candidate', ({ peerId }) => met.push(peerId))
  network.rename(second.easypeers, wanted)
  link(network, second, third)
  await pass(1_000)
  assert.deepEqual([peersOf(second), peersOf(third), met], [[third.easypeers.address], [wanted], [wanted]])
  handle.change(doc => { doc.n = 1 })
  await pass(1_000)
  assert.deepEqual(found.doc(), { n: 1 })
  // And it may lose it again.
  network.rename(second.easypeers, other)
  assert.deepEqual(peersOf(third), [])
  link(network, second, third)
  await pass(1_000)
  assert.deepEqual([peersOf(second), peersOf(third)], [[third.easypeers.address], [other]])
  closeAll([second, third])
})
