// What is to go to one neighbor, in order: the synchronization of Automerge counts on that.
//
// One packet is under way at a time. All that is said meanwhile goes in the next one, so that a slow way is not made slower by many
// small messages. A packet that did not arrive, though Easypeers tried several times and we once more, is a gap in what the other
// end hears: that is the end of the session, and both begin another.
import { invalid, report } from '../common/errors.mjs'
import { LARGEST, PIECE, sendPieces } from '../common/pieces.mjs'
import { encodeMessage, encodePacket, encodePiece } from './wire.mjs'

/** So often a packet is sent. */
const TRIES = 2
/** Ephemeral messages that wait, at most: of cursors nobody needs the older ones. */
const MOST_EPHEMERAL = 100

export class Outbox {
  #waiting = []
  #isSending = false
  isClosed = false

  /**
   * @param {{ session: number, number: number }} neighbor of it the packets are numbered
   * @param {(bytes: Uint8Array) => Promise<boolean>} send
   * @param {{ arrived: () => void, failed: () => void }} events
   */
  constructor (neighbor, send, events) {
    Object.assign(this, { neighbor, send, events })
  }

  push (message) {
    const bytes = encodeMessage(message)
    if (bytes.length > LARGEST) {
      return report(invalid(`a message of ${bytes.length} bytes cannot be sent: at most ${LARGEST}`))
    }
    const isEphemeral = message.type === 'ephemeral'
    if (isEphemeral) this.#makeRoom()
    this.#waiting.push({ bytes, isEphemeral })
    if (!this.#isSending) this.#flush()
  }

  close () {
    this.isClosed = true
    this.#waiting = []
  }

  #makeRoom () {
    const ephemeral = this.#waiting.filter(({ isEphemeral }) => isEphemeral)
    if (ephemeral.length >= MOST_EPHEMERAL) this.#waiting.splice(this.#waiting.indexOf(ephemeral[0]), 1)
  }

  async #flush () {
    this.#isSending = true
    // All of this turn.
    await null
    while (this.#waiting.length > 0 && !this.isClosed) {
      const hasArrived = await this.#deliver(this.#next())
      if (this.isClosed) return
      if (!hasArrived) return this.events.failed()
      this.events.arrived()
    }
    this.#isSending = false
  }

  /** The bytes of the next message, and of those after it as far as they fit in one piece. */
  #next () {
    let count = 0
    let length = 0
    do length += this.#waiting[count++].bytes.length
    while (count < this.#waiting.length && length + this.#waiting[count].bytes.length <= PIECE)
    const messages = new Uint8Array(length)
    let at = 0
    for (const { bytes } of this.#waiting.splice(0, count)) {
      messages.set(bytes, at)
      at += bytes.length
    }
    return messages
  }

  async #deliver (messages) {
    const { session } = this.neighbor
    const number = ++this.neighbor.number
    if (messages.length > PIECE) {
      const send = ({ index, count, bytes }) => this.send(encodePiece({ session, number, index, count, bytes }))
      return sendPieces(messages, send, () => this.isClosed)
    }
    const packet = encodePacket({ session, number, messages })
    for (let tries = 0; tries < TRIES && !this.isClosed; tries++) if (await this.send(packet)) return true
    return false
  }
}
