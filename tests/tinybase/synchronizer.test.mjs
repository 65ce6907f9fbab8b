// Stores that are to be the same, and are: the cases of TinyBase's own synchronizers, and those of a mesh.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeMessage, decodePacket, GET_CONTENT_HASHES } from '../../src/tinybase/wire.mjs'
import { closeAll, line, Network, open, pass, start } from './network.mjs'

/** What TinyBase gives has no prototype. */
const same = (actual, expected, message) => assert.deepEqual(JSON.parse(JSON.stringify(actual)), JSON.parse(JSON.stringify(expected)), message)
const row = (store, id) => store.getRow('pets', id)
const kindOf = bytes => decodeMessage(decodePacket(bytes).bytes).kind
const isQuestion = ({ bytes }) => kindOf(bytes) === GET_CONTENT_HASHES
const GET_TABLE_DIFF = 4

test('what one changes the others have, and each change is said once', async () => {
  const network = new Network()
  const [a, b, c] = await line(network, 3)
  network.received.broadcast = 0
  a.store.setTables({ pets: { fido: { species: 'dog', tags: 'x' } } })
  await pass(500)
  c.store.setValues({ open: true, count: 3, none: null })
  await pass(500)
  for (const one of [a, b, c]) same(one.store.getContent(), [{ pets: { fido: { species: 'dog', tags: 'x' } } }, { open: true, count: 3, none: null }])
  assert.equal(network.received.broadcast, 4)
  await closeAll([a, b, c])
})

test('what is deleted, null, or a text that looks like what stands for nothing, arrives as it is', async () => {
  const network = new Network()
  const [a, b] = await line(network, 2)
  a.store.setTables({ pets: { fido: { a: '\ufffc!', b: '\ufffc\ufffc!', c: null, d: 1 }, felix: { a: 1 } } })
  await pass(500)
  b.store.delCell('pets', 'fido', 'd').delRow('pets', 'felix')
  await pass(500)
  for (const { store } of [a, b]) same(store.getTables(), { pets: { fido: { a: '\ufffc!', b: '\ufffc\ufffc!', c: null } } })
  await closeAll([a, b])
})

test('a newcomer asks one neighbor, and has all of it', async () => {
  const network = new Network()
  const all = await line(network, 5)
  all[0].store.setTables({ pets: { fido: { species: 'dog' } } })
  await pass(20_000)
  const late = open(network)
  for (const { easypeers } of all) network.link(late.easypeers, easypeers)
  network.log.length = 0
  late.synchronizer.startSync()
  await pass(500)
  same(row(late.store, 'fido'), { species: 'dog' })
  assert.equal(network.log.filter(isQuestion).length, 1)
  await closeAll([...all, late])
})

test('when the neighbor that was asked is gone, or says nothing, another one is asked', async () => {
  for (const [within, happens] of [
    [500, (network, { easypeers }) => network.crash(easypeers)],
    [3_500, (network, { easypeers }) => { network.loses = (from, to) => to === easypeers }],
    [4_500, (network, { synchronizer }) => { synchronizer.destroy() }],
  ]) {
    const network = new Network()
    const all = await line(network, 3)
    all[0].store.setValue('here', true)
    await pass(1_000)
    const late = open(network)
    for (const { easypeers } of all) network.link(late.easypeers, easypeers)
    network.log.length = 0
    late.synchronizer.startSync()
    await pass(0)
    const { to } = network.log.find(isQuestion)
    happens(network, all.find(({ easypeers }) => easypeers === to))
    await pass(within)
    assert.equal(late.store.getValue('here'), true)
    assert.deepEqual(late.ignored, [])
    await closeAll([...all, late])
  }
})

test('who is alone has its initial content after five seconds, and who finds others has theirs', async () => {
  const network = new Network()
  const a = await start(network, { initialContent: [{ pets: { fido: { species: 'dog' } } }, {}] })
  await pass(4_500)
  same(a.store.getTables(), {})
  await pass(600)
  same(row(a.store, 'fido'), { species: 'dog' })
  const b = open(network)
  network.link(a.easypeers, b.easypeers)
  b.synchronizer.startSync([{ pets: { felix: { species: 'cat' } } }, {}])
  await pass(6_000)
  for (const { store } of [a, b]) same(store.getTables(), { pets: { fido: { species: 'dog' } } })
  assert.deepEqual([a.ignored, b.ignored], [[], []])
  await closeAll([a, b])
})

test('the first neighbor may come while the question waits', async () => {
  const network = new Network()
  const a = await start(network)
  await pass(6_000)
  a.store.setValue('here', true)
  const b = await start(network)
  let begun = false
  b.synchronizer.startAutoLoad().then(() => { begun = true })
  await pass(2_000)
  network.link(a.easypeers, b.easypeers)
  await pass(300)
  assert.equal(b.store.getValue('here'), true)
  assert.ok(begun)
  await closeAll([a, b])
})

test('what both changed while they were apart both have when they meet', async () => {
  const network = new Network()
  const [a, b] = await line(network, 2)
  a.store.setRow('pets', 'fido', { species: 'dog' })
  await pass(1_000)
  network.unlink(a.easypeers, b.easypeers)
  a.store.setCell('pets', 'fido', 'color', 'brown')
  b.store.setCell('pets', 'fido', 'legs', 4)
  b.store.setRow('pets', 'felix', { species: 'cat' })
  await pass(1_000)
  network.link(a.easypeers, b.easypeers)
  await pass(3_000)
  for (const { store } of [a, b]) same(store.getTables(), { pets: { fido: { species: 'dog', color: 'brown', legs: 4 }, felix: { species: 'cat' } } })
  await closeAll([a, b])
})

test('two parts of a swarm that meet at one link have each other’s changes to their ends', async () => {
  const network = new Network()
  const parts = [await line(network, 4), await line(network, 4)]
  for (const [i, part] of parts.entries()) part[0].store.setValue(`part${i}`, true)
  await pass(60_000)
  network.link(parts[0][3].easypeers, parts[1][3].easypeers)
  await pass(12_000)
  for (const { store } of parts.flat()) same(store.getValues(), { part0: true, part1: true })
  await closeAll(parts.flat())
})

test('a change that is lost is found by comparing, seconds later', async () => {
  const network = new Network()
  const [a, b] = await line(network, 2)
  network.loses = () => true
  a.store.setValue('lost', 1)
  await pass(500)
  network.loses = () => false
  assert.equal(b.store.getValue('lost'), undefined)
  await pass(9_000)
  assert.equal(b.store.getValue('lost'), 1)
  await closeAll([a, b])
})

test('a large store goes in pieces, and a large change is told of', async () => {
  const network = new Network()
  const [a, b] = await line(network, 2)
  const table = Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`row ${i}`, { text: `${i} `.repeat(40) }]))
  network.log.length = 0
  a.store.setTable('large', table)
  await pass(3_000)
  same(b.store.getTable('large'), table)
  assert.ok(Math.max(...network.log.map(({ bytes }) => bytes.length)) <= 16_384 + 13)
  await closeAll([a, b])
})

test('a large answer may take its time: nobody else is asked for the same', async () => {
  const network = new Network()
  const [a, b, late] = [...await line(network, 2), open(network)]
  a.store.setTable('large', Object.fromEntries(Array.from({ length: 6_000 }, (_, i) => [`row ${i}`, { text: `${i} `.repeat(40) }])))
  await pass(20_000)
  for (const { easypeers } of [a, b]) network.link(late.easypeers, easypeers)
  network.latency = () => 500
  network.log.length = 0
  late.synchronizer.startSync()
  await pass(20_000)
  assert.equal(late.store.getRowCount('large'), 6_000)
  const asked = network.log.filter(({ from, bytes }) => from === late.easypeers && bytes.length < 200 && kindOf(bytes) === GET_TABLE_DIFF)
  assert.equal(asked.length, 1)
  await closeAll([a, b, late])
})

test('who says what it has while somebody else is asked is asked next', async () => {
  for (const seed of [1, 3, 4, 7]) {
    const network = new Network(seed)
    const all = [await start(network), await start(network)]
    for (const [i, { store }] of all.entries()) store.setValue(`v${i}`, i)
    await pass(6_000)
    const late = open(network)
    network.latency = () => 300
    for (const { easypeers } of all) network.link(late.easypeers, easypeers)
    late.synchronizer.startSync()
    await pass(2_100)
    same(late.store.getValues(), { v0: 0, v1: 1 })
    await closeAll([...all, late])
  }
})

test('a link between two that have the same costs one message, and one between two that have not a few', async () => {
  const network = new Network()
  const all = await line(network, 3)
  all[0].store.setValue('a', 1)
  await pass(3_000)
  network.log.length = 0
  network.link(all[0].easypeers, all[2].easypeers)
  await pass(1_000)
  assert.equal(network.log.length, 1)
  await closeAll(all)
})

test('where two change something all the time, a new link does not make them compare all the time', async () => {
  const network = new Network()
  const [a, b] = await line(network, 2)
  network.latency = () => 200
  network.unlink(a.easypeers, b.easypeers)
  for (let i = 0; i < 200; i++) {
    if (i === 20) network.link(a.easypeers, b.easypeers)
    if (i === 50) network.received.direct = 0
    a.store.setValue('a', i)
    b.store.setValue('b', i)
    await pass(100)
  }
  assert.ok(network.received.direct < 10, `${network.received.direct} direct messages in fifteen seconds`)
  await closeAll([a, b])
})

test('stopSync stops it, and startSync has what was missed', async () => {
  const network = new Network()
  const [a, b] = await line(network, 2)
  b.synchronizer.stopSync()
  await pass(100)
  a.store.setValue('missed', 1)
  await pass(30_000)
  assert.equal(b.store.getValue('missed'), undefined)
  b.synchronizer.startSync()
  await pass(1_000)
  assert.equal(b.store.getValue('missed'), 1)
  await closeAll([a, b])
})

test('where nothing happens nothing is said: less than a message a minute and page', async () => {
  const network = new Network()
  const all = await line(network, 8)
  all[0].store.setValue('a', 1)
  await pass(600_000)
  network.log.length = 0
  await pass(1_200_000)
  assert.ok(network.log.length / 8 / 20 < 1, `${network.log.length} messages in twenty minutes`)
  await closeAll(all)
})

test('random changes, through links that come and go and messages that are lost, end in the same store', async () => {
  for (const seed of [1, 2, 3]) {
    const network = new Network(seed)
    const { random } = network
    const all = await line(network, 6)
    network.mesh(all.map(({ easypeers }) => easypeers))
    network.loses = () => random() < 0.1
    for (let i = 0; i < 100; i++) {
      const { store } = random.pick(all)
      const [table, id, cell] = [`t${random.below(2)}`, `r${random.below(5)}`, `c${random.below(3)}`]
      random.pick([
        () => store.setCell(table, id, cell, i),
        () => store.setRow(table, id, { [cell]: `${i}`, other: null }),
        () => store.delCell(table, id, cell, true),
        () => store.delRow(table, id),
        () => store.setValue(cell, i),
        () => store.transaction(() => store.delTable(table).setValues({ [cell]: true })),
      ])()
      const [x, y] = [random.pick(all).easypeers, random.pick(all).easypeers]
      if (random() < 0.2) network.unlink(x, y)
      else if (random() < 0.3) network.link(x, y)
      await pass(random.below(300))
    }
    network.loses = () => false
    network.mesh(all.map(({ easypeers }) => easypeers))
    await pass(90_000)
    for (const one of all) same(one.store.getContent(), all[0].store.getContent(), `seed ${seed}`)
    await closeAll(all)
  }
})

test('an instance is shared with a chat, which hears nothing of it, and with a second store in a channel of its own', async () => {
  const network = new Network()
  const heard = []
  const [here, there] = [network.peer(), network.peer()]
  there.on('message', ({ message }) => heard.push(message))
  network.link(here, there)
  const [a1, a2, b1, b2] = await Promise.all([[here, 'one'], [here, 'two'], [there, 'one'], [there, 'two']]
    .map(([easypeers, channel]) => start(network, { easypeers, channel })))
  here.send('a word')
  a1.store.setValue('one', 1)
  b2.store.setValue('two', 2)
  await pass(6_000)
  same([a1, b1, a2, b2].map(({ store }) => store.getValues()), [{ one: 1 }, { one: 1 }, { two: 2 }, { two: 2 }])
  assert.deepEqual(heard, ['a word'])
  await closeAll([a1, a2, b1, b2])
})

test('destroy leaves nothing behind, and an instance that was given stays open', async () => {
  const network = new Network()
  const [a, b] = await line(network, 2)
  await closeAll([a])
  assert.equal(a.easypeers.channels.size, 0)
  assert.deepEqual(['connect', 'disconnect', 'address', 'close'].map(event => a.easypeers.listenerCount(event)), [0, 0, 0, 0])
  assert.equal(a.store.getListenerStats().transaction, 0)
  assert.equal(a.easypeers.closed, false)
  network.log.length = 0
  a.store.setValue('after', 1)
  await pass(120_000)
  assert.ok(network.log.every(({ from }) => from !== a.easypeers))
  await closeAll([b])
})

test('an instance that the page closes ends what is under way', async () => {
  const network = new Network()
  const a = await start(network)
  a.easypeers.close()
  await pass(100)
  assert.deepEqual(a.ignored, ['the instance of Easypeers was closed'])
  await closeAll([a])
})

test('the methods of a synchronizer give the synchronizer back', async () => {
  const network = new Network()
  const { synchronizer, easypeers, store } = open(network)
  assert.equal(synchronizer.getEasypeers(), easypeers)
  assert.equal(synchronizer.getStore(), store)
  const started = synchronizer.startSync()
  await pass(6_000)
  assert.equal(await started, synchronizer)
  assert.equal(await synchronizer.destroy(), synchronizer)
})
