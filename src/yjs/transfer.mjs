// Packets that are too large for one message, cut into pieces.
//
// A piece goes when one of those before it has arrived, so that no more than a few are under way however slow the way is, and
// both pages have their turns between two of them. The pieces are of bytes, and what they make is read when the last is there:
// Yjs applies an update in one go.
import { encodeMessages } from './wire.mjs'

/** Bytes of a piece. Sealing, sending and opening that much is a task of a few milliseconds. */
export const PIECE = 65_536
/** Pieces under way at once: half a megabyte, which fills a path of 40 Mbit/s and 100 ms. */
const UNDER_WAY = 8
/** Most bytes that one peer may have here unfinished. A guess: more than a page can hold as a document. */
const LARGEST = 512 * 2 ** 20

/** Sends messages to one peer, in pieces if need be. Resolves to whether all have arrived. */
export async function deliver (room, address, messages) {
  const bytes = encodeMessages(messages)
  if (bytes.length <= PIECE) return room.send(address, messages)
  const count = Math.ceil(bytes.length / PIECE)
  const transfer = Math.floor(Math.random() * 2 ** 32)
  let next = 0
  let failed = false
  async function carry () {
    while (next < count && !failed) {
      const index = next++
      const part = bytes.subarray(index * PIECE, (index + 1) * PIECE)
      if (!await room.send(address, [{ name: 'piece', transfer, index, count, bytes: part }])) failed = true
    }
  }
  await Promise.all(Array.from({ length: Math.min(UNDER_WAY, count) }, carry))
  return !failed
}

/** What has come of transfers, one for each peer. */
export class Transfers {
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
