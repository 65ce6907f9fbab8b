// `resolution-mode`: automerge-repo is for `import` alone, and Node takes it by `require` all the same.
import type { Message, NetworkAdapter, PeerId, PeerMetadata } from '@automerge/automerge-repo/slim' with { 'resolution-mode': 'import' }
import type Easypeers from 'easypeers'
import type { EasypeersOptions } from 'easypeers'

/**
 * Connects a repository of Automerge with those of all peers in a swarm: its neighbors there are the peers of the repository, which
 * passes on what others lack.
 */
export class EasypeersNetworkAdapter extends NetworkAdapter {
  /**
   * Joins the swarm of a topic. Never blocks; the repository connects it.
   * @throws TypeError, RangeError for an argument that is wrong; whatever `new Easypeers` throws; of an instance that is given, TypeError
   * `ERR_CLOSED` when it is closed, `ERR_IN_USE` when another repository of this page has the channel
   * @example const repo = new Repo({ network: [new EasypeersNetworkAdapter('Some unique topic', { secret })] })
   */
  constructor (topic: string, options?: AdapterOptions)
  /**
   * Shares an instance of Easypeers with whatever else the page does there; disconnecting does not close it.
   * @example const repo = new Repo({ network: [new EasypeersNetworkAdapter(easypeers, { channel: 'notes' })] })
   */
  constructor (easypeers: Easypeers, options?: Pick<AdapterOptions, 'channel'>)

  /**
   * The instance of Easypeers: the one given, or its own, `null` while that is disconnected. Its address may be the PeerId of the repository.
   * @example const repo = new Repo({ network: [adapter], peerId: adapter.easypeers?.address })
   */
  readonly easypeers: (Easypeers & { readonly address: PeerId }) | null
  /** Whether there is a peer, or has been none for ten seconds. @example adapter.isReady() */
  isReady (): boolean
  /** Resolves when it is ready: what the repository waits for before it calls a document unavailable. @example await adapter.whenReady() */
  whenReady (): Promise<void>
  /**
   * Begins, or begins again: the repository calls it.
   * @throws TypeError `ERR_IN_USE` when another repository of this page has the channel, `ERR_CLOSED` when the instance is closed
   * @example adapter.connect(repo.networkSubsystem.peerId)
   */
  connect (peerId: PeerId, peerMetadata?: PeerMetadata): void
  /** Sends to a peer: the repository calls it. @example adapter.send(message) */
  send (message: Message): void
  /** Leaves, and says goodbye; an instance that was given stays. @example adapter.disconnect() */
  disconnect (): void
  /** Counters since it was made. @example console.log(adapter.stats().dropped) */
  stats (): AdapterStats
}

/** What `new EasypeersNetworkAdapter` takes besides the topic: all options of Easypeers but `identifier` and `address`. */
export interface AdapterOptions extends Omit<EasypeersOptions, 'identifier' | 'address'> {
  /** Sets this repository apart from others on the same instance, or in the same swarm: at most 200 bytes. @example { channel: 'notes' } */
  channel?: string
}

/** Counters since it was made. */
export interface AdapterStats {
  /** Messages of Easypeers sent to neighbors, each with one or several of the repository, or with a part of one. @example stats.sent */
  sent: number
  /** Their bytes. @example stats.bytesSent */
  bytesSent: number
  /** Messages of Easypeers received. @example stats.received */
  received: number
  /** Their bytes. @example stats.bytesReceived */
  bytesReceived: number
  /** How often something did not arrive, and both ends began anew. @example stats.restarts */
  restarts: number
  /**
   * What remotes sent that was dropped, by cause: `packet`, `piece`, `message` (means nothing), `sender` (in another's name), `peer` (a PeerId that
   * is another's), `stranger` (from no peer, or late), `unverified` (from an address that nothing proves).
   * @example stats.dropped.sender
   */
  dropped: { [cause: string]: number }
}
