// What a page makes: a document in a room.
import Easypeers from 'easypeers'
import { Awareness } from 'y-protocols/awareness'
import { Events } from './events.mjs'
import { readOptions } from './options.mjs'
import { Room } from './room.mjs'

export class EasypeersProvider extends Events {
  #own
  #given
  #ownsAwareness
  #room = null
  #settle
  #isDestroyed = false

  constructor (roomName, doc, options) {
    super()
    const { awareness, easypeers, own } = readOptions(roomName, doc, options)
    this.roomName = roomName
    this.doc = doc
    this.#given = easypeers
    this.#own = own
    /** The instance of Easypeers, own or given; `null` while disconnected from an own one. */
    this.easypeers = easypeers ?? null
    this.#ownsAwareness = !awareness
    // Before anything is listened to: what is wrong with the options is told here.
    const instance = easypeers ?? new Easypeers(roomName, own)
    this.awareness = awareness ?? newAwareness(doc)
    this.whenSynced = new Promise((resolve, reject) => { this.#settle = { resolve, reject } })
    // Who does not wait for it need not hear that it will not be.
    this.whenSynced.catch(() => {})
    this.destroy = this.destroy.bind(this)
    this.handleHide = () => this.#room?.goodbye()
    this.handleShow = ({ persisted }) => { if (persisted) this.#room?.people.welcomeBack() }
    doc.on('destroy', this.destroy)
    this.#enter(instance)
  }

  /** Whether it looks for others. Nobody need be there. */
  get connected () {
    return this.#room !== null
  }

  get shouldConnect () {
    return this.connected
  }

  get synced () {
    return this.#room?.document.isSynced ?? false
  }

  /** Whether it is synced because nobody was there to ask. */
  get alone () {
    return this.#room?.document.isAlone ?? false
  }

  /** Addresses of the neighbors. */
  get peers () {
    return this.#room?.neighbors() ?? []
  }

  stats () {
    const { dropped, ...counters } = this.#room?.stats ?? { dropped: {} }
    return { sent: 0, bytesSent: 0, received: 0, bytesReceived: 0, pulls: 0, checks: 0, ...counters, dropped: { ...dropped } }
  }

  connect () {
    if (this.#isDestroyed) throw Object.assign(new TypeError('this provider is destroyed: make another one'), { code: 'ERR_CLOSED' })
    if (this.#room) return
    if (this.#given?.closed) throw Object.assign(new TypeError('the instance that was given as `easypeers` is closed'), { code: 'ERR_CLOSED' })
    this.#enter(this.#given ?? new Easypeers(this.roomName, this.#own))
  }

  disconnect () {
    const room = this.#room
    if (!room) return
    const wasSynced = this.synced
    room.close()
    this.#room = null
    this.#listenToPage('removeEventListener')
    if (!this.#given) {
      // What was said before still gets out.
      this.easypeers.close()
      this.easypeers = null
    }
    this.emit('status', [{ connected: false }])
    if (wasSynced) this.#tellSynced(false, false)
  }

  destroy () {
    if (this.#isDestroyed) return
    this.#isDestroyed = true
    this.doc.off('destroy', this.destroy)
    this.disconnect()
    if (this.#ownsAwareness) this.awareness.destroy()
    this.#settle.reject(Object.assign(new Error('the provider was destroyed before its document was synced'), { code: 'ERR_CLOSED' }))
    this.removeAllListeners()
  }

  #enter (easypeers) {
    this.easypeers = easypeers
    const room = new Room({
      easypeers,
      name: this.roomName,
      doc: this.doc,
      awareness: this.awareness,
      origin: this,
      events: {
        synced: alone => this.#tellSynced(true, alone),
        arrived: address => this.#tellPeers([address], []),
        left: address => this.#tellPeers([], [address]),
        closed: () => this.disconnect(),
      },
    })
    this.#room = room
    this.#listenToPage('addEventListener')
    // The line after the constructor may listen.
    queueMicrotask(() => { if (this.#room === room) this.emit('status', [{ connected: true }]) })
  }

  #listenToPage (method) {
    if (typeof window === 'undefined') return
    window[method]?.('pagehide', this.handleHide)
    window[method]?.('pageshow', this.handleShow)
  }

  #tellSynced (synced, alone) {
    this.emit('synced', [{ synced, alone }])
    // What `doc.isSynced` and `doc.whenSynced` go by.
    this.doc.emit('sync', [synced, this.doc])
    if (synced) this.#settle.resolve({ alone })
  }

  #tellPeers (added, removed) {
    const peers = this.peers
    this.emit('peers', [{ added, removed, webrtcPeers: peers, bcPeers: [] }])
  }
}

/** An awareness that ends with the provider. By itself it listens for the end of its document, and for good: a document that outlives
 *  many providers would keep them all. */
function newAwareness (doc) {
  const awareness = new Awareness(Object.create(doc, { on: { value: () => {} } }))
  awareness.doc = doc
  return awareness
}
