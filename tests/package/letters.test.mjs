// Bytes as letters that need no escapes.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { fromLetters, toLetters } from '../../scripts/letters.mjs'

const alike = [0, 0x55, 0xaa, 0xff].map(byte => Buffer.alloc(99, byte))
const every = Buffer.from(Array.from({ length: 65_536 }, (_, n) => [n >> 8, n & 255]).flat())

test('bytes come back from their letters, however many there are', () => {
  const random = Array.from({ length: 500 }, (_, length) => randomBytes(length))
  for (const bytes of [...random, ...alike, every]) assert.deepEqual(Buffer.from(fromLetters(toLetters(bytes))), bytes)
})

test('letters need no escapes in a script, in whatever charset it is read', () => {
  const letters = new Set([...alike, every].map(toLetters).join(''))
  for (const letter of letters) assert.match(letter, /^(?!["\\<])[ -~]$/)
  assert.equal(letters.size, 92)
})

test('random bytes take little more room than their bits', () => {
  const bytes = randomBytes(100_000)
  // 36 letters of six bits and 56 of seven.
  const bits = (36 * 6 / 64) + (56 * 7 / 128)
  assert.ok(Math.abs(toLetters(bytes).length * bits / 8 / bytes.length - 1) < 0.01)
})
