// Whose PeerId is whose, and what becomes of what strangers say.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateAutomergeUrl, parseAutomergeUrl } from '@automerge/automerge-repo'
import { CHANNEL, decode, encodeHello, encodeMessage, encodePacket, encodePiece } from '../../src/automerge/wire.mjs'
import { closeAll, find, line, Network, open, pass } from './network.mjs'

const { documentId } = parseAutomergeUrl(generateAutomergeUrl())
const peersOf = ({ repo }) => [...repo.peers].sort()
const droppedBy = ({ adapter }) => adapter.stats().dropped

/** A pair of pages, and what one of them gets, as if the other had sent it: bytes, or messages of its session. */
async function pair () {
  const network = new Network()
  const [a, b] = await line(network, 2, i => ({ peerId: `p${i}` }))
  const { session } = decode(network.log.find(({ from }) => from === b.easypeers).bytes)
  let number = 1_000
  const give = (message, rest = { to: [a.easypeers.address] }) =>
    a.easypeers.hear({ message, from: b.easypeers.address, verified: true, ...rest }, CHANNEL)
  const say = (...messages) => {
    const parts = messages.map(encodeMessage)
    give(encodePacket({ session, number: ++number, messages: Uint8Array.from(parts.flatMap(part => [...part])) }))
  }
  a.received.length = 0
  return { network, a, b, session, give, say }
}

test('a message in another’s name is dropped and counted, but an ephemeral one, which a repository passes on', async () => {
  const { a, b, say } = await pair()
  const data = new Uint8Array([1])
  const ephemeral = { type: 'ephemeral', targetId: 'p0', documentId, data, count: 1, sessionId: 's' }
  say({ type: 'doc-unavailable', senderId: 'p2', targetId: 'p0', documentId })
  say({ type: 'doc-unavailable', senderId: 'p1', targetId: 'p2', documentId })
  say({ ...ephemeral, senderId: 'p0' })
  assert.deepEqual(droppedBy(a), { sender: 3 })
  assert.deepEqual(a.received, [])
  say({ ...ephemeral, senderId: 'p2' }, { type: 'doc-unavailable', senderId: 'p1', targetId: 'p0', documentId })
  assert.deepEqual(a.received.map(({ senderId }) => senderId), ['p2', 'p1'])
  closeAll([a, b])
})

test('a PeerId that somebody has already is not given to a second one before the first is gone', async () => {
  const network = new Network()
  const [a, b] = await line(network, 2, i => ({ peerId: `p${i}` }))
  const rival = open(network, { peerId: 'p1' })
  network.link(a.easypeers, rival.easypeers)
  await pass(1_000)
  assert.deepEqual(peersOf(a), ['p1'])
  assert.equal(droppedBy(a).peer, 1)
  const handle = a.repo.create({ secret: true })
  await pass(1_000)
  assert.equal(rival.received.length, 0, 'and it is told nothing')
  assert.ok(b.received.length > 0)
  network.crash(b.easypeers)
  await pass(1_000)
  assert.deepEqual(peersOf(a), ['p1'])
  assert.deepEqual((await find(rival, handle.url)).doc(), { secret: true })
  closeAll([a, rival])
})

/** A peer that says this of itself, and what it heard from others. */
function liar (network, peerId) {
  const peer = network.peer()
  const channel = peer.channel(CHANNEL).on('message', ({ from, message }) => {
    const packet = decode(message)
    if (packet.name === 'hello') channel.send(from, encodeHello({ session: 7, echo: packet.session, peerId, metadata: {} }))
  })
  return peer
}

test('a PeerId that is an address is believed of that address alone, and our own of nobody', async () => {
  const network = new Network()
  const [here, there, elsewhere] = [network.peer(), network.peer(), network.peer()]
  const a = open(network, { easypeers: here, peerId: here.address })
  const b = open(network, { easypeers: there, peerId: there.address })
  network.link(here, there)
  for (const peerId of [elsewhere.address, here.address]) network.link(here, liar(network, peerId))
  await pass(1_000)
  assert.deepEqual(peersOf(a), [there.address])
  assert.ok(droppedBy(a).peer >= 2)
  const c = open(network, { peerId: 'c' })
  network.link(c.easypeers, liar(network, 'c'))
  await pass(1_000)
  assert.deepEqual(peersOf(c), [])
  assert.ok(droppedBy(c).peer >= 1)
  closeAll([a, b, c])
})

test('a hello that comes late, after a goodbye, is of nobody', async () => {
  const { network, a, b, give } = await pair()
  const hello = network.log.findLast(({ from, bytes }) => from === b.easypeers && decode(bytes).name === 'hello').bytes
  b.adapter.disconnect()
  await pass(500)
  give(hello)
  assert.deepEqual(peersOf(a), [])
  closeAll([a, b])
})

test('each kind of nonsense is counted', async () => {
  const { a, b, give, say, session } = await pair()
  for (const message of [null, 'text', {}, [0], new Uint8Array(), new Uint8Array([9]), new Uint8Array([0, 1])]) give(message)
  for (const peerId of ['', 'x'.repeat(1_001)]) give(encodeHello({ session: 1, echo: 0, peerId, metadata: {} }))
  give(encodePacket({ session, number: 2_000, messages: new Uint8Array([255, 255, 255, 255, 1]) }))
  give(encodeHello({ session: 5, echo: 0, peerId: 'p1', metadata: {} }), {})
  assert.deepEqual(droppedBy(a), { packet: 11 })
  give(encodePacket({ session: session + 1, number: 3_000, messages: new Uint8Array() }))
  give(new Uint8Array([1]), { from: 'ab'.repeat(20), to: ['x'] })
  give(encodePiece({ session, number: 4_000, index: 3, count: 3, bytes: new Uint8Array(3) }))
  give(new Uint8Array([1]), { verified: false, to: ['x'] })
  assert.deepEqual(droppedBy(a), { packet: 11, stranger: 2, piece: 1, unverified: 1 })
  assert.deepEqual(peersOf(a), ['p1'])
  closeAll([a, b])
})

test('messages that are not as automerge-repo declares them do not reach it', async () => {
  const { a, b, say } = await pair()
  const from = { senderId: 'p1', targetId: 'p0' }
  const data = new Uint8Array([1])
  const wrong = [
    {}, { type: 7, ...from }, { type: 'sync', ...from }, { type: 'sync', ...from, documentId: 'none', data }, { type: 'request', ...from, documentId },
    { type: 'ephemeral', ...from, documentId, data, count: 'many', sessionId: 's' }, { type: 'doc-unavailable', ...from },
    { type: 'remote-subscription-change', ...from, add: 'all' }, { type: 'remote-heads-changed', ...from, documentId },
    { type: 'remote-heads-changed', ...from, documentId, newHeads: { s: { heads: 1, timestamp: 1 } } },
  ]
  for (const message of wrong) say(message)
  assert.deepEqual(droppedBy(a), { message: wrong.length })
  say({ type: 'remote-heads-changed', ...from, documentId, newHeads: { s: { heads: ['x'], timestamp: 1 } } }, { type: 'of a later version', ...from })
  assert.equal(a.received.length, 2)
  closeAll([a, b])
})

test('whatever becomes of the bytes of packets, nothing is thrown, and the documents agree afterwards', async t => {
  // The repository says on the console what it cannot apply.
  t.mock.method(console, 'log', () => {})
  const { network, a, b, give } = await pair()
  const { random } = network
  const handle = a.repo.create({ n: 0 })
  const found = await find(b, handle.url)
  for (let i = 0; i < 10; i++) {
    random.pick([handle, found]).change(doc => { doc.n = i })
    await pass(300)
  }
  const packets = network.log.map(({ bytes }) => bytes)
  for (let i = 0; i < 3_000; i++) {
    const bytes = random.pick(packets).slice(0, random() < 0.3 ? random.below(60) : undefined)
    for (let flips = random.below(4); flips >= 0 && bytes.length > 0; flips--) bytes[random.below(bytes.length)] = random.below(256)
    give(bytes)
  }
  assert.ok(Object.values(droppedBy(a)).reduce((x, y) => x + y, 0) > 500)
  await pass(5_000)
  // What came under its name was not of its session: at the next link all is said anew.
  network.unlink(a.easypeers, b.easypeers)
  network.link(a.easypeers, b.easypeers)
  await pass(1_000)
  found.change(doc => { doc.still = 'alive' })
  await pass(2_000)
  assert.equal(handle.doc().still, 'alive')
  closeAll([a, b])
})
