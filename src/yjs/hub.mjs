// One instance of Easypeers for several rooms of a page.
//
// Every room has a seat here. All talk in one channel, and a message goes to the seats of its room; what is of no room here is
// somebody else's. Two seats of one room hear each other, too, though a peer does not hear itself: each is to the other a
// neighbor, with the address that both have.
import { CHANNEL, encodePacket, openPacket } from './wire.mjs'

const hubs = new WeakMap()

/** Takes a seat. `seat` is told by `receive(from, bytes)`, `arrived(address)`, `left(address)`, `renamed()`, `closed()`. */
export function takeSeat (easypeers, room, seat) {
  if (!hubs.has(easypeers)) hubs.set(easypeers, new Hub(easypeers))
  return hubs.get(easypeers).take(room, seat)
}

class Hub {
  /** The seats of each room. */
  rooms = new Map()
  /** Open while there are any. */
  channel = null

  constructor (easypeers) {
    this.easypeers = easypeers
    this.listeners = {
      connect: address => this.tell(seat => seat.arrived(address)),
      disconnect: address => this.tell(seat => seat.left(address)),
      address: () => this.tell(seat => seat.renamed()),
      close: () => this.tell(seat => seat.closed()),
    }
  }

  take (room, seat) {
    if (this.rooms.size === 0) this.open()
    const seats = this.rooms.get(room) ?? new Set()
    this.rooms.set(room, seats)
    const before = [...seats]
    seats.add(seat)
    const { address } = this.easypeers
    queueMicrotask(() => {
      if (before.some(other => seats.has(other))) seat.arrived(address)
    })
    return new Seat(this, room, seat)
  }

  leave (room, seat) {
    const seats = this.rooms.get(room)
    if (!seats?.delete(seat) || seats.size > 0) return
    this.rooms.delete(room)
    if (this.rooms.size === 0) this.close()
  }

  open () {
    this.channel = this.easypeers.channel(CHANNEL).on('message', ({ message, from }) => this.handle(message, from))
    for (const [event, listener] of Object.entries(this.listeners)) this.easypeers.on(event, listener)
  }

  close () {
    this.channel.close()
    for (const [event, listener] of Object.entries(this.listeners)) this.easypeers.off(event, listener)
  }

  handle (message, from) {
    let packet
    try {
      packet = openPacket(message)
    } catch {
      // Nobody can say whose it was.
      return
    }
    for (const seat of [...this.rooms.get(packet.room) ?? []]) seat.receive(from, packet.bytes)
  }

  tell (say) {
    for (const seats of [...this.rooms.values()]) for (const seat of [...seats]) say(seat)
  }

  others (room, seat) {
    return [...this.rooms.get(room) ?? []].filter(other => other !== seat)
  }
}

/** What a room may do with the swarm. */
class Seat {
  constructor (hub, room, seat) {
    Object.assign(this, { hub, room, seat, easypeers: hub.easypeers })
  }

  get address () {
    return this.easypeers.address
  }

  /** Who is one link away, and the same address for another seat of this room. */
  neighbors () {
    const own = this.hub.others(this.room, this.seat).length > 0 ? [this.address] : []
    return this.easypeers.closed ? own : [...own, ...Object.keys(this.easypeers.wires)]
  }

  /** Whether anybody hears a broadcast. Without a neighbor it would be held, and whoever comes asks for all anyway. */
  get isHeard () {
    return this.hub.others(this.room, this.seat).length > 0 || (!this.easypeers.closed && this.easypeers.wireCount > 0)
  }

  /** @returns {PromiseLike} of when it has gone out; rejects if it cannot be sent */
  async broadcast (messages) {
    const packet = encodePacket(this.room, messages)
    this.pass(packet)
    if (!this.easypeers.closed && this.easypeers.wireCount > 0) await this.hub.channel.send(packet)
    return packet.length
  }

  /** @returns {PromiseLike} of when it has arrived; rejects if it has not */
  async send (address, messages) {
    const packet = encodePacket(this.room, messages)
    if (address === this.address) this.pass(packet)
    else await this.hub.channel.send(address, packet)
    return packet.length
  }

  /** To the other seats of this room, when what goes on now has come to its end. */
  pass (packet) {
    const { address } = this
    queueMicrotask(() => {
      for (const other of this.hub.others(this.room, this.seat)) other.receive(address, openPacket(packet).bytes)
    })
  }

  leave () {
    this.hub.leave(this.room, this.seat)
  }
}
