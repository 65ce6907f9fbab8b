// Random changes in the manner of those that Yjs tests itself with, for its `applyRandomTests`, in Node, and for pages: of the four
// types that its `compare` looks at, with what may be nested in each. Nothing is written into a map or given to an element that may be
// gone meanwhile: how Yjs puts away what is written there depends on the order in which it came, and `compare` takes that for a
// difference, without any provider. edits.mjs does that.
import * as prng from 'lib0/prng'
import * as Y from 'yjs'

/** The types that `compare` looks at. */
export const roots = doc => ({
  array: doc.getArray('array'), map: doc.getMap('map'), text: doc.getText('text'), xml: doc.get('xml', Y.XmlElement),
})

/** So many random changes of a document, of all kinds. */
export function change (doc, gen, count = 1) {
  for (let i = 0; i < count; i++) prng.oneOf(gen, MODS)(doc, gen)
}

const KEYS = ['one', 'two', 'three']
const at = (gen, { length }) => prng.int32(gen, 0, length)
const word = gen => prng.word(gen, 1, 8)
/** A stretch of what is there: where it begins, and its length. */
const stretch = (gen, { length }, most) => {
  const from = prng.int32(gen, 0, length)
  return [from, Math.min(prng.int32(gen, 1, most), length - from)]
}

const ARRAY = [
  (array, gen) => array.insert(at(gen, array), Array.from({ length: prng.int32(gen, 1, 4) }, () => prng.int32(gen, 0, 1_000))),
  (array, gen) => array.insert(at(gen, array), [null, { word: word(gen) }, new Uint8Array([1, 2, 3]), [true, 0.5]]),
  (array, gen) => array.insert(at(gen, array), [Y.Array.from([1, 2, 3, 4])]),
  (array, gen) => array.insert(at(gen, array), [new Y.Map([['word', word(gen)], ['inner', new Y.Map([['deep', 7]])]])]),
  (array, gen) => {
    const nested = array.toArray().filter(value => value instanceof Y.Array)
    if (nested.length === 0) return
    const inner = prng.oneOf(gen, nested)
    if (prng.bool(gen)) inner.insert(at(gen, inner), [word(gen)])
    else inner.delete(...stretch(gen, inner, 2))
  },
  (array, gen) => array.delete(...stretch(gen, array, 3)),
]

const MAP = [
  (map, gen) => map.set(prng.oneOf(gen, KEYS), word(gen)),
  (map, gen) => map.set(prng.oneOf(gen, KEYS), Y.Array.from([1, 2, 3])),
  (map, gen) => map.set(prng.oneOf(gen, KEYS), new Y.Map([['deep', word(gen)]])),
  (map, gen) => {
    const nested = map.get(prng.oneOf(gen, KEYS))
    if (nested instanceof Y.Array) nested.delete(...stretch(gen, nested, 1))
  },
  (map, gen) => map.delete(prng.oneOf(gen, KEYS)),
]

const TEXT = [
  (text, gen) => text.insert(at(gen, text), word(gen)),
  (text, gen) => text.insert(at(gen, text), word(gen), prng.oneOf(gen, [{ bold: true }, { italic: true }, { color: word(gen) }])),
  (text, gen) => text.insert(at(gen, text), '\n漢ß'),
  (text, gen) => text.insertEmbed(at(gen, text), { image: word(gen) }),
  (text, gen) => text.format(...stretch(gen, text, 6), prng.oneOf(gen, [{ bold: true }, { bold: null }, { color: word(gen) }])),
  (text, gen) => text.delete(...stretch(gen, text, 5)),
]

const XML = [
  (xml, gen) => xml.insert(at(gen, xml), [new Y.XmlElement(prng.oneOf(gen, ['p', 'h1', 'li']))]),
  (xml, gen) => xml.insert(at(gen, xml), [new Y.XmlText(word(gen))]),
  (xml, gen) => xml.setAttribute(prng.oneOf(gen, KEYS), word(gen)),
  (xml, gen) => xml.removeAttribute(prng.oneOf(gen, KEYS)),
  (xml, gen) => {
    const nested = xml.toArray().filter(child => child instanceof Y.XmlElement)
    if (nested.length > 0) XML[1](prng.oneOf(gen, nested), gen)
  },
  (xml, gen) => {
    const nested = xml.toArray().filter(child => child instanceof Y.XmlText)
    if (nested.length > 0) prng.oneOf(gen, TEXT)(prng.oneOf(gen, nested), gen)
  },
  (xml, gen) => xml.delete(...stretch(gen, xml, 1)),
]

export const MODS = Object.entries({ array: ARRAY, map: MAP, text: TEXT, xml: XML })
  .flatMap(([name, mods]) => mods.map(mod => (doc, gen) => mod(roots(doc)[name], gen)))
