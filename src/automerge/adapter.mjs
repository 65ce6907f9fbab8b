// What a page gives to its repository.
import { NetworkAdapter } from '@automerge/automerge-repo/slim'
import { Alarm } from '../common/alarm.mjs'
import { report } from '../common/errors.mjs'
import { newStats, Seat } from '../common/seat.mjs'
import { Swarm } from '../common/swarm.mjs'
import { Neighbors } from './neighbors.mjs'
import { CHANNEL } from './wire.mjs'

/** Without a peer for so long, the repository need not wait, and a document that it looks for is unavailable: an error, so better too long.
 *  With public trackers two pages meet in two or three seconds, busy ones with a secret in twice that. */
const ALONE_MS = 10_000

export class EasypeersNetworkAdapter extends NetworkAdapter {
  #swarm
  #easypeers
  #seat = null
  #neighbors = null
  #stats = { ...newStats(), restarts: 0 }
  #ready = newReady()
  #alone = new Alarm(() => this.#ready.settle())

  constructor (where, options) {
    super()
    this.#swarm = new Swarm(where, options, CHANNEL)
    // What is wrong with the options is told here, for of what `connect` throws the repository says nothing; and the page may name
    // its repository by the address.
    this.#easypeers = this.#swarm.join()
    this.#seat = this.#sit()
  }

  /** The instance of Easypeers, own or given; `null` while disconnected from an own one. */
  get easypeers () {
    return this.#easypeers
  }

  isReady () {
    return this.#ready.isSettled
  }

  whenReady () {
    return this.#ready.promise
  }

  connect (peerId, peerMetadata) {
    if (this.#neighbors && peerId === this.peerId) return
    if (this.#neighbors) this.#leave()
    if (!this.#easypeers || this.#easypeers.closed) this.#easypeers = this.#swarm.join()
    this.#seat ??= this.#sit()
    if (this.#ready.isSettled) this.#ready = newReady()
    // Whoever only connects again has the metadata that it had.
    this.peerMetadata = peerMetadata ?? this.peerMetadata ?? {}
    this.peerId = peerId
    this.#neighbors = new Neighbors({
      seat: this.#seat,
      peerId,
      metadata: this.peerMetadata,
      stats: this.#stats,
      events: {
        candidate: peer => {
          this.#emit('peer-candidate', peer)
          this.#ready.settle()
        },
        gone: peer => this.#emit('peer-disconnected', peer),
        message: message => this.#emit('message', message),
      },
    })
    this.#alone.set(ALONE_MS)
  }

  send (message) {
    this.#neighbors?.send(message)
  }

  disconnect () {
    this.#leave()
    if (this.#swarm.given) return
    this.#easypeers?.close()
    this.#easypeers = null
  }

  stats () {
    return { ...this.#stats, dropped: { ...this.#stats.dropped } }
  }

  #sit () {
    return new Seat(this.#easypeers, this.#swarm.channel, {
      stats: this.#stats,
      receive: (...packet) => this.#neighbors?.receive(...packet),
      arrived: address => this.#neighbors?.arrived(address),
      left: address => this.#neighbors?.left(address),
      renamed: () => this.#neighbors?.renamed(),
      closed: () => this.#closed(),
    })
  }

  #leave () {
    const [seat, neighbors] = [this.#seat, this.#neighbors]
    // Before the page hears of it: it may connect again at once.
    this.#seat = null
    this.#neighbors = null
    this.#alone.clear()
    neighbors?.close()
    seat?.close()
    // Nobody will come.
    this.#ready.settle()
  }

  /** The instance was closed by the page. */
  #closed () {
    this.#leave()
    if (this.#swarm.given) this.#emit('close')
    else this.#easypeers = null
  }

  /** What a listener of the page throws is the page's. */
  #emit (event, payload) {
    try {
      this.emit(event, payload)
    } catch (error) {
      report(error)
    }
  }
}

function newReady () {
  const ready = { isSettled: false }
  ready.promise = new Promise(resolve => {
    ready.settle = () => {
      ready.isSettled = true
      resolve()
    }
  })
  return ready
}
