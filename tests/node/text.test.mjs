// What others sent, as the command writes it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainly, textOf } from '../../src/node/text.mjs'

test('what JSON has no word for is written in words of its own', () => {
  const message = {
    at: new Date(0), big: 2n ** 64n, odd: [NaN, -Infinity, undefined], map: new Map([[1, new Set(['a'])]]),
    file: Uint8Array.of(1, 2, 3), error: new TypeError('no'),
  }
  assert.deepEqual(plainly(message), {
    at: '1970-01-01T00:00:00.000Z', big: '18446744073709551616', odd: ['NaN', '-Infinity', null], map: [[1, ['a']]],
    file: { bytes: 'AQID' }, error: 'TypeError: no',
  })
  for (const [value, text] of [[1n, '1'], [NaN, 'NaN'], [-1.5, '-1.5'], [null, 'null'], [new Date(0), '1970-01-01T00:00:00.000Z'], [new Map(), '[]'], ['a', 'a'], [{ a: 1n }, '{"a":"1"}']]) {
    assert.equal(textOf(value), text)
  }
})

test('what is nested as deep as can be sent does not break the command', () => {
  let deep = []
  for (let i = 1; i < 5000; i++) deep = [deep]
  assert.equal(textOf(deep), 'a value that is nested too deep to be shown')
})
