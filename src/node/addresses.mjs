// Addresses as people read and type them: as few digits as tell one from another.

const SHORTEST = 6
/** How many of those who were heard are remembered besides those who are known now. */
const MOST_HEARD = 200

export class Addresses {
  #heard = new Set()

  constructor(easypeers) {
    this.easypeers = easypeers
  }

  /** Somebody spoke, and may be spoken of. */
  heard(address) {
    this.#heard.delete(address) // to be the last again
    this.#heard.add(address)
    if (this.#heard.size > MOST_HEARD) this.#heard.delete(this.#heard.values().next().value)
  }

  /** Another swarm: nobody has been heard there yet. */
  forget() {
    this.#heard.clear()
  }

  /** Everyone there is a name for, this peer as well. */
  all() {
    return new Set([...this.easypeers.peers, ...this.#heard, this.easypeers.address])
  }

  /** The first digits of an address, more where others begin with the same. */
  short(address) {
    let length = SHORTEST
    for (const other of this.all()) {
      while (other !== address && length < address.length && other.startsWith(address.slice(0, length))) length++
    }
    return address.slice(0, length)
  }

  /** The others whose addresses begin with `prefix`. */
  matching(prefix) {
    const wanted = prefix.toLowerCase()
    return [...this.all()].filter(address => address !== this.easypeers.address && address.startsWith(wanted)).sort()
  }
}
