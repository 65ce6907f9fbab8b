// Who is one link away and has a repository, too, and under which PeerId.
//
// Both ends of a link say hello: their PeerId, the number of their session, and that of the other one as far as they know it. Who
// hears its own number was heard, and then the other is a peer of the repository; from there on each counts on what it says. When
// something did not arrive after all, that end takes a new number: the other sees it, and for both repositories the peer was gone
// and came again, which makes them compare anew.
//
// A PeerId is believed of whom Easypeers proved to be at that address:
//   - one that is an address (40 hex digits), of that address alone;
//   - any other, of who said it first, as long as that one is a neighbor. Whoever else says it has to wait;
//   - our own, of nobody.
//
// A repository has its PeerId for good, and a page may lose its address: another page of its identity has it. Then a PeerId that is
// an address is not to be believed of it, and what it says on links is the address that it goes by. Within, the two names are
// swapped, for there the page that has the first one is somebody else, and needs a name, too.
import { about, Alarm } from '../common/alarm.mjs'
import { Pieces } from '../common/pieces.mjs'
import { drop } from '../common/seat.mjs'
import { isMessage, isOf } from './messages.mjs'
import { Outbox } from './outbox.mjs'
import { decode, decodeMessages, encodeBye, encodeHello } from './wire.mjs'

/** After what did not arrive it is so long until the next try, each time twice as long, and at last so long. */
const [AGAIN_MS, AGAIN_MOST_MS] = [1_000, 60_000]

const isAddress = peerId => /^[0-9a-f]{40}$/.test(peerId)

export class Neighbors {
  /** By address. */
  #all = new Map()
  /** The address that is behind each PeerId. */
  #holders = new Map()
  /** Our PeerId, as it is said on links. */
  #said
  #pieces = new Pieces()
  #isClosed = false

  /** @param events `candidate({ peerId, peerMetadata })`, `gone({ peerId })` and `message(message)` are called */
  constructor ({ seat, peerId, metadata, stats, events }) {
    Object.assign(this, { seat, peerId, metadata, stats, events })
    this.#takeName()
    for (const address of seat.neighbors()) this.arrived(address)
  }

  /** Says goodbye to all. For the repository they are gone. */
  close () {
    this.#isClosed = true
    for (const neighbor of this.#all.values()) {
      this.#retract(neighbor)
      neighbor.close()
      if (neighbor.theirs) this.seat.send(neighbor.address, encodeBye(neighbor))
    }
    this.#all.clear()
    this.#pieces.clear()
  }

  // ---------------------------------------------------------------- links

  arrived (address) {
    if (this.#all.has(address)) return
    const neighbor = new Neighbor(address, () => this.#begin(neighbor))
    this.#all.set(address, neighbor)
    this.#begin(neighbor)
  }

  left (address) {
    const neighbor = this.#all.get(address)
    if (!neighbor) return
    this.#all.delete(address)
    this.#pieces.forget(address)
    neighbor.close()
    this.#retract(neighbor)
  }

  /** We go by another address: to everybody we are somebody else. */
  renamed () {
    for (const neighbor of this.#all.values()) this.#retract(neighbor)
    this.#takeName()
    for (const neighbor of this.#all.values()) this.#begin(neighbor)
  }

  #takeName () {
    this.#said = isAddress(this.peerId) ? this.seat.address : this.peerId
  }

  /** What is called so on links as the repository knows it, and the other way round. */
  #swapped (name) {
    if (name === this.peerId) return this.#said
    return name === this.#said ? this.peerId : name
  }

  /** A session with a neighbor, the first or another one. */
  #begin (neighbor) {
    this.#retract(neighbor)
    if (this.#isClosed) return
    neighbor.session = newSession(neighbor.session)
    this.#hello(neighbor)
  }

  async #hello (neighbor) {
    const { session, theirs } = neighbor
    neighbor.echoed = theirs?.session ?? 0
    const hello = { session, echo: neighbor.echoed, peerId: this.#said, metadata: this.metadata }
    if (await this.seat.send(neighbor.address, encodeHello(hello))) return
    // Who has no repository says nothing, and will say hello when it has one.
    if (this.#all.get(neighbor.address) === neighbor && neighbor.session === session && !neighbor.isPeer) this.#beginLater(neighbor)
  }

  #beginLater (neighbor) {
    neighbor.again.setOnce(about(Math.min(AGAIN_MS * 2 ** neighbor.failures++, AGAIN_MOST_MS)))
  }

  // ---------------------------------------------------------------- what comes

  receive (address, bytes, isDirect) {
    const neighbor = this.#all.get(address)
    // Its link may be seen there before it is seen here: when it is, we say hello, and so will it once more.
    if (!neighbor) return this.#drop('stranger')
    let packet
    try {
      if (!isDirect) throw new Error('what is said to one was said to all')
      packet = decode(bytes)
    } catch {
      return this.#drop('packet')
    }
    if (packet.name === 'hello') return this.#handleHello(neighbor, packet)
    // What is late, of a session that is over.
    if (packet.session !== neighbor.theirs?.session) return this.#drop('stranger')
    if (packet.name === 'bye') return this.#handleBye(neighbor)
    // The second copy of what came already.
    if (packet.number <= neighbor.heard) return
    if (packet.name === 'piece') this.#handlePiece(neighbor, packet)
    else this.#handlePacket(neighbor, packet)
  }

  #handleHello (neighbor, { session, echo, peerId, metadata }) {
    if (session === neighbor.ended) return
    if (peerId === this.#said || (isAddress(peerId) && peerId !== neighbor.address)) return this.#drop('peer')
    const isNew = session !== neighbor.theirs?.session
    if (isNew) {
      this.#retract(neighbor)
      this.#pieces.forget(neighbor.address)
      neighbor.theirs = { session, peerId: this.#swapped(peerId), metadata }
      neighbor.heard = 0
    }
    const isHeard = echo === neighbor.session
    if (!isHeard || neighbor.echoed !== session) this.#hello(neighbor)
    if (isHeard && !neighbor.isPeer) this.#announce(neighbor)
  }

  #handleBye (neighbor) {
    this.#retract(neighbor)
    neighbor.ended = neighbor.theirs.session
    neighbor.theirs = null
    neighbor.again.clear()
  }

  #handlePiece (neighbor, { number, index, count, bytes }) {
    let messages
    try {
      messages = this.#pieces.take(neighbor.address, { transfer: number, index, count, bytes })
    } catch {
      return this.#drop('piece')
    }
    if (messages) this.#handlePacket(neighbor, { number, messages })
  }

  #handlePacket (neighbor, { number, messages }) {
    neighbor.heard = number
    let decoded
    try {
      decoded = decodeMessages(messages)
    } catch {
      return this.#drop('packet')
    }
    for (const said of decoded) {
      // A listener may have ended it.
      if (!neighbor.isPeer) return this.#drop('stranger')
      const message = this.#renamed(said)
      if (!isMessage(message)) this.#drop('message')
      else if (message.targetId !== this.peerId || !isOf(message, { peerId: neighbor.theirs.peerId, own: this.peerId })) this.#drop('sender')
      else this.events.message(message)
    }
  }

  #drop (cause) {
    drop(this.stats, cause)
  }

  // ---------------------------------------------------------------- peers of the repository

  #announce (neighbor) {
    const { peerId, metadata } = neighbor.theirs
    if (this.#holders.has(peerId)) return this.#drop('peer')
    this.#holders.set(peerId, neighbor.address)
    neighbor.again.clear()
    neighbor.outbox = new Outbox(neighbor, bytes => this.seat.send(neighbor.address, bytes), {
      arrived: () => { neighbor.failures = 0 },
      failed: () => this.#fail(neighbor),
    })
    this.events.candidate({ peerId, peerMetadata: metadata })
  }

  #retract (neighbor) {
    if (!neighbor.isPeer) return
    const { peerId } = neighbor.theirs
    neighbor.outbox.close()
    neighbor.outbox = null
    this.#holders.delete(peerId)
    this.events.gone({ peerId })
    // It thinks that we know it, and may have said something already.
    const next = [...this.#all.values()].find(other => other !== neighbor && other.theirs?.peerId === peerId)
    if (next && !this.#isClosed) this.#begin(next)
  }

  /** Something did not arrive. */
  #fail (neighbor) {
    this.stats.restarts++
    this.#retract(neighbor)
    // From now on: it may say hello before we do.
    neighbor.session = newSession(neighbor.session)
    this.#beginLater(neighbor)
  }

  /** To a peer of the repository. Nothing, if it is gone. */
  send (message) {
    const address = this.#holders.get(message.targetId)
    this.#all.get(address)?.outbox.push(this.#renamed(message))
  }

  #renamed (message) {
    return { ...message, senderId: this.#swapped(message.senderId), targetId: this.#swapped(message.targetId) }
  }
}

class Neighbor {
  /** The number of what we say to it ... */
  session = 0
  /** ... and of the last packet. It goes on from session to session: the other end may still be in the one before. */
  number = 0
  /** What it said of itself: `{ session, peerId, metadata }`. */
  theirs = null
  /** The session of it that it knows that we know. */
  echoed = 0
  /** The last packet that was heard in its session. */
  heard = 0
  /** The session that it said goodbye to. */
  ended = 0
  /** There as long as it is a peer of the repository. */
  outbox = null
  failures = 0

  constructor (address, again) {
    this.address = address
    this.again = new Alarm(again)
  }

  get isPeer () {
    return this.outbox !== null
  }

  close () {
    this.again.clear()
    this.outbox?.close()
  }
}

/** Never 0, which is none. */
function newSession (before) {
  const session = 1 + Math.floor(Math.random() * 0xffffffff)
  return session === before ? newSession(before) : session
}
