// The names that a module and its glue call each other by, as short as they can be: nobody else uses them; and
// the glue without what it does for browsers that could not run the module anyway.

const IMPORTS = 2
const EXPORTS = 7
const FUNCTION = 0

/**
 * @param {Buffer} wasm made by wasm-bindgen; all it imports are functions
 * @param {string} glue the JavaScript beside it
 * @returns {{ wasm: Buffer, glue: string }} both with short names
 */
export function shorten(wasm, glue) {
  let count = 0
  const rename = (name, pattern) => {
    // Some exports are for other glue than this, and the names of a snippet are its own.
    if (glue.search(pattern) < 0) return name
    const short = `_${(count++).toString(36)}`
    glue = glue.replace(pattern, short)
    return short
  }
  const modules = new Map()
  const renameModule = name => {
    if (!modules.has(name)) {
      modules.set(name, `_${modules.size}`)
      glue = glue.replaceAll(`"${name}":`, `${modules.get(name)}:`)
    }
    return modules.get(name)
  }
  const out = [wasm.subarray(0, 8)]
  for (const reader = new Reader(wasm, 8); reader.at < wasm.length;) {
    const id = reader.byte()
    let content = reader.bytes()
    if (id === IMPORTS) content = renameImports(content, renameModule, name => rename(name, new RegExp(`(?<=^\\s+)${name}(?=: function)`, 'm')))
    if (id === EXPORTS) content = renameExports(content, name => rename(name, new RegExp(`(?<=\\bwasm\\.)${name}\\b`, 'g')))
    out.push(Buffer.from([id]), prefixed(content))
  }
  return { wasm: Buffer.concat(out), glue }
}

/** @param {string} glue a browser with reference types has all that is asked for here */
export function modern(glue) {
  return glue
    .replaceAll("(typeof FinalizationRegistry === 'undefined')", 'false')
    .replace(/^if \(!\('encodeInto' in cachedTextEncoder\)\) \{[^]*?^\}\n/m, '')
    .replace(/^if \(Symbol\.dispose\) .*\n/gm, '')
    .replace(/console\.warn\('using deprecated[^\n]*\n/g, '')
    .replace(/typeof (global|self|window) === 'undefined' \? undefined : \1;/g, 'undefined;')
}

function renameImports(content, renameModule, rename) {
  const reader = new Reader(content)
  const count = reader.number()
  const out = [number(count)]
  for (let i = 0; i < count; i++) {
    const [module, name, kind] = [reader.bytes().toString(), reader.bytes().toString(), reader.byte()]
    if (kind !== FUNCTION) throw new Error(`the module imports ${name}, which is no function`)
    out.push(prefixed(Buffer.from(renameModule(module))), prefixed(Buffer.from(rename(name))), Buffer.from([kind]), number(reader.number()))
  }
  return Buffer.concat(out)
}

function renameExports(content, rename) {
  const reader = new Reader(content)
  const count = reader.number()
  const out = [number(count)]
  for (let i = 0; i < count; i++) {
    out.push(prefixed(Buffer.from(rename(reader.bytes().toString()))), Buffer.from([reader.byte()]), number(reader.number()))
  }
  return Buffer.concat(out)
}

/** Numbers as LEB128, and what is prefixed by its length. */
class Reader {
  constructor(buffer, at = 0) {
    this.buffer = buffer
    this.at = at
  }

  byte() {
    return this.buffer[this.at++]
  }

  number() {
    let value = 0
    for (let shift = 0, part = 128; part > 127; shift += 7) {
      part = this.byte()
      value += (part & 127) * 2 ** shift
    }
    return value
  }

  bytes() {
    const length = this.number()
    this.at += length
    return this.buffer.subarray(this.at - length, this.at)
  }
}

function number(value) {
  const digits = []
  for (; value > 127; value >>>= 7) digits.push(value & 127 | 128)
  return Buffer.from([...digits, value])
}

function prefixed(bytes) {
  return Buffer.concat([number(bytes.length), bytes])
}
