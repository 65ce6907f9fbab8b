// What goes out, to whom and when, in virtual time.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeMessages, openPacket } from '../../src/yjs/wire.mjs'
import { assertEqual, closeAll, crowd, EasypeersProvider, Network, open, pass, settled, Y } from './network.mjs'

/** The messages of this name that were sent, each once however many got it. */
function said (network, name) {
  const packets = new Set(network.log.map(({ bytes }) => bytes))
  return [...packets].flatMap(bytes => decodeMessages(openPacket(bytes).bytes)).filter(message => message.name === name)
}

/** What a provider holds of an instance: channels and listeners. */
function left (easypeers) {
  return [easypeers.channels.size, ...['connect', 'disconnect', 'address', 'close'].map(event => easypeers.listenerCount(event))]
}

test('what is changed in one turn is broadcast once, by the page that made it', async () => {
  const network = new Network()
  const all = await crowd(network, 6)
  network.log.length = 0
  const [{ text, doc }] = all
  for (const letter of 'hello') text.insert(text.length, letter)
  doc.getMap('map').set('a', 1)
  await pass(1_000)
  assert.equal(said(network, 'update').length, 1)
  assert.equal(network.log.length, 5, 'each other peer got it, and nobody said anything more')
  assert.ok(all.every(({ text }) => text.toString() === 'hello'))
  closeAll(all)
})

test('what comes from another provider of the same document goes on', async () => {
  const network = new Network()
  const [a, b] = await crowd(network, 2)
  const stored = new Y.Doc()
  stored.getText('text').insert(0, 'from the disk')
  Y.applyUpdate(a.doc, Y.encodeStateAsUpdate(stored), 'persistence')
  await pass(100)
  assert.equal(b.text.toString(), 'from the disk')
  closeAll([a, b])
})

test('a page that is alone sends nothing, is synced after a moment and says so', async () => {
  const network = new Network()
  const a = open(network)
  const events = []
  a.provider.on('synced', event => events.push(event))
  a.provider.on('status', event => events.push(event))
  const whenSynced = a.provider.whenSynced
  a.text.insert(0, 'nobody hears this')
  await pass(1_000)
  assert.deepEqual([a.provider.synced, events], [false, [{ connected: true }]])
  await pass(5_000)
  assert.deepEqual([a.provider.synced, a.provider.alone, a.doc.isSynced], [true, true, true])
  assert.deepEqual(events, [{ connected: true }, { synced: true, alone: true }])
  assert.deepEqual(await whenSynced, { alone: true })
  assert.deepEqual(network.log, [])

  // Who comes has it at once, and then neither is alone.
  const b = open(network)
  network.link(a.easypeers, b.easypeers)
  await pass(300)
  assert.equal(b.text.toString(), 'nobody hears this')
  assert.deepEqual([a, b].map(({ provider }) => [provider.synced, provider.alone]), [[true, false], [true, false]])
  closeAll([a, b])
})

test('a newcomer asks one neighbor, and gets the document once', async () => {
  const network = new Network()
  const all = await crowd(network, 6)
  all[0].text.insert(0, 'x'.repeat(10_000))
  await pass(20_000)
  network.log.length = 0
  const newcomer = open(network)
  newcomer.text.insert(0, 'y')
  for (const { easypeers } of all.slice(0, 3)) network.link(newcomer.easypeers, easypeers)
  await pass(500)
  assert.equal(newcomer.provider.stats().pulls, 1)
  assert.equal(said(network, 'step2').filter(({ update }) => update.length > 9_000).length, 1)
  assert.ok(newcomer.provider.synced)
  // And what it brought along spreads.
  await pass(5_000)
  assertEqual([...all, newcomer].map(({ doc }) => doc))
  closeAll([...all, newcomer])
})

test('a lost update is missed by the next one of the same page, and fetched', async () => {
  const network = new Network()
  const all = await crowd(network, 4)
  const [a, b] = all
  network.loses = (from, to) => to === b.easypeers
  a.text.insert(0, 'lost ')
  await settled()
  network.loses = () => false
  a.text.insert(5, 'found')
  await pass(6_000)
  assert.equal(b.text.toString(), 'lost found')
  closeAll(all)
})

test('the last update, lost, is found when nothing has changed for some seconds', async () => {
  const network = new Network()
  const all = await crowd(network, 4)
  network.loses = (from, to) => to === all[1].easypeers
  all[0].text.insert(0, 'last')
  await settled()
  network.loses = () => false
  await pass(15_000)
  assert.equal(all[1].text.toString(), 'last')
  closeAll(all)
})

test('a lost deletion is found, though no state vector tells of it', async () => {
  const network = new Network()
  const all = await crowd(network, 4)
  all[0].text.insert(0, 'to be deleted')
  await pass(30_000)
  network.loses = (from, to) => to === all[1].easypeers
  all[0].text.delete(0, 6)
  await settled()
  network.loses = () => false
  await pass(15_000)
  assert.equal(all[1].text.toString(), 'deleted')
  closeAll(all)
})

test('a large document goes in pieces, no more than sixteen under way, and arrives', async () => {
  const network = new Network()
  const a = open(network)
  const bytes = new Uint8Array(3_000_000).map((_, i) => i * 7919)
  a.doc.getMap('map').set('file', bytes)
  await pass(6_000)
  const b = open(network)
  let [underWay, most] = [0, 0]
  const say = a.easypeers.say.bind(a.easypeers)
  a.easypeers.say = (...args) => {
    const delivery = say(...args)
    most = Math.max(most, ++underWay)
    delivery.then(() => { underWay-- })
    return delivery
  }
  network.link(a.easypeers, b.easypeers)
  await pass(5_000)
  assert.deepEqual(b.doc.getMap('map').get('file'), bytes)
  assert.ok(most > 1 && most <= 17, `${most} at once: sixteen pieces, and a word beside them`)
  const sizes = said(network, 'piece').map(({ bytes }) => bytes.length)
  assert.ok(sizes.length > 180 && Math.max(...sizes) <= 16_384)
  closeAll([a, b])
})

test('an update that is too large for a broadcast is told of, and everyone fetches it', async () => {
  const network = new Network()
  const all = await crowd(network, 8)
  network.log.length = 0
  all[0].doc.getMap('map').set('file', new Uint8Array(1_000_000))
  await pass(10_000)
  assertEqual(all.map(({ doc }) => doc))
  assert.deepEqual(said(network, 'update'), [])
  closeAll(all)
})

test('a peer that goes away while it sends a document is given up, and another one asked', async () => {
  const network = new Network()
  const all = await crowd(network, 2)
  all[0].doc.getMap('map').set('file', new Uint8Array(4_000_000))
  await pass(10_000)
  const newcomer = open(network)
  network.link(all[0].easypeers, newcomer.easypeers)
  await pass(100)
  assert.equal(newcomer.doc.getMap('map').size, 0)
  network.crash(all[0].easypeers)
  network.link(all[1].easypeers, newcomer.easypeers)
  await pass(10_000)
  assertEqual([all[1].doc, newcomer.doc])
  closeAll([...all, newcomer])
})

test('what was changed last gets out, however large it is and however much is under way', async () => {
  const network = new Network()
  const [a, b] = await crowd(network, 2)
  // A neighbor that takes nothing for a while.
  const send = a.easypeers.send.bind(a.easypeers)
  a.easypeers.send = (...args) => {
    send(...args)
    return new Promise(() => {})
  }
  for (let i = 0; i < 40; i++) {
    a.text.insert(0, 'x')
    await Promise.resolve()
  }
  a.doc.getMap('map').set('file', new Uint8Array(1_000_000))
  a.provider.destroy()
  await pass(1_000)
  assertEqual([a.doc, b.doc])
  closeAll([a, b])
})

test('what one page fetched goes on to its neighbors, and theirs', async () => {
  const network = new Network()
  const all = await crowd(network, 12)
  // Nobody is there for awareness, so that nothing but the document is told of.
  for (const { awareness } of all) awareness.setLocalState(null)
  await pass(30_000)
  const newcomer = open(network)
  newcomer.awareness.setLocalState(null)
  newcomer.text.insert(0, 'brought along')
  network.link(newcomer.easypeers, all[0].easypeers)
  await pass(4_000)
  assertEqual([newcomer, ...all].map(({ doc }) => doc))
  closeAll([...all, newcomer])
})

test('many who come at once for a large document all get it', async () => {
  const network = new Network()
  const first = open(network)
  first.doc.getMap('map').set('file', new Uint8Array(1_000_000))
  await pass(6_000)
  const all = Array.from({ length: 8 }, () => open(network))
  for (const { easypeers } of all) network.link(first.easypeers, easypeers)
  await pass(20_000)
  assertEqual([first, ...all].map(({ doc }) => doc))
  closeAll([first, ...all])
})

test('a room that nobody else has opened is alone in a few seconds, among neighbors of other rooms', async () => {
  const network = new Network()
  const peers = Array.from({ length: 7 }, () => network.peer())
  for (const other of peers.slice(1)) network.link(peers[0], other)
  const a = open(network, { easypeers: peers[0] })
  await pass(8_000)
  assert.deepEqual([a.provider.synced, a.provider.alone], [true, true])
  closeAll([a])
})

test('rooms of one instance, and other messages of its swarm, do not meet', async () => {
  const network = new Network()
  const [here, there] = [network.peer(), network.peer()]
  const heard = []
  there.on('message', ({ message }) => heard.push(message))
  const [a1, a2] = ['one', 'two'].map(room => open(network, { room, easypeers: here }))
  const [b1, b2] = ['one', 'two'].map(room => open(network, { room, easypeers: there }))
  network.link(here, there)
  await pass(1_000)
  a1.text.insert(0, 'one')
  b2.text.insert(0, 'two')
  here.send('a chat')
  await pass(1_000)
  assert.deepEqual([a1, b1, a2, b2].map(({ text }) => text.toString()), ['one', 'one', 'two', 'two'])
  assert.deepEqual(heard, ['a chat'], 'and the page hears nothing of theirs')
  assert.deepEqual(b1.provider.stats().dropped, {})
  closeAll([a1, a2, b1, b2])
  assert.deepEqual(left(here), [0, 0, 0, 0, 0])
  assert.equal(here.closed, false, 'it is not ours to close')
})

test('a room is found whose only other member is no neighbor', async () => {
  const network = new Network()
  const peers = Array.from({ length: 6 }, () => network.peer())
  for (let i = 0; i + 1 < peers.length; i++) network.link(peers[i], peers[i + 1])
  const a = open(network, { easypeers: peers[0] })
  a.text.insert(0, 'far away')
  await pass(20_000)
  const b = open(network, { easypeers: peers[5] })
  await pass(20_000)
  assert.equal(b.text.toString(), 'far away')
  closeAll([a, b])
})

test('a room may be opened twice with one instance, and both have the document', async () => {
  const network = new Network()
  const easypeers = network.peer()
  const first = open(network, { easypeers })
  first.text.insert(0, 'first')
  const second = open(network, { easypeers })
  await pass(1_000)
  assert.equal(second.text.toString(), 'first')
  second.text.insert(5, ' and second')
  await pass(1_000)
  assert.equal(first.text.toString(), 'first and second')
  assert.equal(first.awareness.states.size, 2)
  second.provider.destroy()
  await pass(100)
  assert.deepEqual([...first.awareness.states.keys()], [first.doc.clientID], 'no ghost')
  closeAll([first, second])
})

test('subdocuments are documents in rooms of their own', async () => {
  const network = new Network()
  const [a, b] = await crowd(network, 2)
  for (const { doc, easypeers } of [a, b]) {
    doc.on('subdocs', ({ loaded }) => { for (const sub of loaded) new EasypeersProvider(sub.guid, sub, { easypeers }) })
  }
  const sub = new Y.Doc()
  a.doc.getMap('map').set('sub', sub)
  sub.getText('text').insert(0, 'inside')
  await pass(1_000)
  const other = b.doc.getMap('map').get('sub')
  other.load()
  await pass(5_000)
  assert.equal(other.getText('text').toString(), 'inside')
  assert.ok(other.isSynced)
  await other.whenSynced
  closeAll([a, b])
})

test('disconnect leaves, connect comes back with what was changed meanwhile', async () => {
  const network = new Network()
  const all = await crowd(network, 3)
  const [a, b] = all
  const events = []
  a.provider.on('status', ({ connected }) => events.push(connected))
  a.provider.disconnect()
  a.provider.disconnect()
  a.text.insert(0, 'here ')
  b.text.insert(0, 'there ')
  await pass(1_000)
  assert.equal(a.text.toString(), 'here ')
  assert.equal(a.provider.synced, false)
  a.provider.connect()
  await pass(10_000)
  assertEqual(all.map(({ doc }) => doc))
  assert.ok(a.provider.synced)
  assert.deepEqual(events, [false, true])
  closeAll(all)
})

test('destroy leaves nothing behind, and comes with that of the document', async () => {
  const network = new Network()
  const [a, b] = await crowd(network, 2)
  const { whenSynced } = open(network).provider
  a.doc.destroy()
  a.provider.destroy()
  assert.deepEqual(left(a.easypeers), [0, 0, 0, 0, 0])
  assert.throws(() => a.provider.connect(), { name: 'TypeError', code: 'ERR_CLOSED' })
  network.log.length = 0
  await pass(60_000)
  assert.ok(network.log.every(({ from }) => from !== a.easypeers))
  assert.ok(b.provider.connected && whenSynced instanceof Promise)
  closeAll([b])
})

test('a document that outlives providers has no listener of theirs, nor of their awareness', async () => {
  const network = new Network()
  const doc = new Y.Doc()
  const listeners = () => [...doc._observers].map(([event, { size }]) => `${event} ${size}`)
  const before = listeners()
  for (let i = 0; i < 3; i++) {
    const { provider, awareness } = open(network, { doc })
    assert.deepEqual([awareness.doc, awareness.clientID], [doc, doc.clientID])
    provider.destroy()
  }
  assert.deepEqual(listeners(), before)
  const { awareness } = open(network, { doc })
  let ended = 0
  awareness.on('destroy', () => ended++)
  doc.destroy()
  assert.equal(ended, 1)
})

test('a listener that throws keeps nobody from hearing', async t => {
  const network = new Network()
  const [a, b] = await crowd(network, 2)
  const reported = []
  t.mock.method(console, 'error', error => reported.push(error.message))
  const events = []
  a.provider.on('peers', () => { throw new Error('of the page') })
  a.provider.on('peers', ({ removed }) => events.push(removed))
  const once = () => events.push('once')
  a.provider.once('peers', once)
  b.doc.getText('text').observe(() => { throw new Error('of an observer') })
  a.text.insert(0, 'x')
  await pass(200)
  assert.equal(b.text.toString(), 'x')
  assert.deepEqual(b.provider.stats().dropped, {}, 'what the page throws is not the remote’s')
  b.easypeers.close()
  assert.deepEqual(events, [[b.easypeers.address], 'once'])
  assert.deepEqual(reported, ['of an observer', 'of the page'])
  assert.equal(b.provider.connected, false, 'the instance was closed')
  closeAll([a, b])
})
