// What the tests of automerge-repo use of vitest, as Node has it.
import assert from 'node:assert/strict'

export { describe, it } from 'node:test'

export function expect (value) {
  return {
    toMatchObject (expected) {
      for (const [key, part] of Object.entries(expected)) assert.deepEqual(value[key], part)
    },
  }
}
