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
  const bit = (model, i) => {
    const chance = model[i]
    const bound = (coder[0] >>> 11) * chance
    let one = 0
    if (coder[1] < bound) {
      coder[0] = bound
      model[i] = chance + ((2048 - chance) >> 5)
    } else {
      coder[0] -= bound
      coder[1] -= bound
      model[i] = chance - (chance >> 5)
      one = 1
    }
    shift()
    return one
  }
  const tree = (model, bits, base = 0) => {
    let node = 1
    for (let i = 0; i < bits; i++) node = node << 1 | bit(model, base + node)
    return node - (1 << bits)
  }
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
      while (node < 0x100) node = node << 1 | bit(literals, base + node)
      out[end++] = node
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
