// A WebAssembly module sorted by what its bytes mean, to be compressed: opcodes with opcodes, locals with
// locals, constants with constants. LZMA makes a tenth less of it than of the module as it is. Sorting and
// merging are the same walk over the module (WebAssembly Core Specification 2.0, chapter 5): what was read
// says what comes next.

/** What a byte may be; each has a stream. */
const [OTHER, SHAPE, OPCODE, LOCAL, CALL, OFFSET, INTEGER, LONG, ALIGNMENT, BRANCH, GLOBAL] = Array(11).keys()
const STREAMS = 11
/** No immediate. */
const NONE = -1
/** Length of a stream, little-endian. */
const LENGTH = 4

/** The immediates of the opcodes from the first to the second number; all others have none. */
const IMMEDIATES = [
  [0x02, 0x04, SHAPE], [0x0c, 0x0d, BRANCH], [0x10, 0x10, CALL], [0x11, 0x11, CALL, CALL], [0x20, 0x22, LOCAL],
  [0x23, 0x26, GLOBAL], [0x28, 0x3e, ALIGNMENT, OFFSET], [0x3f, 0x40, OTHER], [0x41, 0x41, INTEGER],
  [0x42, 0x42, LONG], [0xd0, 0xd0, OTHER], [0xd2, 0xd2, OTHER],
]
/** How many immediates follow 0xfc and the number of the instruction. */
const BULK = [0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1]

/**
 * @param {Uint8Array} module
 * @returns {Uint8Array} the lengths of the streams, and the streams
 */
export function split(module) {
  const streams = Array.from({ length: STREAMS }, () => [])
  let at = 0
  const byte = kind => {
    streams[kind].push(module[at])
    return module[at++]
  }
  walk(byte, () => at < module.length, read => {
    // How long a body is, its end will show.
    while (module[at++] > 127);
    read()
  })
  const lengths = Uint32Array.from(streams, ({ length }) => length)
  return Uint8Array.from([...new Uint8Array(lengths.buffer), ...streams.flat()])
}

/**
 * The module again: this half is in every bundle.
 * @param {Uint8Array} streams
 * @returns {Uint8Array}
 */
export function merge(streams) {
  const view = new DataView(streams.buffer, streams.byteOffset)
  const next = new Int32Array(STREAMS)
  let end = STREAMS * LENGTH
  for (let kind = 0; kind < STREAMS; kind++) {
    next[kind] = end
    end += view.getUint32(kind * LENGTH, true)
  }
  const last = next[1]
  // Each body gains its size, of at most five bytes, and has an opcode at least.
  const module = new Uint8Array(streams.length * 6)
  let at = 0
  const byte = kind => (module[at++] = streams[next[kind]++])
  walk(byte, () => next[OTHER] < last, read => {
    const size = at
    read()
    const length = at - size
    const digits = []
    for (let rest = length; digits.push(rest & 127) && (rest >>>= 7) > 0;);
    module.copyWithin(size + digits.length, size, at)
    digits.forEach((digit, i) => (module[size + i] = i < digits.length - 1 ? digit | 128 : digit))
    at += digits.length
  })
  return module.slice(0, at)
}

/**
 * @param {(kind: number) => number} byte the next byte, of this kind
 * @param {() => boolean} more whether another section follows
 * @param {(read: () => void) => void} body called for each function: begins its body, reads it, ends it
 */
function walk(byte, more, body) {
  const number = kind => {
    let part = byte(kind)
    let value = part & 127
    for (let shift = 7; part > 127; shift += 7) {
      part = byte(kind)
      value |= (part & 127) << shift
    }
    return value >>> 0
  }
  const numbers = (count, kind) => {
    while (count-- > 0) number(kind)
  }
  const bytes = (count, kind) => {
    while (count-- > 0) byte(kind)
  }
  const code = () => {
    for (let groups = number(SHAPE); groups > 0; groups--) numbers(2, SHAPE)
    for (let depth = 1; depth > 0;) {
      const opcode = byte(OPCODE)
      if (opcode >= 0x02 && opcode <= 0x04) depth++
      if (opcode === 0x0b) depth--
      if (opcode === 0x0e) numbers(number(BRANCH) + 1, BRANCH)
      else if (opcode === 0x1c) numbers(number(OTHER), OTHER)
      else if (opcode === 0x43 || opcode === 0x44) bytes(opcode === 0x43 ? 4 : 8, LONG)
      else if (opcode === 0xfc) numbers(BULK[number(OTHER)], OTHER)
      else {
        if (firsts[opcode] > NONE) number(firsts[opcode])
        if (seconds[opcode] > NONE) number(seconds[opcode])
      }
    }
  }
  const [firsts, seconds] = [new Int8Array(256).fill(NONE), new Int8Array(256).fill(NONE)]
  for (const [from, to, first, second = NONE] of IMMEDIATES) {
    firsts.fill(first, from, to + 1)
    seconds.fill(second, from, to + 1)
  }

  bytes(8, OTHER)
  while (more()) {
    const section = byte(OTHER)
    const length = number(OTHER)
    if (section !== 10) bytes(length, OTHER)
    else for (let functions = number(OTHER); functions > 0; functions--) body(code)
  }
}
