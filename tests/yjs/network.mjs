// A network of stubs in virtual time: what a provider asks of Easypeers, and nothing else. Messages are lost, links break and
// swarms fall apart as a test wants it, and the same seed gives the same run.
import { mock } from 'node:test'

// Before anything is loaded that keeps the clock it finds.
mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] })
export const Y = await import('yjs')
export const { Awareness } = await import('y-protocols/awareness')
export const { assertEqual, edit, seeded } = await import('./edits.mjs')
export const { EasypeersProvider } = await import('../../src/yjs/index.mjs')

const LATENCY_MS = 20
/** Who sends to somebody who is not there hears of it after so long. */
const TIMEOUT_MS = 3_000
const STEP_MS = 20

/** Lets time go by. All that is due at a moment, promises too, is done before the next one. */
export async function pass (milliseconds) {
  for (let gone = 0; gone < milliseconds; gone += STEP_MS) {
    await settled()
    mock.timers.tick(STEP_MS)
  }
  await settled()
}

/** What is under way in this turn has come to its end. */
export const settled = () => new Promise(resolve => setImmediate(resolve))

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

  constructor (seed = 1) {
    this.random = seeded(seed)
    // What the provider throws its dice with.
    Math.random = this.random
  }

  peer () {
    const address = Array.from({ length: 40 }, () => this.random.below(16).toString(16)).join('')
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

  carry (from, to, message, isDirect) {
    this.log.push({ from, to, bytes: message })
    if (this.loses(from, to, message)) return false
    const copy = message instanceof Uint8Array ? message.slice() : message
    setTimeout(() => {
      if (to.closed) return
      this.received[isDirect ? 'direct' : 'broadcast']++
      this.received.bytes += copy.length
      to.emit('message', { message: copy, from: from.address, ...(isDirect ? { to: [to.address] } : {}) })
    }, this.latency())
    return true
  }
}

class Stub {
  closed = false
  #listeners = new Map()

  constructor (network, address) {
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

  send (to, message) {
    if (this.closed) throw new Error('closed')
    if (message === undefined) {
      for (const other of this.network.reach(this)) this.network.carry(this, other, to, false)
      return Promise.resolve({})
    }
    const other = this.network.peers.get(to)
    const carried = other && this.network.reach(this).includes(other) && this.network.carry(this, other, message, true)
    return new Promise((resolve, reject) => {
      setTimeout(() => carried ? resolve({}) : reject(new Error('unreachable')), carried ? 2 * LATENCY_MS : TIMEOUT_MS)
    })
  }

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

  close () {
    if (this.closed) return
    for (const other of this.network.neighbors(this)) this.network.unlink(this, other)
    this.network.peers.delete(this.address)
    this.closed = true
    this.emit('close')
  }
}

let made = 0
/** A document in a room, at a peer of its own. */
export function open (network, { room = 'room', easypeers = network.peer(), doc = new Y.Doc(), ...options } = {}) {
  doc.clientID = ++made
  const provider = new EasypeersProvider(room, doc, { easypeers, ...options })
  return { easypeers, doc, provider, awareness: provider.awareness, text: doc.getText('text') }
}

/** So many documents in a room, linked, and synced with each other. */
export async function crowd (network, count, options) {
  const all = Array.from({ length: count }, () => open(network, options))
  network.mesh(all.map(({ easypeers }) => easypeers))
  await pass(10_000)
  return all
}

/** After a test nothing goes on. */
export function closeAll (all) {
  for (const { doc } of all) doc.destroy()
}
