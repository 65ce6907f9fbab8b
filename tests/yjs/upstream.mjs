// Documents that are somewhere else, in pages, looked through by the `compare` that Yjs tests itself with.
import * as prng from 'lib0/prng'
import * as Y from 'yjs'
import { compare, TestConnector, TestYInstance } from 'yjs/testHelper'
import { roots } from './mods.mjs'

/** A document that keeps each update as it comes, for `gathered`. */
export function tested () {
  const doc = new TestYInstance(new TestConnector(prng.create(0)), 0)
  roots(doc)
  return doc
}

/** Such a document, as it can be carried out of a page. */
export function gathered (doc) {
  const text = bytes => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
  return { whole: text(Y.encodeStateAsUpdate(doc)), updates: doc.updates.map(text) }
}

/**
 * Throws when documents that were gathered are not the same, or the updates that one of them got do not make what it is.
 *
 * `compare` lets its documents tell each other all first, so that those that had not would be equal, too: here they have nothing to
 * say to each other.
 */
export function compareGathered (list) {
  const connector = new TestConnector(prng.create(0))
  const bytes = text => Uint8Array.from(text.match(/../g) ?? [], byte => parseInt(byte, 16))
  const docs = list.map(({ whole, updates }, i) => {
    const doc = connector.createY(i)
    roots(doc)
    Y.applyUpdate(doc, bytes(whole), connector)
    doc.updates = updates.map(bytes)
    return doc
  })
  for (const doc of docs) doc.receiving.clear()
  compare(docs)
}
