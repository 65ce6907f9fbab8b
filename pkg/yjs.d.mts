import type Easypeers from 'easypeers'
import type { EasypeersOptions } from 'easypeers'
import type { Awareness } from 'y-protocols/awareness'
import type { Doc } from 'yjs'

/**
 * A document of Yjs in a room: everybody who opens the same room has the same document. The provider is also the `origin` of
 * the transactions in which others' changes come in.
 */
export class EasypeersProvider {
  /**
   * Joins a room. Never blocks; what happens is told by events.
   * @throws TypeError, RangeError for an argument that is wrong; whatever `new Easypeers` throws
   * @example const provider = new EasypeersProvider('Some unique room', doc, { secret: 'correct horse battery staple' })
   */
  constructor (room: string, doc: Doc, options?: ProviderOptions)

  /** The room. @example provider.roomName */
  readonly roomName: string
  /** The document. @example provider.doc.getText('text') */
  readonly doc: Doc
  /** Who is there, and their cursors: the one given, or one made for it. @example provider.awareness.setLocalStateField('user', { name: 'Ada' }) */
  readonly awareness: Awareness
  /** The instance of Easypeers: the one given, or its own, `null` while that is disconnected. @example provider.easypeers?.diagnose() */
  readonly easypeers: Easypeers | null
  /** Whether it looks for others; nobody need be there. @example if (!provider.connected) provider.connect() */
  readonly connected: boolean
  /** The same as `connected`, as y-webrtc calls it. @example provider.shouldConnect */
  readonly shouldConnect: boolean
  /** Whether a peer has confirmed that all is here, or nobody was there to ask. @example if (provider.synced) show() */
  readonly synced: boolean
  /** Whether it is synced because nobody was there to ask for some seconds. @example if (provider.alone) hint('Nobody else is here') */
  readonly alone: boolean
  /** Resolves when it is synced for the first time; rejects when it is destroyed before. @example const { alone } = await provider.whenSynced */
  readonly whenSynced: Promise<{ alone: boolean }>
  /** Addresses of the peers that it is linked with. @example provider.peers.length */
  readonly peers: string[]

  /** Joins again after `disconnect`. @throws TypeError `ERR_CLOSED` when it is destroyed @example provider.connect() */
  connect (): void
  /** Leaves the room, and says goodbye; the document stays. @example provider.disconnect() */
  disconnect (): void
  /**
   * Leaves for good, also when the document is destroyed. An instance of Easypeers that was given stays, and so does an awareness
   * that was given. Calling it again does nothing.
   * @example useEffect(() => { const provider = new EasypeersProvider(room, doc); return provider.destroy }, [])
   */
  destroy (): void
  /** Counters since it joined. @example console.log(provider.stats().received) */
  stats (): ProviderStats

  /** Calls a function at every event of a kind. @example provider.on('synced', ({ synced, alone }) => {}) */
  on<E extends keyof ProviderEvents> (event: E, listener: (...args: ProviderEvents[E]) => void): this
  /** Calls a function at the next event of a kind. @example provider.once('peers', ({ added }) => {}) */
  once<E extends keyof ProviderEvents> (event: E, listener: (...args: ProviderEvents[E]) => void): this
  /** Takes a listener off. @example provider.off('status', listener) */
  off<E extends keyof ProviderEvents> (event: E, listener: (...args: ProviderEvents[E]) => void): this
}

/**
 * What `new EasypeersProvider` takes besides the room and the document: all options of Easypeers but `identifier` and `address`,
 * and those of y-webrtc, as far as they have a meaning here.
 */
export interface ProviderOptions extends Omit<EasypeersOptions, 'identifier' | 'address'> {
  /** An awareness of your own. @example { awareness: new Awareness(doc) } */
  awareness?: Awareness
  /**
   * An instance of Easypeers to share: several rooms in one swarm, with one set of links. Options of Easypeers are then said
   * where it is made.
   * @example { easypeers: new Easypeers('Some unique topic') }
   */
  easypeers?: Easypeers
  /** As with y-webrtc: taken as `secret`. @example { password: 'correct horse battery staple' } */
  password?: string | null
  /** As with y-webrtc: taken as `maxPeers`. @example { maxConns: 20 } */
  maxConns?: number
  /** Of y-webrtc: refused unless it is empty, for its servers are no trackers. @example { signaling: [] } */
  signaling?: string[]
  /** Of y-webrtc: changes nothing, for tabs of one browser are linked like other pages. @example { filterBcConns: true } */
  filterBcConns?: boolean
  /** Of y-webrtc: its `config` is taken as `rtcConfig`, anything else is refused. @example { peerOpts: { config: { iceServers: [] } } } */
  peerOpts?: { config?: EasypeersOptions['rtcConfig'] }
}

/** The events and the arguments of their listeners. */
export interface ProviderEvents {
  /** It looks for others now, or no more. @example provider.on('status', ({ connected }) => {}) */
  status: [event: { connected: boolean }]
  /** All is here now, as far as anybody is there to ask; or it is disconnected. @example provider.on('synced', ({ synced }) => {}) */
  synced: [event: { synced: boolean, alone: boolean }]
  /** Peers came or went that this one is linked with: `webrtcPeers` are all of them. @example provider.on('peers', ({ added }) => {}) */
  peers: [event: { added: string[], removed: string[], webrtcPeers: string[], bcPeers: string[] }]
}

/** Counters since it joined. */
export interface ProviderStats {
  /** Packets sent, each once however many get it. @example stats.sent */
  sent: number
  /** Their bytes. @example stats.bytesSent */
  bytesSent: number
  /** Packets received. @example stats.received */
  received: number
  /** Their bytes. @example stats.bytesReceived */
  bytesReceived: number
  /** How often it asked somebody for what was missing here. @example stats.pulls */
  pulls: number
  /** How often it told somebody what it has, to compare. @example stats.checks */
  checks: number
  /** What remotes sent that was dropped, by cause: `packet`, `update`, `vector`, `awareness`, `piece`. @example stats.dropped.update */
  dropped: { [cause: string]: number }
}
