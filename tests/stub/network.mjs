// A network of stubs: what the adapters ask of Easypeers, and nothing else. Messages are lost, links break and swarms fall apart as a
// test wants it, and the same seed gives the same run.
import { seeded } from './random.mjs'

/** How long a message takes, and its acknowledgement, unless a test wants it otherwise. */
const LATENCY_MS = 20
/** Who sends to somebody who is not there hears of it after so long. */
const TIMEOUT_MS = 3_000

/** Without a latency in this turn, before whatever waits for a time. */
const later = (act, milliseconds) => milliseconds > 0 ? setTimeout(act, milliseconds) : queueMicrotask(act)

/** Swarms of stubs. */
export class Network {
  peers = new Map()
  links = new Set()
  /** Messages that were taken by somebody, and their bytes. */
  received = { broadcast: 0, direct: 0, bytes: 0 }
  /** Everything that was sent, oldest first: { from, to, bytes }. */
  log = []
  /** How long a message takes. */
  latency = () => LATENCY_MS
  /** Whether a message from one to another is lost. */
  loses = () => false

  /** @param random the dice, by `seeded` */
  constructor (random = seeded(1)) {
    this.random = random
  }

  #address () {
    return Array.from({ length: 40 }, () => this.random.below(16).toString(16)).join('')
  }

  peer () {
    const address = this.#address()
    const easypeers = new Stub(this, address)
    this.peers.set(address, easypeers)
    return easypeers
  }

  isLinked (a, b) {
    return this.links.has([a.address, b.address].sort().join())
  }

  link (a, b) {
    if (a === b || this.isLinked(a, b)) return
    this.links.add([a.address, b.address].sort().join())
    a.emit('connect', b.address)
    b.emit('connect', a.address)
  }

  unlink (a, b) {
    if (!this.links.delete([a.address, b.address].sort().join())) return
    a.emit('disconnect', b.address)
    b.emit('disconnect', a.address)
  }

  neighbors (peer) {
    return [...this.peers.values()].filter(other => other !== peer && this.isLinked(peer, other))
  }

  /** Everybody that a message gets to over links. */
  reach (peer) {
    const seen = new Set([peer])
    for (const one of seen) for (const next of this.neighbors(one)) seen.add(next)
    seen.delete(peer)
    return [...seen]
  }

  /** A ring, and as many long links, over these. */
  mesh (peers) {
    for (const [i, peer] of peers.entries()) {
      this.link(peer, peers[(i + 1) % peers.length])
      this.link(peer, this.random.pick(peers))
    }
  }

  /** It is gone without a word. */
  crash (peer) {
    for (const other of this.neighbors(peer)) {
      this.links.delete([peer.address, other.address].sort().join())
      other.emit('disconnect', peer.address)
    }
    this.peers.delete(peer.address)
    peer.closed = true
  }

  /** It goes by another address from now on: it leaves all links, and nobody is told who it was. */
  rename (peer, address = this.#address()) {
    const before = peer.address
    const others = this.neighbors(peer)
    this.peers.delete(before)
    for (const other of others) this.links.delete([before, other.address].sort().join())
    peer.address = address
    this.peers.set(address, peer)
    for (const other of others) {
      peer.emit('disconnect', other.address)
      other.emit('disconnect', before)
    }
    peer.emit('address', address)
    return address
  }

  /** How long it takes; nothing if it is lost. */
  carry (from, to, message, isDirect, channel) {
    this.log.push({ from, to, bytes: message, channel })
    if (this.loses(from, to, message)) return null
    const latency = this.latency()
    const copy = message instanceof Uint8Array ? message.slice() : message
    later(() => {
      if (to.closed) return
      this.received[isDirect ? 'direct' : 'broadcast']++
      this.received.bytes += copy.length
      to.hear({ message: copy, from: from.address, verified: true, ...(isDirect ? { to: [to.address] } : {}) }, channel)
    }, latency)
    return latency
  }
}

/** What emits, as an instance and a channel do. */
class Emitter {
  #listeners = new Map()

  on (event, listener) {
    this.#listeners.set(event, [...this.#listeners.get(event) ?? [], listener])
    return this
  }

  off (event, listener) {
    this.#listeners.set(event, (this.#listeners.get(event) ?? []).filter(one => one !== listener))
    return this
  }

  listenerCount (event) {
    return this.#listeners.get(event)?.length ?? 0
  }

  emit (event, ...args) {
    for (const listener of this.#listeners.get(event) ?? []) listener(...args)
  }
}

/** An instance of Easypeers. */
class Stub extends Emitter {
  closed = false
  channels = new Set()

  constructor (network, address) {
    super()
    Object.assign(this, { network, address })
  }

  get wires () {
    return Object.fromEntries(this.network.neighbors(this).map(({ address }) => [address, { address }]))
  }

  get wireCount () {
    return this.network.neighbors(this).length
  }

  get peers () {
    return this.network.reach(this).map(({ address }) => address)
  }

  get peerCount () {
    return this.peers.length
  }

  channel (name) {
    return new Channel(this, name)
  }

  hear (data, name) {
    if (name === undefined) this.emit('message', data)
    for (const channel of [...this.channels]) if (channel.name === name) channel.emit('message', data)
  }

  send (...args) {
    return this.say(args)
  }

  say ([to, message], channel) {
    if (this.closed) throw new Error('closed')
    if (message === undefined) {
      for (const other of this.network.reach(this)) this.network.carry(this, other, to, false, channel)
      return Promise.resolve({})
    }
    const other = this.network.peers.get(to)
    const carried = other && this.network.reach(this).includes(other) ? this.network.carry(this, other, message, true, channel) : null
    return new Promise((resolve, reject) => {
      if (carried === null) setTimeout(() => reject(new Error('unreachable')), TIMEOUT_MS)
      else later(() => resolve({}), carried + this.network.latency())
    })
  }

  close () {
    if (this.closed) return
    for (const other of this.network.neighbors(this)) this.network.unlink(this, other)
    this.network.peers.delete(this.address)
    this.closed = true
    for (const channel of [...this.channels]) channel.close()
    this.emit('close')
  }
}

class Channel extends Emitter {
  closed = false

  constructor (peer, name) {
    super()
    Object.assign(this, { peer, name })
    peer.channels.add(this)
  }

  send (...args) {
    if (this.closed) throw new Error('closed')
    return this.peer.say(args, this.name)
  }

  close () {
    this.closed = true
    this.peer.channels.delete(this)
  }
}
