// What a synchronizer asks for, and whom it asks instead when that one is gone.
//
// It begins with a question to everyone: what do you have? TinyBase takes the first answer, and asks whoever gave it for all that it
// lacks, in some steps. All others would have answered in vain, so the question goes to one neighbor: to another one when that is gone,
// or says nothing for some seconds, for it may be in the swarm for something else. The steps after it, too, are put to another
// neighbor when they do not arrive, or no answer does: what it has is as good, and what differs is found by comparing. TinyBase
// hears that answer in the name of the first one. Where nobody answers, what is here is all there is.
import { Alarm } from '../common/alarm.mjs'

/** A neighbor has so long to answer, or until its next piece. */
const ANSWER_MS = 4_000
/** Nobody else is asked the opening question, or waited for, after so long. With public trackers two pages meet in two or three seconds. */
const ALONE_MS = 5_000

export class Requests {
  /** Those without an answer, by number. */
  #open = new Map()

  /**
   * @param {() => string[]} neighbors
   * @param {(address: string, message: object) => Promise<boolean>} send says whether it has arrived
   * @param {number} timeout when the synchronizer itself gives up, in milliseconds
   * @param {() => void} ended a request is over, one way or the other
   */
  constructor ({ neighbors, send, timeout, ended }) {
    Object.assign(this, { neighbors, send, timeout, ended })
  }

  get isOpen () {
    return this.#open.size > 0
  }

  /** The opening question. `giveUp` is called where nobody answers. */
  putToAny (message, giveUp) {
    this.#put(message, null, ALONE_MS, giveUp)
  }

  putTo (address, message) {
    this.#put(message, address, this.timeout)
  }

  #put (message, to, longest, giveUp) {
    const request = new Request(message, to, this)
    this.#open.set(message.request, request)
    request.end.set(longest)
    request.giveUp = () => {
      this.#close(message.request)
      giveUp?.()
    }
    request.ask(to ?? request.another())
  }

  /** In whose name the synchronizer hears this answer; `undefined` if it is none to anything that was asked. */
  answered (number, from) {
    const request = this.#open.get(number)
    if (!request?.asked.has(from)) return undefined
    this.#close(number)
    return request.to ?? from
  }

  /** Something of a longer answer came. */
  heard (address) {
    for (const request of this.#open.values()) if (request.current === address) request.next.set(ANSWER_MS)
  }

  arrived () {
    for (const request of this.#open.values()) if (request.current === null) request.ask(request.another())
  }

  left (address) {
    for (const request of this.#open.values()) if (request.current === address) request.ask(request.another())
  }

  close () {
    for (const number of [...this.#open.keys()]) this.#close(number)
  }

  #close (number) {
    this.#open.get(number).close()
    this.#open.delete(number)
    this.ended()
  }
}

class Request {
  /** Who was asked. */
  asked = new Set()
  /** Whose answer is waited for; `null` while there is nobody to ask. */
  current = null
  next = new Alarm(() => this.ask(this.another()))
  end = new Alarm(() => this.giveUp())

  constructor (message, to, world) {
    Object.assign(this, { message, to, world })
  }

  another () {
    const others = this.world.neighbors().filter(address => !this.asked.has(address))
    return others[Math.floor(Math.random() * others.length)]
  }

  async ask (address) {
    this.next.clear()
    this.current = address ?? null
    if (address === undefined) return
    this.asked.add(address)
    this.next.set(ANSWER_MS)
    const hasArrived = await this.world.send(address, this.message)
    if (!hasArrived && this.current === address) this.ask(this.another())
  }

  close () {
    this.current = undefined
    this.next.clear()
    this.end.clear()
  }
}
