// A store of TinyBase in a swarm: what its synchronizer says goes to whom it should, and what comes is given to it.
//
//   a change                   to everyone, once
//   what it asks for           to one, and to another one when that is gone: requests.mjs
//   what it has, by hashes     to the neighbors, and now and then to one: compare.mjs
//   answers                    to the one whom they are for
import { createCustomSynchronizer } from 'tinybase/synchronizers'
import { Alarm } from '../common/alarm.mjs'
import { invalid, kindOf } from '../common/errors.mjs'
import { LARGEST, PIECE, Pieces, sendPieces } from '../common/pieces.mjs'
import { drop, newStats, Seat } from '../common/seat.mjs'
import { Swarm } from '../common/swarm.mjs'
import { Compare } from './compare.mjs'
import { Requests } from './requests.mjs'
import {
  CHANNEL, CONTENT_DIFF, CONTENT_HASHES, decodeMessage, decodePacket, encodeMessage, encodePacket, encodePiece, RESPONSE,
} from './wire.mjs'

/** Larger changes, in bytes, are told of, and fetched by who wants them. */
const LARGEST_BROADCAST = 262_144
/** So long an answer is waited for, in seconds: a large store takes its time. */
const REQUEST_TIMEOUT = 30
/** Peers that were written to and may send pieces, at most: those that do not answer are forgotten. */
const MOST_PARTNERS = 1_000
/** After an answer TinyBase asks for the next step at once, or does not. */
const NEXT_MS = 200
/** Peers that said what they have and wait for their turn, at most. */
const MOST_WAITING = 100
/** How TinyBase calls a message that is none. */
const MALFORMED = /^tinybase:14/

export function createEasypeersSynchronizer (store, where, options) {
  checkStore(store)
  const { swarm, callbacks, requestTimeoutSeconds } = readOptions(where, options)
  const easypeers = swarm.join()
  const link = new Link(store, easypeers, swarm.channel, { onIgnoredError: callbacks.onIgnoredError, timeout: 1_000 * requestTimeoutSeconds })
  const synchronizer = createCustomSynchronizer(
    store,
    (to, request, kind, body) => link.send(to, request, kind, body),
    (receive, fail) => Object.assign(link, { deliver: receive, fail }),
    () => {
      link.close()
      // What was said before still gets out.
      if (!swarm.given) easypeers.close()
    },
    requestTimeoutSeconds,
    callbacks.onSend,
    callbacks.onReceive,
    error => link.ignored(error),
  )
  link.isSyncing = () => synchronizer.isAutoLoading()
  return extended(synchronizer, {
    getEasypeers: () => easypeers,
    getEasypeersStats: () => ({ ...link.stats, dropped: { ...link.stats.dropped } }),
  })
}

/** Between a synchronizer and its seat. */
class Link {
  stats = newStats()
  #pieces = new Pieces()
  #partners = new Set()
  /** What large is under way to a peer: the next goes after it, for one at a time is put together there. */
  #large = new Map()
  /** What peers have who said so while something was asked for. */
  #waiting = new Map()
  #next = new Alarm(() => this.#takeNext())
  #isReceiving = false

  constructor (store, easypeers, channel, { onIgnoredError, timeout }) {
    Object.assign(this, { store, onIgnoredError })
    this.seat = new Seat(easypeers, channel, this)
    this.requests = new Requests({
      neighbors: () => this.seat.neighbors(),
      send: (address, message) => this.#sendTo(address, message),
      timeout,
      ended: () => { if (this.#waiting.size > 0) this.#next.set(NEXT_MS) },
    })
    const link = this
    this.compare = new Compare(store, {
      get address () { return link.seat.address },
      isSyncing: () => !this.seat.isClosed && this.isSyncing(),
      hashes: () => store.getMergeableContentHashes(),
      neighbors: () => this.seat.neighbors(),
      tell: address => this.#sendTo(address, { request: null, kind: CONTENT_HASHES, body: store.getMergeableContentHashes() }),
    })
  }

  close () {
    if (this.seat.isClosed) return
    this.compare.close()
    this.#waiting.clear()
    this.requests.close()
    this.#next.clear()
    this.#pieces.clear()
    this.seat.close()
  }

  // ---------------------------------------------------------------- what the synchronizer says

  send (to, request, kind, body) {
    if (this.seat.isClosed) return
    const message = { request, kind, body }
    if (kind === RESPONSE) this.#sendTo(to, message)
    else if (kind === CONTENT_DIFF) this.#broadcast(message)
    else if (kind === CONTENT_HASHES) this.compare.tellAll()
    else if (to !== null) this.requests.putTo(to, message)
    // Who is alone has the same as itself, and so lacks nothing.
    else this.requests.putToAny(message, () => this.deliver(this.seat.address, request, RESPONSE, this.store.getMergeableContentHashes()))
  }

  async #broadcast (message) {
    const bytes = encodeMessage(message)
    const hasGone = bytes.length <= LARGEST_BROADCAST && await this.seat.broadcast(encodePacket(bytes))
    if (!hasGone && !this.seat.isClosed) this.compare.tellAll()
  }

  async #sendTo (address, message) {
    this.#partners.add(address)
    if (this.#partners.size > MOST_PARTNERS) this.#partners.delete(this.#partners.keys().next().value)
    const bytes = encodeMessage(message)
    if (bytes.length <= PIECE) return this.seat.send(address, encodePacket(bytes))
    if (bytes.length > LARGEST) return this.ignored(new RangeError(`a message of ${bytes.length} bytes cannot be sent: at most ${LARGEST}`))
    return this.#sendLarge(address, bytes)
  }

  #sendLarge (address, bytes) {
    const send = () => sendPieces(bytes, piece => this.seat.send(address, encodePiece(piece)), () => this.seat.isClosed)
    const sending = (this.#large.get(address) ?? Promise.resolve()).then(send)
    this.#large.set(address, sending)
    sending.then(() => { if (this.#large.get(address) === sending) this.#large.delete(address) })
    return sending
  }

  // ---------------------------------------------------------------- what the seat tells

  receive (from, bytes, isDirect) {
    let packet
    try {
      packet = decodePacket(bytes)
    } catch {
      return drop(this.stats, 'packet')
    }
    if (packet.name === 'piece') this.#receivePiece(from, packet)
    else this.#read(from, packet.bytes, isDirect)
  }

  #receivePiece (from, piece) {
    if (!this.#partners.has(from)) return drop(this.stats, 'piece')
    this.requests.heard(from)
    let whole
    try {
      whole = this.#pieces.take(from, piece)
    } catch {
      return drop(this.stats, 'piece')
    }
    if (whole) this.#read(from, whole, true)
  }

  #read (from, bytes, isDirect) {
    let message
    try {
      message = decodeMessage(bytes)
    } catch {
      return drop(this.stats, 'packet')
    }
    // Everybody would answer.
    if (!isDirect && message.kind !== CONTENT_DIFF) return drop(this.stats, 'message')
    if (message.kind === CONTENT_HASHES && this.requests.isOpen) this.#wait(from, message)
    else this.#give(from, message)
  }

  /** One after another: most of what two would send is the same. */
  #wait (from, message) {
    if (this.#waiting.size < MOST_WAITING) this.#waiting.set(from, message)
  }

  #takeNext () {
    for (const [from, message] of this.#waiting) {
      if (this.requests.isOpen) return
      this.#waiting.delete(from)
      this.#give(from, message)
    }
  }

  #give (from, { request, kind, body }) {
    const whose = kind === RESPONSE ? this.requests.answered(request, from) : from
    // Late, or never asked for.
    if (whose === undefined) return drop(this.stats, 'answer')
    if (kind === RESPONSE) this.compare.answered(from)
    const { message: before } = this.stats.dropped
    this.#isReceiving = true
    try {
      this.deliver(whose, request, kind, body)
    } catch {
      drop(this.stats, 'message')
    } finally {
      this.#isReceiving = false
    }
    if (kind === CONTENT_HASHES && this.stats.dropped.message === before) this.compare.heard(from, body)
  }

  /** An error of the synchronizer. What remotes say that means nothing is not the page's. */
  ignored (error) {
    if (this.#isReceiving && MALFORMED.test(error?.message)) drop(this.stats, 'message')
    else this.onIgnoredError?.(error)
    return false
  }

  arrived (address) {
    this.requests.arrived()
    this.compare.arrived(address)
  }

  left (address) {
    this.requests.left(address)
    this.#waiting.delete(address)
    this.#pieces.forget(address)
    this.compare.left(address)
  }

  renamed () {}

  closed () {
    this.close()
    this.fail?.(Object.assign(new Error('the instance of Easypeers was closed'), { code: 'ERR_CLOSED' }))
  }
}

/** The synchronizer with methods of ours; it is frozen, and gives itself back. */
function extended (synchronizer, methods) {
  const outer = { ...methods }
  const own = result => result === synchronizer ? outer : result
  for (const [name, method] of Object.entries(synchronizer)) {
    outer[name] = (...args) => {
      const result = method(...args)
      return typeof result?.then === 'function' ? result.then(own) : own(result)
    }
  }
  return Object.freeze(outer)
}

function readOptions (where, options = {}) {
  if (options === null || typeof options !== 'object') throw invalid(`the options: expected an object, got ${kindOf(options)}`)
  const { requestTimeoutSeconds = REQUEST_TIMEOUT, onSend, onReceive, onIgnoredError, ...rest } = options
  if (!(requestTimeoutSeconds > 0)) {
    const expected = `\`requestTimeoutSeconds\`: expected a number above 0, got ${requestTimeoutSeconds}`
    throw Object.assign(new RangeError(expected), { code: 'ERR_OUT_OF_RANGE' })
  }
  for (const [name, callback] of Object.entries({ onSend, onReceive, onIgnoredError })) {
    if (callback !== undefined && typeof callback !== 'function') throw invalid(`\`${name}\`: expected a function, got ${kindOf(callback)}`)
  }
  return { swarm: new Swarm(where, rest, CHANNEL), callbacks: { onSend, onReceive, onIgnoredError }, requestTimeoutSeconds }
}

/** By what it does: a page may have two copies of TinyBase. */
function checkStore (store) {
  if (typeof store?.getMergeableContentHashes !== 'function' || typeof store.addDidFinishTransactionListener !== 'function') {
    throw invalid(`the store: expected a MergeableStore, got ${typeof store?.getTables === 'function' ? 'a Store: make it by createMergeableStore' : kindOf(store)}`)
  }
}
