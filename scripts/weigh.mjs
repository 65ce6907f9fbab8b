// What each part of the crate weighs in the module: the sizes of its functions, by the names that the compiler gave them.

const SECTION = { CODE: 10, DATA: 11 }
const FUNCTION_NAMES = 1
/** Parts smaller than this are one line together, in bytes. */
const SMALL = 2000

/**
 * @param {Buffer} wasm with its section of names, demangled, as wasm-bindgen writes it
 * @returns {string} a line for each part, the heaviest first
 */
export function weigh(wasm) {
  const module = new WebAssembly.Module(wasm)
  const names = functionNames(Buffer.from(WebAssembly.Module.customSections(module, 'name')[0]))
  const parts = new Map()
  const add = (part, bytes) => parts.set(part, (parts.get(part) ?? 0) + bytes)
  let index = WebAssembly.Module.imports(module).filter(({ kind }) => kind === 'function').length
  for (const [id, content] of sections(wasm.subarray(8))) {
    if (id === SECTION.DATA) add('constants', content.length)
    else if (id === SECTION.CODE) for (const body of vector(content)) add(part(names.get(index++) ?? ''), body.length)
  }
  const rows = [...parts].sort(([, one], [, other]) => other - one)
  const large = rows.filter(([, bytes]) => bytes >= SMALL)
  const rest = rows.slice(large.length).reduce((sum, [, bytes]) => sum + bytes, 0)
  return [...large, [`${rows.length - large.length} others`, rest]]
    .map(([part, bytes]) => `${(bytes / 1000).toFixed(1).padStart(6)} kB  ${part}`).join('\n')
}

/** The file of ours that a function is of, or the crate: of `<A as B>::f` and of `f::<A>` it is A's, if A is ours. */
function part(name) {
  if (!name.includes('::')) return 'exported to JavaScript'
  // Some names have the hash of a crate in brackets.
  const path = name.replace(/\[[0-9a-f]+\]/g, '')
  const [ours] = /\beasypeers::(payload|proto|web)(::[a-z_]+)?/.exec(path) ?? []
  // What is left without a path is a method of a primitive type.
  return ours ?? /\b[a-z_]\w*(?=::)/.exec(path)?.[0] ?? 'core'
}

function functionNames(bytes) {
  const names = new Map()
  for (const [id, content] of sections(bytes)) {
    if (id !== FUNCTION_NAMES) continue
    const reader = new Reader(content)
    for (let left = reader.number(); left > 0; left--) names.set(reader.number(), reader.bytes().toString())
  }
  return names
}

/** Each section: its number and its content. */
function* sections(bytes) {
  for (const reader = new Reader(bytes); reader.at < bytes.length;) yield [reader.number(), reader.bytes()]
}

function* vector(bytes) {
  const reader = new Reader(bytes)
  for (let left = reader.number(); left > 0; left--) yield reader.bytes()
}

/** WebAssembly Core Specification, chapter 5: numbers as LEB128, and what its length comes before. */
class Reader {
  constructor(buffer) {
    this.buffer = buffer
    this.at = 0
  }

  number() {
    let value = 0
    for (let shift = 0, byte = 0x80; byte > 0x7f; shift += 7) {
      byte = this.buffer[this.at++]
      value += (byte & 0x7f) * 2 ** shift
    }
    return value
  }

  bytes() {
    const length = this.number()
    this.at += length
    return this.buffer.subarray(this.at - length, this.at)
  }
}
