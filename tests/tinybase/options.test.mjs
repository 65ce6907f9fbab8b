// What the page gets wrong it is told at once, in a sentence that says what was expected.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createStore } from 'tinybase'
import { createEasypeersSynchronizer, createMergeableStore, Network, pass } from './network.mjs'

const easypeers = new Network().peer()
const store = createMergeableStore('s')

for (const [what, args, expected] of [
  ['no store', [], { name: 'TypeError', message: /the store: expected a MergeableStore, got undefined/ }],
  ['a store that does not merge', [createStore(), 'topic'], { name: 'TypeError', message: /createMergeableStore/ }],
  ['no topic', [store], { name: 'TypeError', message: /expected a topic or an instance of Easypeers, got undefined/ }],
  ['options that are none', [store, 'topic', 7], { name: 'TypeError', message: /the options: expected an object, got number/ }],
  ['an option of an instance that is given', [store, easypeers, { secret: 'x' }], { name: 'TypeError', message: /`secret` belongs to the instance/ }],
  ['a timeout that is none', [store, easypeers, { requestTimeoutSeconds: 'soon' }], { name: 'RangeError', message: /a number above 0, got soon/ }],
  ['a callback that is none', [store, easypeers, { onSend: true }], { name: 'TypeError', message: /`onSend`: expected a function, got boolean/ }],
]) {
  test(`${what} is refused`, () => {
    assert.throws(() => createEasypeersSynchronizer(...args), expected)
    assert.deepEqual([store.getListenerStats().transaction, easypeers.channels.size], [0, 0], 'and nothing of it stays')
  })
}

test('a second store in the same channel of one instance is refused, until the first has left', async () => {
  const first = createEasypeersSynchronizer(store, easypeers)
  assert.throws(() => createEasypeersSynchronizer(createMergeableStore('t'), easypeers), { name: 'TypeError', code: 'ERR_IN_USE' })
  first.destroy()
  await pass(100)
  const second = createEasypeersSynchronizer(createMergeableStore('t'), easypeers)
  second.destroy()
  await pass(100)
})
