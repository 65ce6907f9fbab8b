// A document and its awareness at their seat in a swarm: what comes is read here and given to the two, what they say goes out.
import { Document } from './document.mjs'
import { takeSeat } from './hub.mjs'
import { People } from './people.mjs'
import { decodeMessages } from './wire.mjs'

/** Peers of the room that are remembered, at most. */
const MOST_MEMBERS = 1000
/** Who did not answer is not asked again for so long, and each time twice as long: it may be in the swarm for something else. */
const [SILENT_MS, SILENT_MOST_MS] = [5_000, 300_000]

export class Room {
  /** Who was heard in this room, and when. */
  #members = new Map()
  /** Who did not answer: until when that counts, and how long it counted. */
  #silent = new Map()
  #greeted = false
  isClosed = false
  /** How long it took of late until a direct message was known to have arrived, in milliseconds: a moving mean. */
  roundTrip = 0
  stats = { sent: 0, bytesSent: 0, received: 0, bytesReceived: 0, pulls: 0, checks: 0, dropped: {} }

  /** @param events `synced(alone)`, `arrived(address)`, `left(address)` and `closed()` are called */
  constructor ({ easypeers, name, doc, awareness, origin, events }) {
    this.easypeers = easypeers
    this.events = events
    this.seat = takeSeat(easypeers, name, this)
    this.people = new People(awareness, origin, this)
    this.document = new Document(doc, origin, this)
    queueMicrotask(() => { for (const address of Object.keys(easypeers.closed ? {} : easypeers.wires)) this.arrived(address) })
  }

  /** The page goes, and perhaps it comes back. */
  goodbye () {
    this.document.sayAll()
    this.people.goodbye()
  }

  close () {
    if (this.isClosed) return
    this.document.close()
    this.people.close()
    this.isClosed = true
    this.seat.leave()
  }

  // ---------------------------------------------------------------- what the seat tells

  receive (from, bytes) {
    this.stats.received++
    this.stats.bytesReceived += bytes.length
    this.handleMessages(from, bytes)
  }

  /** Also what came in pieces. */
  handleMessages (from, bytes) {
    let messages
    try {
      messages = decodeMessages(bytes)
    } catch {
      return this.drop('packet')
    }
    this.#heard(from)
    for (const message of messages) {
      if (message.name === 'awareness') this.people.handle(from, message.update)
      else if (message.name === 'people') this.people.handleEveryone(from, message.groups)
      else if (message.name === 'query') this.document.handleQuery(from)
    }
    this.document.handle(from, messages)
  }

  arrived (address) {
    if (this.isClosed) return
    if (!this.#greeted) this.people.hello()
    this.#greeted = true
    this.document.arrived(address)
    this.events.arrived(address)
  }

  left (address) {
    if (this.isClosed) return
    this.document.left(address)
    this.people.left(address)
    this.events.left(address)
  }

  renamed () {
    this.people.welcomeBack()
  }

  closed () {
    this.events.closed()
  }

  becameSynced (alone) {
    this.events.synced(alone)
  }

  // ---------------------------------------------------------------- what goes out

  get address () {
    return this.seat.address
  }

  get isHeard () {
    return !this.isClosed && this.seat.isHeard
  }

  get peers () {
    return this.easypeers.closed ? [] : this.easypeers.peers
  }

  get peerCount () {
    return this.easypeers.peerCount
  }

  neighbors () {
    return this.isClosed ? [] : this.seat.neighbors()
  }

  /** Resolves to whether it has gone out. Why it has not is nothing that a page could mend. */
  broadcast (messages) {
    return this.#count(this.seat.broadcast(messages))
  }

  /** Resolves to whether it has arrived. */
  async send (address, messages) {
    const began = Date.now()
    const arrived = await this.#count(this.isClosed ? Promise.reject() : this.seat.send(address, messages))
    if (arrived) this.roundTrip += (Date.now() - began - this.roundTrip) / 8
    return arrived
  }

  async #count (sending) {
    this.stats.sent++
    try {
      this.stats.bytesSent += await sending
      return true
    } catch {
      return false
    }
  }

  /** Counts what a remote said that means nothing. */
  drop (cause) {
    this.stats.dropped[cause] = (this.stats.dropped[cause] ?? 0) + 1
  }

  // ---------------------------------------------------------------- who is in the room

  #heard (address) {
    this.#silent.delete(address)
    this.#members.delete(address)
    this.#members.set(address, Date.now())
    if (this.#members.size > MOST_MEMBERS) this.#members.delete(this.#members.keys().next().value)
  }

  get memberCount () {
    return this.#members.size
  }

  get hasMembers () {
    return this.#members.size > 0
  }

  isMember (address) {
    return this.#members.has(address)
  }

  heardWithin (address, milliseconds) {
    return Date.now() - (this.#members.get(address) ?? -Infinity) < milliseconds
  }

  /** It did not answer. */
  passOver (address) {
    const before = this.#silent.get(address)?.length
    const length = before ? Math.min(2 * before, SILENT_MOST_MS) : SILENT_MS
    this.#silent.delete(address)
    this.#silent.set(address, { until: Date.now() + length, length })
    if (this.#silent.size > MOST_MEMBERS) this.#silent.delete(this.#silent.keys().next().value)
  }

  /** Somebody to compare with, at random: a neighbor of this room, or one that may be, or whoever of this room is farther away. */
  partner (but = new Map()) {
    const now = Date.now()
    const able = address => !but.has(address) && !(this.#silent.get(address)?.until > now)
    const near = this.neighbors().filter(able)
    const known = near.filter(address => this.#members.has(address))
    const far = [...this.#members.keys()].filter(able)
    const choice = [known, near, far].find(list => list.length > 0) ?? []
    return choice[Math.floor(Math.random() * choice.length)]
  }
}
