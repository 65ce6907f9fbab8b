// What remotes send that means nothing is counted and dropped, and nothing is thrown into the page.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CHANNEL, encodePacket, openPacket } from '../../src/yjs/wire.mjs'
import { closeAll, crowd, edit, Network, pass, Y } from './network.mjs'

/** A pair of pages, and what one of them gets, as if the other had sent it. */
async function pair () {
  const network = new Network()
  const all = await crowd(network, 2)
  const [a, b] = all
  const give = message => a.easypeers.hear({ message, from: b.easypeers.address }, CHANNEL)
  return { network, all, a, b, give, say: messages => give(encodePacket('room', messages)) }
}

test('each kind of nonsense is counted', async () => {
  const { a, all, say, give } = await pair()
  const bytes = Uint8Array.from({ length: 40 }, (_, i) => 255 - i)
  say([{ name: 'update', update: bytes }])
  say([{ name: 'step2', update: bytes }])
  say([{ name: 'step1', vector: bytes }])
  say([{ name: 'awareness', update: bytes }])
  say([{ name: 'people', groups: [{ address: 'ab'.repeat(20), update: bytes }] }])
  say([{ name: 'piece', transfer: 1, index: 0, count: 2, bytes }])
  give(encodePacket('room', [{ name: 'update', update: bytes }]).slice(0, -20))
  await pass(1_000)
  assert.deepEqual(a.provider.stats().dropped, { update: 2, vector: 1, awareness: 2, piece: 1, packet: 1 })
  closeAll(all)
})

test('states of awareness that are none are dropped whole', async () => {
  const { a, all, say } = await pair()
  const encoding = await import('lib0/encoding')
  for (const text of ['7', '"text"', '[1]', 'nonsense', '']) {
    say([{ name: 'awareness', update: encoding.encode(to => {
      encoding.writeVarUint(to, 2)
      for (const [client, state] of [[777, '{}'], [778, text]]) {
        encoding.writeVarUint(to, client)
        encoding.writeVarUint(to, 1)
        encoding.writeVarString(to, state)
      }
    }) }])
  }
  assert.equal(a.provider.stats().dropped.awareness, 5)
  assert.equal(a.awareness.states.has(777), false)
  closeAll(all)
})

test('messages that are of no room here, of every kind, are left alone', async () => {
  const { a, all, give } = await pair()
  for (const message of [null, undefined, '', 'yjs', 0, 1n, {}, [], new Uint8Array(), new Uint8Array([200]), encodePacket('another room', [{ name: 'query' }])]) give(message)
  await pass(1_000)
  assert.deepEqual(a.provider.stats().dropped, {})
  closeAll(all)
})

test('a kind of message that does not exist yet ends a packet, and what was before it counts', async () => {
  const { a, all, give } = await pair()
  const source = new Y.Doc()
  source.getText('text').insert(0, 'understood')
  const packet = encodePacket('room', [{ name: 'update', update: Y.encodeStateAsUpdate(source) }])
  give(Uint8Array.from([...packet, 99, 1, 2, 3]))
  assert.equal(a.text.toString(), 'understood')
  assert.deepEqual(a.provider.stats().dropped, {})
  closeAll(all)
})

test('a packet in a larger buffer is not read beyond its end', () => {
  const bytes = encodePacket('a room', [{ name: 'query' }])
  assert.equal(openPacket(bytes).room, 'a room')
  assert.throws(() => openPacket(bytes.subarray(0, 4)))
})

test('whatever becomes of the bytes of packets, nothing is thrown, and the pages agree afterwards', async () => {
  const { network, all, a, b, give } = await pair()
  const { random } = network
  for (let i = 0; i < 60; i++) {
    edit(random.pick(all).doc, random)
    await pass(100)
  }
  await pass(20_000)
  const packets = [...new Set(network.log.map(({ bytes }) => bytes))]
  assert.ok(packets.length > 10)
  const rooms = 1 + 'room'.length
  for (let i = 0; i < 5_000; i++) {
    const bytes = random.pick(packets).slice(0, random() < 0.3 ? rooms + random.below(60) : undefined)
    for (let flips = random.below(4); flips >= 0 && bytes.length > rooms; flips--) bytes[rooms + random.below(bytes.length - rooms)] = random.below(256)
    give(bytes)
  }
  assert.ok(Object.values(a.provider.stats().dropped).reduce((x, y) => x + y, 0) > 100)
  // A byte that was changed within a text is a change as good as any: both have it in the end.
  await pass(180_000)
  a.doc.getMap('map').set('still', 'alive')
  await pass(5_000)
  assert.equal(b.doc.getMap('map').get('still'), 'alive')
  closeAll(all)
})
