// What the page gets wrong it is told at once, in a sentence that says what was expected.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readOptions } from '../../src/yjs/options.mjs'
import { Awareness, EasypeersProvider, Network, Y } from './network.mjs'

const doc = new Y.Doc()
const easypeers = new Network().peer()

for (const [what, args, expected] of [
  ['no room', [], { name: 'TypeError', message: /the room: expected a string that is not empty, got undefined/ }],
  ['an empty room', ['', doc], { name: 'TypeError', message: /got an empty one/ }],
  ['a room that is no string', [{}, doc], { name: 'TypeError', message: /got an instance of Object/ }],
  ['a room with too long a name', ['x'.repeat(1001), doc], { name: 'RangeError', message: /at most 1000 bytes, got 1001/ }],
  ['no document', ['room'], { name: 'TypeError', message: /the document: expected a Y.Doc, got undefined/ }],
  ['a text in place of a document', ['room', doc.getText('text')], { name: 'TypeError', message: /expected a Y.Doc, got an instance of/ }],
  ['options that are none', ['room', doc, 'secret'], { name: 'TypeError', message: /the options: expected an object, got string/ }],
  ['options that are null', ['room', doc, null], { name: 'TypeError', message: /got null/ }],
  ['an awareness that is none', ['room', doc, { awareness: {} }], { name: 'TypeError', message: /expected an Awareness of y-protocols/ }],
  ['an instance that is none', ['room', doc, { easypeers: 'topic' }], { name: 'TypeError', message: /expected an instance of Easypeers, got string/ }],
  ['an option of an instance that is given', ['room', doc, { easypeers, maxPeers: 4 }], { name: 'TypeError', message: /`maxPeers` belongs to the instance/ }],
  ['the option identifier', ['room', doc, { identifier: 'x' }], { name: 'TypeError', message: /the room is the first argument/ }],
  ['the option address', ['room', doc, { address: 'ab'.repeat(20) }], { name: 'TypeError', message: /keep one by `identity`/ }],
  ['servers of y-webrtc', ['room', doc, { signaling: ['wss://signaling.example'] }], { name: 'TypeError', message: /`trackers`/ }],
  ['options of simple-peer', ['room', doc, { peerOpts: { trickle: false } }], { name: 'TypeError', message: /`trickle` cannot be followed/ }],
  ['password and secret', ['room', doc, { password: 'a', secret: 'b' }], { name: 'TypeError', message: /one of them/ }],
  ['maxConns and maxPeers', ['room', doc, { maxConns: 20, maxPeers: 6 }], { name: 'TypeError', message: /one of them/ }],
]) {
  test(`${what} is refused`, () => {
    const before = doc._observers.size
    assert.throws(() => new EasypeersProvider(...args), expected)
    assert.equal(doc._observers.size, before, 'and nothing of it stays')
  })
}

test('a listener that is no function is refused', () => {
  const provider = new EasypeersProvider('room', new Y.Doc(), { easypeers })
  assert.throws(() => provider.on('synced'), { name: 'TypeError', message: /expected a function, got undefined/ })
  provider.destroy()
})

test('an instance that is closed is refused', () => {
  const closed = new Network().peer()
  closed.close()
  assert.throws(() => new EasypeersProvider('room', doc, { easypeers: closed }), { name: 'TypeError', code: 'ERR_CLOSED' })
})

test('options of y-webrtc are understood, and the page is told once what became of them', t => {
  const said = []
  t.mock.method(console, 'warn', line => said.push(line))
  const awareness = new Awareness(doc)
  const given = { password: 'abc', maxConns: 70, signaling: [], filterBcConns: true, peerOpts: { config: { iceServers: [] } }, awareness, debug: true }
  const read = () => readOptions('room', doc, given)
  assert.deepEqual(read(), {
    awareness, easypeers: undefined,
    own: { secret: 'abc', maxPeers: 64, trackers: [], rtcConfig: { iceServers: [] }, debug: true },
  })
  read()
  assert.deepEqual(said.map(line => /`(\w+)/.exec(line)[1]), ['password', 'maxConns', 'filterBcConns', 'peerOpts'])
  // The defaults that y-webrtc's documentation shows.
  assert.deepEqual(readOptions('room', doc, { password: null, peerOpts: {}, awareness: undefined }).own, {})
  awareness.destroy()
})
