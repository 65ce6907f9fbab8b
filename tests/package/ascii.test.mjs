// The text that the module travels in.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode, encode } from '../../scripts/ascii.mjs'

const ALL = Uint8Array.from({ length: 256 }, (_, byte) => byte)

for (const [what, bytes] of Object.entries({
  'no byte': new Uint8Array(),
  'every byte': ALL,
  'every pair of bytes': Uint8Array.from({ length: 1 << 17 }, (_, i) => (i & 1 ? i >> 1 : i >> 9)),
  'one byte many times': new Uint8Array(1000).fill(0xff),
})) {
  test(`${what} survives the text`, () => assert.deepEqual(decode(encode(bytes)), bytes))
}

test('the text needs no escape in any quotes, and ends no script', () => {
  assert.doesNotMatch(encode(ALL).text, /[^ -~]|["'`\\$<]/)
})
