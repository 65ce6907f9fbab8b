// What a peer has, as one number: two that have the same say so in a few bytes.
//
// Of a document that is its state vector and its deletions: a state vector alone does not tell that something was deleted.
import * as Y from 'yjs'

export function digestOf (doc) {
  return hash(Y.encodeSnapshot(Y.snapshot(doc)))
}

/** Who is there, whatever they do. */
export function digestOfClients (ids) {
  return hash(new TextEncoder().encode([...ids].sort((a, b) => a - b).join()))
}

/** 53 bits, as many as a number holds: two FNV-1a side by side. It guards against chance; a member that wants to spoil the
 *  document can write into it. */
function hash (bytes) {
  let low = 0x811c9dc5
  let high = 0x9e3779b9
  for (const byte of bytes) {
    low = Math.imul(low ^ byte, 0x01000193)
    high = Math.imul(high ^ byte ^ (low >>> 24), 0x85ebca6b)
  }
  return (high >>> 11) * 2 ** 32 + (low >>> 0)
}
