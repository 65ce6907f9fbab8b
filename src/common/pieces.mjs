// Bytes that are too many for one message, cut into pieces.
//
// A piece goes when one of those before it has arrived, so that no more than a few are under way however slow the way is, and
// both pages have their turns between two of them. How many depends on how it goes: one more for each that arrives, half as
// many when one does not, which is then sent again. What the pieces make is read when the last is there.

/** Bytes of a piece: that of a frame. Of larger ones, those that are sent again cost a busy swarm more than they bring. */
export const PIECE = 16_384
/** Pieces under way at once, at first and at most: a quarter of a megabyte fills a path of 20 Mbit/s and 100 ms. */
const [UNDER_WAY, MOST_UNDER_WAY] = [2, 16]
/** So often a piece is sent before the whole is given up; Easypeers tries several times itself. */
const TRIES = 2
/** Most bytes that go in pieces, and that one peer may have here unfinished. A guess: more than a page can hold as a document. */
export const LARGEST = 512 * 2 ** 20

/**
 * Sends bytes to one peer. Resolves to whether all have arrived.
 * @param {(piece: { transfer: number, index: number, count: number, bytes: Uint8Array }) => Promise<boolean>} send sends a piece,
 * and says whether it has arrived
 * @param {() => boolean} isOver whether nobody wants it any more
 */
export function sendPieces (bytes, send, isOver) {
  const count = Math.ceil(bytes.length / PIECE)
  const transfer = Math.floor(Math.random() * 2 ** 32)
  const piece = index => ({ transfer, index, count, bytes: bytes.subarray(index * PIECE, (index + 1) * PIECE) })
  return new Promise(resolve => {
    let [next, arrived, underWay, most] = [0, 0, 0, UNDER_WAY]
    let failed = false
    const fill = () => {
      while (next < count && underWay < most && !failed) carry(next++, 1)
    }
    const carry = async (index, tries) => {
      underWay++
      const hasArrived = await send(piece(index))
      underWay--
      most = hasArrived ? Math.min(most + 1, MOST_UNDER_WAY) : Math.ceil(most / 2)
      if (hasArrived) arrived++
      else if (tries < TRIES && !isOver()) return carry(index, tries + 1)
      else failed = true
      if (failed || arrived === count) resolve(!failed)
      else fill()
    }
    fill()
  })
}

/** What has come in pieces, one whole for each peer. */
export class Pieces {
  #unfinished = new Map()

  /** Takes a piece, and returns the bytes of the whole when it was the last one. @throws for a piece that fits nothing */
  take (from, { transfer, index, count, bytes }) {
    if (count < 1 || count * PIECE > LARGEST || index >= count || bytes.length > PIECE) throw new Error('a piece of nothing')
    let unfinished = this.#unfinished.get(from)
    if (unfinished?.transfer !== transfer || unfinished.count !== count) {
      unfinished = { transfer, count, parts: new Map() }
      this.#unfinished.set(from, unfinished)
    }
    unfinished.parts.set(index, bytes)
    if (unfinished.parts.size < count) return null
    this.#unfinished.delete(from)
    return joined(unfinished)
  }

  forget (from) {
    this.#unfinished.delete(from)
  }

  clear () {
    this.#unfinished.clear()
  }
}

function joined ({ parts, count }) {
  let length = 0
  for (const part of parts.values()) length += part.length
  const whole = new Uint8Array(length)
  let at = 0
  for (let index = 0; index < count; index++) {
    whole.set(parts.get(index), at)
    at += parts.get(index).length
  }
  return whole
}
