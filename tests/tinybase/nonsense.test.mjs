// What remotes send that means nothing is counted and dropped, and nothing is thrown into the page.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CHANNEL, CONTENT_DIFF, CONTENT_HASHES, decodePacket, encodeMessage, encodePacket, encodePiece, RESPONSE } from '../../src/tinybase/wire.mjs'
import { closeAll, line, Network, pass } from './network.mjs'

/** A pair of pages, and what one of them gets, as if the other had sent it. */
async function pair () {
  const network = new Network()
  const [a, b] = await line(network, 2)
  const give = (message, rest) => a.easypeers.hear({ message, from: b.easypeers.address, to: [a.easypeers.address], verified: true, ...rest }, CHANNEL)
  const say = (request, kind, body) => give(encodePacket(encodeMessage({ request, kind, body })))
  const dropped = () => a.synchronizer.getEasypeersStats().dropped
  return { network, a, b, give, say, dropped }
}

test('each kind of nonsense is counted', async () => {
  const { a, b, give, say, dropped } = await pair()
  for (const message of [null, 'text', [0], new Uint8Array(), new Uint8Array([9]), new Uint8Array([1, 2]), encodePacket(new Uint8Array([0xff])), encodePacket(Buffer.from('{}'))]) give(message)
  for (const [request, kind] of [[7, 1], [null, 8], [null, -1], [null, 'x']]) say(request, kind, '')
  assert.deepEqual(dropped(), { packet: 12 })
  say(null, CONTENT_DIFF, 'no changes')
  say(null, CONTENT_HASHES, [1, 'x'])
  say('asked', 4, { table: 'no hash' })
  say('asked', RESPONSE, [1, 2])
  give(encodePacket(encodeMessage({ request: 'asked', kind: 1, body: '' })), { to: undefined })
  give(encodePiece({ transfer: 1, index: 9, count: 3, bytes: new Uint8Array(3) }))
  give(encodePacket(new Uint8Array()), { verified: false })
  give(encodePiece({ transfer: 1, index: 0, count: 3, bytes: new Uint8Array(3) }), { from: 'ab'.repeat(20) })
  assert.deepEqual(dropped(), { packet: 12, message: 4, answer: 1, piece: 2, unverified: 1 })
  assert.deepEqual(a.ignored, [], 'and the page hears of none of it')
  await closeAll([a, b])
})

test('an answer counts from whom was asked, and from nobody else', async () => {
  const { network, a, b, give, say, dropped } = await pair()
  const stranger = network.peer()
  a.store.setValue('here', 1)
  await pass(1_000)
  network.loses = (from, to) => from === a.easypeers && to === b.easypeers
  say(null, CONTENT_HASHES, [1, 2])
  await pass(20)
  const request = JSON.parse(Buffer.from(network.log.at(-1).bytes.subarray(1)))[0]
  const answer = encodePacket(encodeMessage({ request, kind: RESPONSE, body: [[{}, ''], {}] }))
  give(answer, { from: stranger.address })
  assert.equal(dropped().answer, 1)
  give(answer)
  assert.equal(dropped().answer, 1)
  await closeAll([a, b])
})

test('who asks twice at once gets one large answer after the other', async () => {
  const { network, a, b, say } = await pair()
  a.store.setTable('large', Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`row ${i}`, { text: `${i} `.repeat(40) }])))
  await pass(3_000)
  network.log.length = 0
  say('one', 4, {})
  say('two', 4, {})
  await pass(3_000)
  const pieces = network.log.filter(({ from, bytes }) => from === a.easypeers && bytes[0] === 1).map(({ bytes }) => decodePacket(bytes))
  const changes = pieces.filter(({ transfer }, i) => transfer !== pieces[i - 1]?.transfer).length
  assert.equal(changes, 2)
  assert.equal(pieces.length, 2 * pieces[0].count)
  await closeAll([a, b])
})

test('whatever becomes of the bytes of packets, nothing is thrown, and the stores agree afterwards', async () => {
  const { network, a, b, give, dropped } = await pair()
  const { random } = network
  for (let i = 0; i < 20; i++) {
    random.pick([a, b]).store.setCell('t', `r${i % 5}`, 'c', i)
    await pass(200)
  }
  network.unlink(a.easypeers, b.easypeers)
  b.store.setCell('t', 'apart', 'c', 1)
  network.link(a.easypeers, b.easypeers)
  await pass(5_000)
  const packets = network.log.map(({ bytes }) => bytes)
  for (let i = 0; i < 3_000; i++) {
    const bytes = random.pick(packets).slice(0, random() < 0.3 ? random.below(60) : undefined)
    for (let flips = random.below(4); flips >= 0 && bytes.length > 0; flips--) bytes[random.below(bytes.length)] = random.below(256)
    give(bytes)
  }
  assert.ok(Object.values(dropped()).reduce((x, y) => x + y, 0) > 500)
  await pass(120_000)
  a.store.setValue('still', 'alive')
  await pass(30_000)
  assert.equal(b.store.getValue('still'), 'alive')
  assert.equal(JSON.stringify(a.store.getMergeableContentHashes()), JSON.stringify(b.store.getMergeableContentHashes()))
  await closeAll([a, b])
})
