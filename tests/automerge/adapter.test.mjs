// Who becomes a peer of a repository, and that what is said between neighbors arrives, whole and in order.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode, decodeMessages } from '../../src/automerge/wire.mjs'
import { closeAll, EasypeersNetworkAdapter, find, line, Network, open, pass } from './network.mjs'

const peersOf = ({ repo }) => [...repo.peers].sort()

test('neighbors are peers of the repository, and what one writes gets through to the end of a line', async () => {
  const network = new Network()
  const all = await line(network, 5, i => ({ peerId: `p${i}` }))
  assert.deepEqual(all.map(peersOf), [['p1'], ['p0', 'p2'], ['p1', 'p3'], ['p2', 'p4'], ['p3']])
  const first = all[0].repo.create({ words: ['one'] })
  const last = await find(all[4], first.url)
  last.change(doc => { doc.words.push('two') })
  await pass(2_000)
  assert.deepEqual(first.doc(), { words: ['one', 'two'] })
  assert.ok(network.log.every(({ from, to, channel }) => network.isLinked(from, to) && channel === 'automerge:1'))
  closeAll(all)
})

test('where each page takes part in the documents that it has open, a document gets as far as there are such neighbors', async () => {
  const network = new Network()
  const opened = [new Set(), new Set(), new Set()]
  const all = await line(network, 3, i => {
    const isOpened = async (peerId, documentId) => documentId === undefined || opened[i].has(documentId)
    return { shareConfig: { announce: isOpened, access: isOpened } }
  })
  const { documentId, url } = all[0].repo.create({ n: 1 })
  for (const i of [0, 2]) opened[i].add(documentId)
  assert.equal(await find(all[2], url), undefined)
  assert.deepEqual(Object.keys(all[1].repo.handles), [])
  opened[1].add(documentId)
  assert.deepEqual((await find(all[1], url)).doc(), { n: 1 })
  assert.deepEqual((await find(all[2], url)).doc(), { n: 1 })
  closeAll(all)
})

test('an ephemeral message gets through a line once, in the name of who sent it', async () => {
  const network = new Network()
  const all = await line(network, 4, i => ({ peerId: `p${i}` }))
  const handle = all[0].repo.create({})
  await pass(1_000)
  const far = await find(all[3], handle.url)
  const heard = []
  far.on('ephemeral-message', ({ senderId, message }) => heard.push([senderId, message]))
  handle.broadcast({ cursor: 7 })
  await pass(1_000)
  assert.deepEqual(heard, [['p0', { cursor: 7 }]])
  assert.deepEqual(all.map(({ adapter }) => adapter.stats().dropped), [{}, {}, {}, {}])
  closeAll(all)
})

test('a large document goes in pieces, and arrives whole', async () => {
  const network = new Network()
  const [a, b] = await line(network, 2)
  const bytes = new Uint8Array(2_000_000).map((_, i) => (i * i * 7919) >> 8)
  const handle = a.repo.create({ file: bytes })
  const found = await find(b, handle.url, 10_000)
  assert.deepEqual(found.doc().file, bytes)
  const largest = Math.max(...network.log.map(({ bytes }) => bytes.length))
  assert.ok(largest <= 16_384 + 17, `${largest} bytes in one message`)
  closeAll([a, b])
})

test('pieces that come twice and too late do no harm', async () => {
  const network = new Network(3)
  const [a, b] = await line(network, 2)
  // Each message once more, a second later.
  const carry = network.carry.bind(network)
  network.carry = (from, to, ...rest) => {
    setTimeout(() => carry(from, to, ...rest), 900 + network.random.below(300))
    return carry(from, to, ...rest)
  }
  const handle = a.repo.create({ files: [] })
  const found = await find(b, handle.url)
  for (let i = 0; i < 12; i++) {
    handle.change(doc => { doc.files.push(new Uint8Array(60_000).map(() => network.random.below(256))) })
    await pass(300)
  }
  await pass(5_000)
  assert.deepEqual(found.doc(), handle.doc())
  assert.deepEqual([a.adapter.stats().restarts, b.adapter.stats().restarts], [0, 0])
  closeAll([a, b])
})

test('what overtakes on its way is heard in order', async () => {
  const network = new Network(2)
  network.latency = () => 5 + network.random.below(200)
  const [a, b] = await line(network, 2, i => ({ peerId: `p${i}` }))
  await pass(1_000)
  for (let i = 0; i < 200; i++) {
    a.adapter.send({ type: 'counted', senderId: 'p0', targetId: 'p1', i })
    await pass(network.random.below(60))
  }
  await pass(5_000)
  assert.deepEqual(b.received.filter(({ type }) => type === 'counted').map(({ i }) => i), Array.from({ length: 200 }, (_, i) => i))
  closeAll([a, b])
})

test('of a hundred and more ephemeral messages that wait for a slow neighbor the oldest are left out', async () => {
  const network = new Network()
  const [a, b] = await line(network, 2, i => ({ peerId: `p${i}` }))
  for (let count = 0; count < 300; count++) a.adapter.send({ type: 'ephemeral', senderId: 'p0', targetId: 'p1', count, sessionId: 's', documentId: 'x' })
  a.adapter.send({ type: 'counted', senderId: 'p0', targetId: 'p1' })
  const sent = []
  const carry = network.carry.bind(network)
  network.carry = (from, to, bytes, ...rest) => {
    const packet = decode(bytes)
    if (packet.messages) sent.push(...decodeMessages(packet.messages))
    return carry(from, to, bytes, ...rest)
  }
  await pass(2_000)
  assert.deepEqual(sent.map(({ count }) => count), [...Array.from({ length: 100 }, (_, i) => 200 + i), undefined])
  closeAll([a, b])
})

test('a message that is lost, with the acknowledgement of its loss, makes both begin anew, and nothing is missing', async () => {
  const network = new Network(4)
  const [a, b] = await line(network, 2)
  const handle = a.repo.create({ n: 0 })
  const found = await find(b, handle.url)
  const gone = []
  a.adapter.on('peer-disconnected', ({ peerId }) => gone.push(peerId))
  network.loses = () => true
  handle.change(doc => { doc.n = 1 })
  await pass(8_000)
  network.loses = () => false
  assert.deepEqual(gone, [b.repo.peerId])
  assert.equal(found.doc().n, 0)
  await pass(70_000)
  assert.equal(found.doc().n, 1)
  assert.equal(a.adapter.stats().restarts, 1)
  closeAll([a, b])
})

test('who comes to a link that is there already, with a repository, is met', async () => {
  const network = new Network()
  const [here, there] = [network.peer(), network.peer()]
  network.link(here, there)
  const a = open(network, { easypeers: here, peerId: 'a' })
  await pass(10_000)
  const b = open(network, { easypeers: there, peerId: 'b' })
  await pass(500)
  assert.deepEqual([peersOf(a), peersOf(b)], [['b'], ['a']])
  closeAll([a, b])
})

test('a link that one end sees before the other makes no difference', async () => {
  const network = new Network()
  const [a, b] = [open(network, { peerId: 'a' }), open(network, { peerId: 'b' })]
  await pass(100)
  const emit = b.easypeers.emit.bind(b.easypeers)
  b.easypeers.emit = (...args) => { setTimeout(() => emit(...args), 400) }
  network.link(a.easypeers, b.easypeers)
  await pass(2_000)
  assert.deepEqual([peersOf(a), peersOf(b)], [['b'], ['a']])
  closeAll([a, b])
})

test('a neighbor that leaves and comes again, here or there, is a peer again and has what it missed', async () => {
  const network = new Network()
  const [a, b, c] = await line(network, 3, i => ({ peerId: `p${i}` }))
  const handle = a.repo.create({ n: 0 })
  const found = await find(c, handle.url)
  b.adapter.disconnect()
  await pass(200)
  assert.deepEqual([a, b, c].map(peersOf), [[], [], []])
  handle.change(doc => { doc.n = 1 })
  found.change(doc => { doc.m = 2 })
  await pass(1_000)
  b.adapter.connect(b.repo.peerId)
  await pass(3_000)
  assert.deepEqual([handle.doc(), found.doc()], [{ n: 1, m: 2 }, { n: 1, m: 2 }])
  assert.deepEqual(a.received.length > 0 && b.adapter.peerMetadata, { storageId: undefined, isEphemeral: true }, 'with the metadata that it had')
  closeAll([a, b, c])
})

test('an instance is shared with a chat, which hears nothing of it, and with a second repository in a channel of its own', async () => {
  const network = new Network()
  const heard = []
  const [here, there] = [network.peer(), network.peer()]
  there.on('message', ({ message }) => heard.push(message))
  const [a1, a2] = ['one', 'two'].map(channel => open(network, { easypeers: here, options: { channel } }))
  const [b1, b2] = ['one', 'two'].map(channel => open(network, { easypeers: there, options: { channel } }))
  network.link(here, there)
  here.send('a word')
  await pass(500)
  assert.deepEqual([peersOf(a1), peersOf(a2)], [[b1.repo.peerId], [b2.repo.peerId]])
  assert.deepEqual(heard, ['a word'])
  closeAll([a1, a2, b1, b2])
})

test('disconnect leaves nothing behind, and an instance that was given stays open', async () => {
  const network = new Network()
  const [a, b] = await line(network, 2)
  a.adapter.disconnect()
  a.adapter.disconnect()
  assert.equal(a.easypeers.channels.size, 0)
  assert.deepEqual(['connect', 'disconnect', 'address', 'close'].map(event => a.easypeers.listenerCount(event)), [0, 0, 0, 0])
  assert.equal(a.easypeers.closed, false)
  network.log.length = 0
  await pass(120_000)
  assert.ok(network.log.every(({ from }) => from !== a.easypeers))
  closeAll([a, b])
})

test('an instance that the page closes ends the adapter', async () => {
  const network = new Network()
  const [a, b] = await line(network, 2)
  let closed = 0
  a.adapter.on('close', () => closed++)
  a.easypeers.close()
  await pass(100)
  assert.equal(closed, 1)
  assert.deepEqual([peersOf(a), peersOf(b)], [[], []])
  assert.throws(() => a.adapter.connect('again'))
  closeAll([b])
})

test('a repository need not wait longer than ten seconds for somebody, and not at all once somebody is there', async () => {
  const network = new Network()
  const alone = open(network)
  await pass(9_900)
  assert.equal(alone.adapter.isReady(), false)
  await pass(200)
  assert.equal(alone.adapter.isReady(), true)
  const [a, b] = await line(network, 2)
  assert.deepEqual([a.adapter.isReady(), b.adapter.isReady()], [true, true])
  a.adapter.disconnect()
  a.adapter.connect('a')
  assert.equal(a.adapter.isReady(), false, 'it is asked anew')
  await pass(500)
  assert.equal(a.adapter.isReady(), true)
  const early = new EasypeersNetworkAdapter(network.peer())
  const ready = early.whenReady()
  early.disconnect()
  await ready
  closeAll([alone, a, b])
})

test('random changes, through links that come and go and messages that are lost, end in the same document', async () => {
  for (const seed of [1, 2]) {
    const network = new Network(seed)
    const { random } = network
    const all = Array.from({ length: 6 }, () => open(network))
    network.mesh(all.map(({ easypeers }) => easypeers))
    await pass(500)
    const handles = [all[0].repo.create({ list: [] })]
    for (const one of all.slice(1)) handles.push(await find(one, handles[0].url, 500))
    network.loses = () => random() < 0.1
    for (let i = 0; i < 60; i++) {
      random.pick(handles).change(doc => {
        if (doc.list.length > 3 && random() < 0.3) doc.list.splice(random.below(doc.list.length), 1)
        else doc.list.splice(random.below(doc.list.length + 1), 0, i)
      })
      const [x, y] = [random.pick(all).easypeers, random.pick(all).easypeers]
      if (random() < 0.2) network.unlink(x, y)
      else if (random() < 0.3) network.link(x, y)
      await pass(random.below(300))
    }
    network.loses = () => false
    network.mesh(all.map(({ easypeers }) => easypeers))
    await pass(130_000)
    for (const handle of handles) assert.deepEqual(handle.doc(), handles[0].doc(), `seed ${seed}`)
    closeAll(all)
  }
})
