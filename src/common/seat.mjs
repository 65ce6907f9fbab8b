// A channel on an instance of Easypeers, and who is one link away: what an adapter sees of a swarm, and all that it may do in it.

const taken = new WeakMap()

export class Seat {
  #channel
  #listeners
  isClosed = false

  /**
   * @param owner is told by `receive(from, bytes, isDirect)`, `arrived(address)`, `left(address)`, `renamed()` and `closed()`, and
   * counts in `stats`
   * @throws when somebody of this page has that channel of the instance: two of one address could not be told apart
   */
  constructor (easypeers, name, owner) {
    const names = taken.get(easypeers) ?? new Set()
    if (names.has(name)) {
      throw Object.assign(new TypeError(`the instance has a '${name}' already: close that, or give this one a \`channel\` of its own`), { code: 'ERR_IN_USE' })
    }
    taken.set(easypeers, names.add(name))
    Object.assign(this, { easypeers, name, owner })
    this.#listeners = {
      connect: address => owner.arrived(address),
      disconnect: address => owner.left(address),
      address: () => owner.renamed(),
      close: () => owner.closed(),
    }
    this.#channel = easypeers.channel(name).on('message', data => this.#receive(data))
    for (const [event, listener] of Object.entries(this.#listeners)) easypeers.on(event, listener)
  }

  get address () {
    return this.easypeers.address
  }

  /** Addresses of the neighbors. */
  neighbors () {
    return this.isClosed || this.easypeers.closed ? [] : Object.keys(this.easypeers.wires)
  }

  /** Resolves to whether it has arrived. Why it has not is nothing that a page could mend. */
  send (address, bytes) {
    return this.#count(bytes, () => this.#channel.send(address, bytes))
  }

  /** To everyone. Without a neighbor it would be held, and whoever comes is told anyway. Resolves to whether it has gone out. */
  async broadcast (bytes) {
    return this.neighbors().length > 0 && this.#count(bytes, () => this.#channel.send(bytes))
  }

  close () {
    if (this.isClosed) return
    this.isClosed = true
    taken.get(this.easypeers).delete(this.name)
    this.#channel.close()
    for (const [event, listener] of Object.entries(this.#listeners)) this.easypeers.off(event, listener)
  }

  async #count (bytes, send) {
    if (this.isClosed) return false
    const { stats } = this.owner
    stats.sent++
    stats.bytesSent += bytes.length
    try {
      await send()
      return true
    } catch {
      return false
    }
  }

  #receive ({ message, from, to, verified }) {
    const { stats } = this.owner
    stats.received++
    // Who says an address that nothing proves may be anybody, and nobody could write back.
    if (!verified) return drop(stats, 'unverified')
    if (!(message instanceof Uint8Array)) return drop(stats, 'packet')
    stats.bytesReceived += message.length
    this.owner.receive(from, message, to !== undefined)
  }
}

/** Counters of what went and came. */
export function newStats () {
  return { sent: 0, bytesSent: 0, received: 0, bytesReceived: 0, dropped: {} }
}

/** Counts what a remote said that means nothing. */
export function drop (stats, cause) {
  stats.dropped[cause] = (stats.dropped[cause] ?? 0) + 1
}
