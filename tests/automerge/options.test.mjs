// What the page gets wrong it is told at once, in a sentence that says what was expected.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EasypeersNetworkAdapter, Network } from './network.mjs'

const easypeers = new Network().peer()

for (const [what, args, expected] of [
  ['nothing', [], { name: 'TypeError', message: /expected a topic or an instance of Easypeers, got undefined/ }],
  ['an empty topic', [''], { name: 'TypeError', message: /got an empty string/ }],
  ['an instance that is none', [{}], { name: 'TypeError', message: /expected an instance of Easypeers, got an instance of Object/ }],
  ['options that are none', ['topic', 'secret'], { name: 'TypeError', message: /the options: expected an object, got string/ }],
  ['an option of an instance that is given', [easypeers, { maxPeers: 4 }], { name: 'TypeError', message: /`maxPeers` belongs to the instance/ }],
  ['the option identifier', ['topic', { identifier: 'x' }], { name: 'TypeError', message: /the topic is an argument/ }],
  ['the option address', ['topic', { address: 'ab'.repeat(20) }], { name: 'TypeError', message: /keep one by `identity`/ }],
  ['the option easypeers', ['topic', { easypeers }], { name: 'TypeError', message: /in place of the topic/ }],
  ['an empty channel', [easypeers, { channel: '' }], { name: 'TypeError', message: /`channel`: expected a string that is not empty, got an empty one/ }],
  ['a channel that is no string', [easypeers, { channel: 7 }], { name: 'TypeError', message: /got number/ }],
  ['a channel of too long a name', [easypeers, { channel: 'x'.repeat(201) }], { name: 'RangeError', message: /at most 200 bytes, got 201/ }],
]) {
  test(`${what} is refused`, () => assert.throws(() => new EasypeersNetworkAdapter(...args), expected))
}

test('an instance that is closed is refused', () => {
  const closed = new Network().peer()
  closed.close()
  assert.throws(() => new EasypeersNetworkAdapter(closed), { name: 'TypeError', code: 'ERR_CLOSED' })
})

test('a second repository in the same channel of one instance is refused, until the first has left', () => {
  const first = new EasypeersNetworkAdapter(easypeers)
  const expected = { name: 'TypeError', code: 'ERR_IN_USE', message: /a `channel` of its own/ }
  assert.throws(() => new EasypeersNetworkAdapter(easypeers), expected)
  first.disconnect()
  const second = new EasypeersNetworkAdapter(easypeers)
  assert.throws(() => first.connect('first'), expected)
  second.disconnect()
  first.connect('first')
  first.disconnect()
})
