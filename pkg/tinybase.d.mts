// `resolution-mode`: TinyBase is for `import` alone, and Node takes it by `require` all the same.
import type { MergeableStore } from 'tinybase/mergeable-store' with { 'resolution-mode': 'import' }
import type { Receive, Send, Synchronizer } from 'tinybase/synchronizers' with { 'resolution-mode': 'import' }
import type Easypeers from 'easypeers'
import type { EasypeersOptions } from 'easypeers'

/**
 * Synchronizes a store with those of all pages that join the same swarm. It begins with `startSync`, and `destroy` ends it.
 * @throws TypeError, RangeError for an argument that is wrong; TypeError `ERR_IN_USE` when another store of this page has the channel;
 * whatever `new Easypeers` throws
 * @example const synchronizer = createEasypeersSynchronizer(createMergeableStore(), 'Some unique topic', { secret })
 */
export function createEasypeersSynchronizer (store: MergeableStore, topic: string, options?: SynchronizerOptions): EasypeersSynchronizer
/**
 * Shares an instance of Easypeers with whatever else the page does there; `destroy` does not close it.
 * @example const synchronizer = createEasypeersSynchronizer(store, easypeers, { channel: 'notes' })
 */
export function createEasypeersSynchronizer (store: MergeableStore, easypeers: Easypeers, options?: OwnOptions): EasypeersSynchronizer

/** A synchronizer of TinyBase over Easypeers. */
export interface EasypeersSynchronizer extends Synchronizer {
  /** The instance of Easypeers: the one given, or its own. @example synchronizer.getEasypeers().diagnose() */
  getEasypeers (): Easypeers
  /** Counters of what went over Easypeers. @example console.log(synchronizer.getEasypeersStats().dropped) */
  getEasypeersStats (): EasypeersSynchronizerStats
}

/** The options that are not of Easypeers. */
export interface OwnOptions {
  /** Sets this store apart from others on the same instance, or in the same swarm: at most 200 bytes. @example { channel: 'notes' } */
  channel?: string
  /** How long an answer is waited for, in seconds: 30. @example { requestTimeoutSeconds: 60 } */
  requestTimeoutSeconds?: number
  /** Called with each message that the synchronizer sends. @example { onSend: (to, request, message) => console.log(to, message) } */
  onSend?: Send
  /** Called with each message that it is given. @example { onReceive: (from, request, message) => console.log(from, message) } */
  onReceive?: Receive
  /** Called with each error that TinyBase would ignore. @example { onIgnoredError: console.error } */
  onIgnoredError?: (error: any) => void
}

/** What `createEasypeersSynchronizer` takes besides the store and the topic: all options of Easypeers but `identifier` and `address`, too. */
export interface SynchronizerOptions extends OwnOptions, Omit<EasypeersOptions, 'identifier' | 'address'> {}

/** Counters since it was made. */
export interface EasypeersSynchronizerStats {
  /** Messages of Easypeers sent, each once however many get it. @example stats.sent */
  sent: number
  /** Their bytes. @example stats.bytesSent */
  bytesSent: number
  /** Messages of Easypeers received. @example stats.received */
  received: number
  /** Their bytes. @example stats.bytesReceived */
  bytesReceived: number
  /**
   * What remotes sent that was dropped, by cause: `packet`, `piece`, `message` (means nothing), `answer` (to nothing that was asked, or late),
   * `unverified` (from an address that nothing proves).
   * @example stats.dropped.message
   */
  dropped: { [cause: string]: number }
}
