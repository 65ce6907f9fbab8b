// LZMA, the reading half, in the raw form of the LZMA specification (Pavlov, 2015): no header, its length known.
// It is in every bundle, so it is small; what it reads is made by a well-kept library when the package is built.

/** Low bits of a long distance, coded apart. */
const ALIGN = 4
/** Below this the range takes in another byte. */
const TOP = 1 << 24

/**
 * @param {Uint8Array} packed
 * @param {number} size bytes of the result
 * @param {number} lc literal context bits
 * @param {number} lp literal position bits
 * @param {number} pb position bits
 * @returns {Uint8Array}
 */
export function decompress(packed, size, lc = 3, lp = 0, pb = 2) {
  const out = new Uint8Array(size)
  const fresh = count => new Uint16Array(count).fill(1024)
  const length = () => ({ choice: fresh(2), low: fresh(16 << 3), mid: fresh(16 << 3), high: fresh(256) })
  const literals = fresh(0x300 << (lc + lp))
  const [isMatch, isRepLong] = [fresh(192), fresh(192)]
  const [isRep, isRep0, isRep1, isRep2] = [fresh(12), fresh(12), fresh(12), fresh(12)]
  const [slots, special, align] = [fresh(4 << 6), fresh(128), fresh(1 << ALIGN)]
  const [matchLength, repLength] = [length(), length()]

  // Beyond 31 bits a number leaves the fast lane: range and code live in an array of such.
  const coder = new Uint32Array([0xffffffff, 0])
  let at = 1
  for (let i = 0; i < 4; i++) coder[1] = coder[1] << 8 | packed[at++]
  const shift = () => {
    if (coder[0] < TOP) {
      coder[0] <<= 8
      coder[1] = coder[1] << 8 | packed[at++]
    }
  }
  /** Walks down a tree of chances from `node`, until it is past `end`. */
  const descend = (model, base, node, end) => {
    let range = coder[0]
    let code = coder[1]
    while (node < end) {
      const chance = model[base + node]
      const bound = (range >>> 11) * chance
      node <<= 1
      if (code < bound) {
        range = bound
        model[base + (node >> 1)] = chance + ((2048 - chance) >> 5)
      } else {
        range -= bound
        code -= bound
        model[base + (node >> 1)] = chance - (chance >> 5)
        node |= 1
      }
      if (range < TOP) {
        range = (range << 8) >>> 0
        code = (code << 8 | packed[at++]) >>> 0
      }
    }
    coder[0] = range
    coder[1] = code
    return node
  }
  const bit = (model, i) => descend(model, i - 1, 1, 2) & 1
  const tree = (model, bits, base = 0) => descend(model, base, 1, 1 << bits) - (1 << bits)
  const reverse = (model, base, bits) => {
    let value = 0
    for (let i = 0, node = 1; i < bits; i++) {
      const one = bit(model, base + node)
      node = node << 1 | one
      value |= one << i
    }
    return value
  }
  const direct = bits => {
    let value = 0
    while (bits-- > 0) {
      coder[0] >>>= 1
      const one = coder[1] < coder[0] ? 0 : 1
      if (one) coder[1] -= coder[0]
      value = value << 1 | one
      shift()
    }
    return value
  }
  const readLength = ({ choice, low, mid, high }, position) => {
    if (!bit(choice, 0)) return 2 + tree(low, 3, position << 3)
    if (!bit(choice, 1)) return 10 + tree(mid, 3, position << 3)
    return 18 + tree(high, 8)
  }

  let state = 0
  // The latest distances, less one.
  let [first, second, third, fourth] = [0, 0, 0, 0]
  for (let end = 0; end < size;) {
    const position = end & ((1 << pb) - 1)
    const place = state << 4 | position
    if (!bit(isMatch, place)) {
      const base = 0x300 * (((end & ((1 << lp) - 1)) << lc) + ((out[end - 1] | 0) >> (8 - lc)))
      let node = 1
      if (state > 6) {
        for (let match = out[end - first - 1] | 0x100; node < 0x100;) {
          const expected = (match >> 7) & 1
          match <<= 1
          const one = bit(literals, base + (1 + expected << 8) + node)
          node = node << 1 | one
          if (one !== expected) break
        }
      }
      out[end++] = descend(literals, base, node, 0x100)
      state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6
      continue
    }
    let count
    if (!bit(isRep, state)) {
      count = readLength(matchLength, position)
      const slot = tree(slots, 6, Math.min(count - 2, 3) << 6)
      let far = slot
      if (slot > 3) {
        const bits = (slot >> 1) - 1
        far = (2 | slot & 1) << bits
        far += slot < 14 ? reverse(special, far - slot, bits) : (direct(bits - ALIGN) << ALIGN) + reverse(align, 0, ALIGN)
      }
      fourth = third
      third = second
      second = first
      first = far
      state = state < 7 ? 7 : 10
    } else {
      if (!bit(isRep0, state)) {
        if (!bit(isRepLong, place)) {
          out[end] = out[end - first - 1]
          end++
          state = state < 7 ? 9 : 11
          continue
        }
      } else {
        let again = second
        if (bit(isRep1, state)) {
          again = third
          if (bit(isRep2, state)) {
            again = fourth
            fourth = third
          }
          third = second
        }
        second = first
        first = again
      }
      count = readLength(repLength, position)
      state = state < 7 ? 8 : 11
    }
    for (; count-- > 0; end++) out[end] = out[end - first - 1]
  }
  return out
}
