// Random changes of a document, and whether documents are equal: in Node, and in pages.
import * as Y from 'yjs'

/** Everything that two documents may differ in, as text. */
export function whole (doc) {
  return JSON.stringify({
    map: doc.getMap('map').toJSON(),
    array: doc.getArray('array').toJSON(),
    text: doc.getText('text').toDelta(),
    xml: xmlOf(doc).toString(),
    snapshot: [...Y.encodeSnapshot(Y.snapshot(doc))].join(),
  }, sorted, 1)
}

/** For the tests of Yjs it is an element. */
function xmlOf (doc) {
  const xml = doc.share.get('xml')
  return xml instanceof Y.XmlElement ? xml : doc.getXmlFragment('xml')
}

/** The order of the keys of a map is that in which they came. */
function sorted (_, value) {
  if (value === null || typeof value !== 'object' || Array.isArray(value) || value instanceof Uint8Array) return value
  return Object.fromEntries(Object.keys(value).sort().map(key => [key, value[key]]))
}

/** `gaps`: what a page wrote before it crashed may be lost for all, and what it wrote last builds on that. */
export function assertEqual (docs, seed, { gaps = false } = {}) {
  const [first, ...others] = docs.map(whole)
  if (!gaps && docs.some(({ store }) => store.pendingStructs || store.pendingDs)) throw new Error(`something is missing, seed ${seed}`)
  for (const [i, other] of others.entries()) {
    if (other !== first) throw new Error(`document ${i + 1} is not document 0, seed ${seed}:\n${other}\n${first}`)
  }
}

/** One change of a document, of any kind. */
export function edit (doc, random) {
  random.pick(EDITS)(doc, random)
}

const word = random => Array.from({ length: 1 + random.below(6) }, () => random.pick([...'abcdefgh 1234ßé漢\n'])).join('')

const EDITS = [
  (doc, random) => doc.getText('text').insert(random.below(doc.getText('text').length + 1), word(random)),
  (doc, random) => doc.getText('text').insert(random.below(doc.getText('text').length + 1), word(random), { bold: true }),
  (doc, random) => {
    const text = doc.getText('text')
    const at = random.below(text.length + 1)
    text.delete(at, Math.min(text.length - at, random.below(5)))
  },
  (doc, random) => {
    const text = doc.getText('text')
    const at = random.below(text.length + 1)
    text.format(at, Math.min(text.length - at, random.below(5)), { em: random.pick([true, null]) })
  },
  (doc, random) => doc.getMap('map').set(random.pick(['a', 'b', 'c']), word(random)),
  (doc, random) => doc.getMap('map').set(random.pick(['a', 'b', 'c']), new Y.Array()),
  (doc, random) => doc.getMap('map').delete(random.pick(['a', 'b', 'c'])),
  (doc, random) => {
    const nested = doc.getMap('map').get(random.pick(['a', 'b', 'c']))
    if (nested instanceof Y.Array) nested.insert(0, [random.below(100)])
  },
  (doc, random) => doc.getArray('array').insert(random.below(doc.getArray('array').length + 1), [random.below(1000), { word: word(random) }, new Uint8Array([1, 2])]),
  (doc, random) => doc.getArray('array').insert(0, [new Y.Map([['word', word(random)]])]),
  (doc, random) => {
    const nested = doc.getArray('array').toArray().find(value => value instanceof Y.Map)
    nested?.set('word', word(random))
  },
  (doc, random) => {
    const array = doc.getArray('array')
    if (array.length > 0) array.delete(random.below(array.length), 1)
  },
  (doc, random) => doc.getXmlFragment('xml').insert(0, [new Y.XmlElement(random.pick(['p', 'h1']))]),
  (doc, random) => {
    const element = doc.getXmlFragment('xml').get(0)
    if (element instanceof Y.XmlElement) element.insert(0, [new Y.XmlText(word(random))])
    else doc.getXmlFragment('xml').insert(0, [new Y.XmlElement('p')])
  },
  (doc, random) => doc.transact(() => {
    for (let i = 0; i < 3; i++) doc.getText('text').insert(0, word(random))
  }),
]
