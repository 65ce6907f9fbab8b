// Made from src/web/types.d.ts by `npm run build`.
/// <reference lib="esnext.disposable" />

/** One peer of one swarm: everybody who constructs it with the same topic finds each other. */
export default class Easypeers {
  /**
   * Joins the swarm of a topic. Never blocks; what happens is told by events.
   * @throws TypeError, RangeError for an argument that is wrong; EasypeersError `ERR_NO_WEBRTC` where there is no WebRTC, or one
   * that something blocks.
   * @example const easypeers = new Easypeers('Some unique topic', { maxPeers: 6 })
   */
  constructor (topic: string, options?: EasypeersOptions)
  /**
   * The same, with the topic among the options.
   * @example const easypeers = new Easypeers({ identifier: 'Some unique topic' })
   */
  constructor (options: EasypeersOptions & { identifier: string })

  /**
   * Makes a secret for the `identity` option: 64 hexadecimal digits. Keep it, and the address stays the same.
   * @example localStorage.identity ??= Easypeers.createIdentity()
   */
  static createIdentity (): string
  /**
   * The class of the errors that have no class of the language.
   * @example error instanceof Easypeers.EasypeersError
   */
  static readonly EasypeersError: typeof EasypeersError
  /**
   * The class of the errors that a `Delivery` rejects with.
   * @example error instanceof Easypeers.DeliveryError
   */
  static readonly DeliveryError: typeof DeliveryError
  /**
   * The class of the errors that a request rejects with when it arrived, but has no answer.
   * @example error instanceof Easypeers.RequestError
   */
  static readonly RequestError: typeof RequestError
  /**
   * The class of the errors that `send` and setters throw after `close`.
   * @example error instanceof Easypeers.ClosedError
   */
  static readonly ClosedError: typeof ClosedError

  /**
   * Sends to all peers of the swarm, each exactly once. Before the first neighbor is there, it is held: who awaits that waits as
   * long as the page is alone, for good if nobody ever comes. The form below with a `timeout` or a `signal` does not.
   * @throws TypeError for what cannot be sent, RangeError `ERR_MESSAGE_TOO_LARGE`, `ERR_HELD_FULL`, or `ERR_OUT_OF_RANGE` for what is
   * nested too deep, ClosedError; whatever a getter or `toJSON` of the message throws
   * @example easypeers.send({ hello: 'everyone', file: new Uint8Array(3), at: new Date() })
   */
  send (message: Sendable): Delivery
  /**
   * Sends to one peer, over the mesh; nobody else can read it. The promise resolves on its signed acknowledgement.
   * The address is one that its owner's key proves: the default. For an address that somebody set, see `SendOptions`.
   * @throws TypeError for what cannot be sent, RangeError `ERR_MESSAGE_TOO_LARGE` or `ERR_HELD_FULL`, ClosedError
   * @example const { hops, rtt } = await easypeers.send(address, 'only you')
   */
  send (address: string, message: Sendable, options?: SendOptions): Delivery
  /**
   * Sends with options to everyone. They must be there: `null` alone is an address that was not found, and refused.
   * @throws TypeError for what cannot be sent, RangeError `ERR_MESSAGE_TOO_LARGE` or `ERR_HELD_FULL`, ClosedError
   * @example await easypeers.send(null, 'anybody there?', { timeout: 10_000 })
   */
  send (everyone: null, message: Sendable, options: SendOptions): Delivery
  /**
   * Asks one peer, and promises its answer: what its listener of `request` responds with. Both ways are direct messages, sealed and
   * acknowledged. Without a `timeout` an answer is waited for 30 seconds, the first neighbor's coming included.
   * The promise rejects with a `RequestError` when the request arrived and has no answer, with a `DeliveryError` when it did
   * not arrive or was taken back by its `signal`, with a `ClosedError` when this peer leaves.
   * @throws as `send` does
   * @example const { price } = await easypeers.request(address, { article: 7 }, { timeout: 5_000 })
   */
  request<Answer = any> (address: string, message: Sendable, options?: SendOptions): Promise<Answer>

  /**
   * Opens a channel: messages and requests of this name only, on the same links. Whoever opens it under the same name in the same
   * swarm hears them; all others pass them on and look at nothing. A channel costs no link, and may be opened more than once in a
   * page: each is closed by itself, and all of them with the instance.
   * @param name at most 255 bytes in UTF-8
   * @throws TypeError for what is no name, RangeError for one that is too long, ClosedError
   * @example const cursors = easypeers.channel('cursors').on('message', ({ from, message }) => draw(from, message))
   */
  channel (name: string): Channel

  /**
   * Calls a function at every event of a kind.
   * @example easypeers.on('message', ({ message, from }) => console.log(from, message))
   */
  on<E extends keyof EasypeersEvents> (event: E, listener: (...args: EasypeersEvents[E]) => void): this
  on<E extends string | symbol> (event: Own<E>, listener: (...args: any[]) => void): this
  /**
   * Calls a function at the next event of a kind.
   * @example easypeers.once('connect', address => console.log('first neighbor', address))
   */
  once<E extends keyof EasypeersEvents> (event: E, listener: (...args: EasypeersEvents[E]) => void): this
  once<E extends string | symbol> (event: Own<E>, listener: (...args: any[]) => void): this
  /**
   * Takes a listener off; without one, all of that event.
   * @example easypeers.off('message', listener)
   */
  off<E extends keyof EasypeersEvents> (event: E, listener: (...args: EasypeersEvents[E]) => void): this
  off<E extends string | symbol> (event: Own<E>, listener: (...args: any[]) => void): this
  off (event: string | symbol): this
  /**
   * The same as `on`.
   * @example easypeers.addListener('disconnect', address => console.log(address))
   */
  addListener<E extends keyof EasypeersEvents> (event: E, listener: (...args: EasypeersEvents[E]) => void): this
  addListener<E extends string | symbol> (event: Own<E>, listener: (...args: any[]) => void): this
  /**
   * The same as `off`.
   * @example easypeers.removeListener('message', listener)
   */
  removeListener<E extends keyof EasypeersEvents> (event: E, listener: (...args: EasypeersEvents[E]) => void): this
  removeListener<E extends string | symbol> (event: Own<E>, listener: (...args: any[]) => void): this
  /**
   * Takes all listeners off, of one event or of all.
   * @example easypeers.removeAllListeners('message')
   */
  removeAllListeners (event?: string | symbol): this
  /**
   * Calls the listeners of an event, of Easypeers or of your own, and tells whether there were any.
   * @example easypeers.emit('score', 3)
   */
  emit<E extends keyof EasypeersEvents> (event: E, ...args: EasypeersEvents[E]): boolean
  emit<E extends string | symbol> (event: Own<E>, ...args: any[]): boolean
  /**
   * How many listeners an event has.
   * @example easypeers.listenerCount('message') // 1
   */
  listenerCount (event: string | symbol): number
  /**
   * The same as `on`, but before all that are there.
   * @example easypeers.prependListener('message', ({ message }) => console.log('first:', message))
   */
  prependListener<E extends keyof EasypeersEvents> (event: E, listener: (...args: EasypeersEvents[E]) => void): this
  prependListener<E extends string | symbol> (event: Own<E>, listener: (...args: any[]) => void): this
  /**
   * The same as `once`, but before all that are there.
   * @example easypeers.prependOnceListener('connect', address => console.log('first of all:', address))
   */
  prependOnceListener<E extends keyof EasypeersEvents> (event: E, listener: (...args: EasypeersEvents[E]) => void): this
  prependOnceListener<E extends string | symbol> (event: Own<E>, listener: (...args: any[]) => void): this
  /**
   * The events that have a listener, in the order of their first.
   * @example easypeers.eventNames() // ['connect', 'message']
   */
  eventNames (): (string | symbol)[]
  /**
   * The listeners of an event, in their order.
   * @example easypeers.listeners('message').length // 1
   */
  listeners (event: string | symbol): ((...args: any[]) => void)[]
  /**
   * The same as `listeners`: those of `once` are not wrapped here.
   * @example easypeers.rawListeners('message').length // 1
   */
  rawListeners (event: string | symbol): ((...args: any[]) => void)[]
  /**
   * Does nothing, for what expects an emitter of Node: there is no limit.
   * @example easypeers.setMaxListeners(0)
   */
  setMaxListeners (count: number): this

  /**
   * Leaves the swarm: what was sent before gets out, within two seconds; then the neighbors are told, and all is closed
   * and freed. `closed` is true from this call on, and the event `close` comes at the end. Calling it again does nothing.
   * @example easypeers.close()
   */
  close (): void
  /**
   * The same as `close`.
   * @example easypeers.destroy()
   */
  destroy (): void
  /**
   * The same as `close`, for explicit resource management.
   * @example using easypeers = new Easypeers('Some unique topic')
   */
  [Symbol.dispose] (): void
  /**
   * Whether it is closed. Then `send` and setters throw `ClosedError`, getters still answer, and after the event `close`
   * listeners can neither be added nor need to be removed: `on`, `off` and the like do nothing.
   * @example if (!easypeers.closed) easypeers.send('still here')
   */
  readonly closed: boolean
  /**
   * A promise of the first neighbor's address; it rejects with `ClosedError` when closed before.
   * @example const neighbor = await easypeers.ready
   */
  readonly ready: Promise<string>

  /**
   * The swarm: SHA-1 of `easypeers-` and the topic, 40 hexadecimal digits. Setting it leaves and joins another.
   * @example console.log(easypeers.identifier)
   */
  identifier: string
  /**
   * This peer's address, 40 hexadecimal digits; by default SHA-1 of its public key. Setting another rejoins under
   * it, and its messages then arrive with `verified: false`.
   * @example console.log(easypeers.address)
   */
  address: string
  /**
   * Most connections this peer keeps, from 2 to 64. Lowering it hands connections over.
   * @example easypeers.maxPeers = 4
   */
  maxPeers: number
  /**
   * Share of its links that this peer uses when it forwards a broadcast, above 0 and at most 1.
   * @example easypeers.coverage = 1
   */
  coverage: number
  /**
   * Longest time between two announces while there is room for more links, in milliseconds.
   * @example easypeers.timeout = 60_000
   */
  timeout: number

  /**
   * Neighbors connected now.
   * @example console.log(easypeers.wireCount)
   */
  readonly wireCount: number
  /**
   * Peers of the swarm known now: neighbors and those heard of lately.
   * @example console.log(easypeers.peerCount)
   */
  readonly peerCount: number
  /**
   * The neighbors, by address.
   * @example for (const { address, rtt } of Object.values(easypeers.wires)) console.log(address, rtt)
   */
  readonly wires: { [address: string]: Wire }
  /**
   * Addresses of the peers known now.
   * @example easypeers.peers.forEach(address => easypeers.send(address, 'hello'))
   */
  readonly peers: string[]

  /**
   * The trackers in use, and how each does; reserves among them only while none of the others answers.
   * @example console.table(easypeers.trackers)
   */
  readonly trackers: TrackerStatus[]
  /**
   * Adds a tracker; one that is there already, however it is spelled, stays as it is.
   * @example easypeers.addTracker('wss://tracker.example')
   */
  addTracker (url: string): void
  /**
   * Takes leave of a tracker, however its URL is spelled; connections made by it stay.
   * @example easypeers.removeTracker('wss://tracker.example')
   */
  removeTracker (url: string): void

  /**
   * What this page says of itself, known to all in swarms of up to some 200 peers and to the neighbors in larger ones, newcomers
   * included, until it changes or this peer is gone: a name, a cursor. At most 1024 bytes, as a message has them. Set it as often as
   * you like: it goes out at most ten times a second, the last one counts. `null` and `undefined` for nothing. What is read is a copy.
   * @throws TypeError for what cannot be sent, RangeError `ERR_MESSAGE_TOO_LARGE`, ClosedError
   * @example easypeers.presence = { name: 'Ada' }
   */
  get presence (): any
  set presence (state: Sendable | null | undefined)
  /**
   * What each other peer says of itself, by address, as far as it says anything. Where somebody merely claims an address, its owner's
   * word counts.
   * @example const names = Object.values(easypeers.presences).map(({ name }) => name)
   */
  readonly presences: { [address: string]: any }

  /**
   * How many peers there are in the swarm, this one among them: counted where this peer sees all of it, else estimated from how close
   * those that it sees are to each other on the ring. Half of such estimates are within 10 percent, and 19 of 20 within 30. Alone, and
   * before the first neighbor, it is 1. Neighbors may say of theirs what they like: it is for people to look at.
   * @example const { peers, low, high } = easypeers.estimate()
   */
  estimate (): Estimate
  /**
   * What this peer knows of the mesh, for a map.
   * @example const { nodes, links } = easypeers.topology()
   */
  topology (): Topology
  /**
   * Counters since it joined.
   * @example console.log(easypeers.stats().delivered)
   */
  stats (): Stats
  /**
   * Says why peers do or do not connect, in words and as plain data: at once if there is a neighbor, else as soon as something
   * is known, within 10 seconds in any case.
   * @example console.log((await easypeers.diagnose()).text)
   */
  diagnose (): Promise<Diagnosis>
}

/** What `new Easypeers` takes besides the topic; all of it may be left out. */
export interface EasypeersOptions {
  /** The topic, where it is not the first argument. @example { identifier: 'Some unique topic' } */
  identifier?: string
  /** Most WebRTC connections kept: 6, at least 2, at most 64. @example { maxPeers: 4 } */
  maxPeers?: number
  /** Share of the links that carry a broadcast onwards, above 0 and at most 1: 0.33. @example { coverage: 1 } */
  coverage?: number
  /** Kept for old pages; checked (an integer, at least 1), and changes nothing. @example { bitLength: 64 } */
  bitLength?: number
  /** A tracker beside the public ones, or an array that replaces them, as `trackers` does. @example { tracker: 'ws://localhost:8000' } */
  tracker?: string | string[]
  /**
   * The trackers, instead of the public ones and their reserves; `[]` for none: then only tabs of this browser meet. The first
   * eight are used all the time: two peers meet where they have one in common. Those after them are reserves, turned to when
   * none of the others answers.
   * @example { trackers: ['wss://tracker.example'] }
   */
  trackers?: string[]
  /** Longest time between two announces, in milliseconds: 30000. @example { timeout: 60_000 } */
  timeout?: number
  /** An address of your own, 40 hexadecimal digits; others see `verified: false`. @example { address: 'ab'.repeat(20) } */
  address?: string
  /**
   * 32 secret bytes that give the same address after a reload. Of several pages with one identity the first keeps the address,
   * in this browser or elsewhere; another one hears a `warning`, `ERR_ADDRESS_IN_USE`, goes by an address of its own, and takes
   * this one when it is free: the event `address`.
   * @example { identity: localStorage.identity ??= Easypeers.createIdentity() }
   */
  identity?: string | Uint8Array
  /**
   * Makes the swarm private: only pages with the same topic and the same secret meet, and others learn nothing they
   * could test guesses against at a link. Joining takes about a second longer, in slices that do not block the page;
   * what is sent meanwhile is held. Choose it at random, or long: whoever watches a tracker can guess short ones.
   * @example { secret: 'correct horse battery staple' }
   */
  secret?: string
  /**
   * How to reach through firewalls: an `RTCConfiguration`, a promise of one, or a function that returns either, which is asked
   * again when its answer is a minute old. What it gives that is none is an `error` event, `ERR_RTC_CONFIG`.
   * @example { rtcConfig: { iceServers: [{ urls: 'stun:stun.example' }] } }
   */
  rtcConfig?: EasypeersRtcConfiguration | PromiseLike<EasypeersRtcConfiguration> | (() => EasypeersRtcConfiguration | PromiseLike<EasypeersRtcConfiguration>)
  /**
   * The WebRTC and WebSocket to use instead of the browser's own, or of `node-datachannel` in Node.
   * @example { rtc: { RTCPeerConnection, WebSocket } }
   */
  rtc?: { RTCPeerConnection: new (configuration?: any) => any, WebSocket?: new (url: string) => any }
  /** Largest message sent or taken, in bytes: 16 MiB. @example { maxMessageSize: 1 << 20 } */
  maxMessageSize?: number
  /** Log to the console. @example { debug: true } */
  debug?: boolean
}

/** An `AbortSignal`, spelled out so that it also reads where the DOM's types are not loaded. */
export interface EasypeersSignal {
  /** @example controller.signal.aborted */
  readonly aborted: boolean
  /** @example controller.signal.addEventListener('abort', () => console.log('taken back')) */
  addEventListener (type: 'abort', listener: () => void): void
  /** @example controller.signal.removeEventListener('abort', listener) */
  removeEventListener (type: 'abort', listener: () => void): void
}

/** An `RTCConfiguration`, spelled out so that it also reads where the DOM's types are not loaded. */
export interface EasypeersRtcConfiguration {
  /** STUN and TURN servers, or one. @example [{ urls: 'turn:turn.example', username: 'me', credential: 'secret' }] */
  iceServers?: EasypeersIceServer[] | EasypeersIceServer | null
  /** `relay` hides this machine's addresses. @example 'relay' */
  iceTransportPolicy?: 'all' | 'relay'
  /** Whatever else the browser understands. @example { iceCandidatePoolSize: 1 } */
  [setting: string]: any
}

/** One STUN or TURN server. */
export interface EasypeersIceServer {
  /** Where it is. @example 'turn:turn.example?transport=tcp' */
  urls: string | string[]
  /** The login of a TURN server ... @example 'me' */
  username?: string
  /** ... and its password. @example 'secret' */
  credential?: string
}

/**
 * What can be sent, and arrives as it is: within arrays, objects, `Map` and `Set`, to a depth of 5000, `undefined`, `Date`, `Error`
 * (as its name and message) and bytes, too. Bytes of every class arrive as `Uint8Array`, instances of a class as plain
 * objects of their own properties, or as what their `toJSON` gives. Functions, symbols, cycles, `Blob`, `Promise` and
 * nodes of a document cannot be sent: the `TypeError` says where in the value they are.
 */
export type Sendable = string | number | bigint | boolean | null | ArrayBufferView | ArrayBuffer | readonly unknown[] | object

/** What became of a message. It may be awaited; when nobody does, its failure is nobody's. */
export interface Delivery extends PromiseLike<Receipt> {
  /** The message's id, 40 hexadecimal digits. @example easypeers.send('hi').id */
  readonly id: string
  /** Calls what fits when the end is known. @example easypeers.send(address, 'hi').then(({ rtt }) => console.log(rtt)) */
  then<A = Receipt, B = never> (
    fulfilled?: ((receipt: Receipt) => A | PromiseLike<A>) | null,
    rejected?: ((error: DeliveryError) => B | PromiseLike<B>) | null,
  ): Promise<A | B>
  /** Calls a function when it did not arrive. @example easypeers.send(address, 'hi').catch(error => console.log(error.code)) */
  catch<B = never> (rejected?: ((error: DeliveryError) => B | PromiseLike<B>) | null): Promise<Receipt | B>
  /** Calls a function when the end is known, whatever it is. @example easypeers.send(address, 'hi').finally(() => console.log('done')) */
  finally (settled?: (() => void) | null): Promise<Receipt>
}

/** Messages of one name on the mesh of an instance: see `easypeers.channel`. Its methods are those of the instance, and know their channel. */
export interface Channel {
  /** Its name. @example channel.name */
  readonly name: string
  /** Whether it was closed, or the instance was. @example channel.closed */
  readonly closed: boolean
  /** Sends to everyone who has this channel open ... @example channel.send({ x: 3, y: 5 }) */
  send (message: Sendable): Delivery
  /** ... or to one of them. It arrives, and is acknowledged, whether or not the page there has it open. @example channel.send(address, 'your turn') */
  send (address: string, message: Sendable, options?: SendOptions): Delivery
  /** ... or with options to everyone. @example channel.send(null, 'hello', { timeout: 10_000 }) */
  send (everyone: null, message: Sendable, options: SendOptions): Delivery
  /** Asks one of them. @example const move = await channel.request(address, 'your move?') */
  request<Answer = any> (address: string, message: Sendable, options?: SendOptions): Promise<Answer>
  /** Adds a listener. @example channel.on('message', ({ message }) => console.log(message)) */
  on<E extends keyof ChannelEvents> (event: E, listener: (...args: ChannelEvents[E]) => void): this
  /** Adds a listener for one call. @example channel.once('message', ({ message }) => console.log(message)) */
  once<E extends keyof ChannelEvents> (event: E, listener: (...args: ChannelEvents[E]) => void): this
  /** Removes a listener, or all of an event. @example channel.off('message') */
  off<E extends keyof ChannelEvents> (event: E, listener?: (...args: ChannelEvents[E]) => void): this
  /** How many listeners an event has. @example channel.listenerCount('message') */
  listenerCount (event: keyof ChannelEvents): number
  /** Hears no more; later `send` throws. @example channel.close() */
  close (): void
}

/** The events of a channel: those of the instance, of its name only. */
export type ChannelEvents = Pick<EasypeersEvents, 'message' | 'request'>

/**
 * Answers a request, once: with a value, or with what a promise becomes. An error, or a promise that rejects, arrives as an error. What
 * cannot be sent is thrown at the call, and another answer may follow. Whether the answer arrives is not told: whoever asks
 * asks again.
 * @throws TypeError, RangeError for what cannot be sent, EasypeersError `ERR_ANSWERED` the second time, ClosedError
 */
export type Respond = (answer: Sendable | PromiseLike<Sendable> | Error) => void

/** How to send. */
export interface SendOptions {
  /**
   * The address is what the recipient claims to be (the option or setter `address`), and proven by nothing: anybody may claim
   * the same. The message goes to whoever was heard under it last, and its receipt has `verified: false`. It fails at once when
   * nobody was. @example easypeers.send(name, 'hello', { claimed: true })
   */
  claimed?: boolean
  /**
   * Takes the message back when it aborts: the `Delivery` rejects with `ERR_ABORTED`, and what is held for the first neighbor does
   * not go. What is under way may arrive all the same; of a large message (more than 64 kB) whoever passes it on is told, and lets
   * go of it, whatever part of the swarm it has reached. @example easypeers.send(address, 'hello', { signal: controller.signal })
   */
  signal?: EasypeersSignal
  /**
   * How long it may take, in milliseconds, at least 1; then it is as if a signal had aborted, but for the code, `ERR_TIMEOUT`. Without
   * it, what is held for the first neighbor waits for good. @example easypeers.send(null, 'hello', { timeout: 10_000 })
   */
  timeout?: number
}

/** What is known of a message that arrived. */
export interface Receipt {
  /** The message's id. @example receipt.id */
  id: string
  /** Links a direct message crossed, 255 for more; 0 for a broadcast. @example receipt.hops */
  hops: number
  /** Milliseconds to the acknowledgement; for a broadcast, until its links had taken it. @example receipt.rtt */
  rtt: number
  /** Of a direct message: whether the recipient proved its address, and did not merely claim it. @example receipt.verified */
  verified?: boolean
}

/** The events and the arguments of their listeners. */
export interface EasypeersEvents {
  /** A new neighbor, by address. @example easypeers.on('connect', address => {}) */
  connect: [address: string]
  /** A neighbor is gone. @example easypeers.on('disconnect', address => {}) */
  disconnect: [address: string]
  /** This peer goes by another address: its own is in use elsewhere, or free again. @example easypeers.on('address', address => {}) */
  address: [address: string]
  /** A message. @example easypeers.on('message', ({ message }) => {}) */
  message: [data: Message]
  /**
   * Somebody asks. The first listener that responds is the one that counts; one that throws, or whose promise rejects, refuses, and that
   * is an uncaught error here, too. Without a listener whoever asks is told so.
   * @example easypeers.on('request', async ({ message }, respond) => respond(await prices.get(message.article)))
   */
  request: [data: Message, respond: Respond]
  /**
   * What another peer says of itself is new, or it says nothing any more, for it is gone: then `state` is `undefined`. A peer that
   * leaves is gone at once, one that dies within some ten seconds. `presences` has it already.
   * @example easypeers.on('presence', ({ address, state }) => state ? show(address, state.name) : hide(address))
   */
  presence: [data: Presence]
  /**
   * How far a large message has come, one of more than some 64 kB: at its sender, and where it arrives, while it does. Who passes
   * it on is not told. It begins when `send` has returned, ends with all bytes, and comes before the `message`. Of a sender that
   * is gone halfway nothing more is told here, but by `presence`.
   * @example easypeers.on('progress', ({ id, bytes, size }) => bars.get(id)?.set(bytes / size))
   */
  progress: [data: Progress]
  /** A tracker's state changed. @example easypeers.on('tracker', ({ url, state }) => {}) */
  tracker: [status: TrackerStatus]
  /** Something was dropped or refused; without a listener on the console, once for each code. @example easypeers.on('warning', ({ code, message }) => {}) */
  warning: [warning: Warning]
  /**
   * Nothing connects as long as it is so, and only the page or its user can mend it: `ERR_NO_WEBRTC` (it is here and makes no
   * connections, or finds no address of this machine), `ERR_ICE` (no way leads to anybody, or relays alone may be used and there is
   * none), `ERR_RTC_CONFIG` (`rtcConfig` gives nothing). The message has the cause and what to do. Without a listener it is on the
   * console, once for each code. @example easypeers.on('error', ({ code, message }) => alert(message))
   */
  error: [error: EasypeersError]
  /** It is closed; the last event. @example easypeers.on('close', () => {}) */
  close: []
}

/** The name of an event that is not one of Easypeers, so that no wrong listener slips by as one of your own. */
export type Own<E extends string | symbol> = E extends keyof EasypeersEvents ? never : E

/** A message as it arrives. */
export interface Message {
  /** What the sender gave. @example data.message.toString().trim() */
  message: any
  /** The sender's address. @example easypeers.send(data.from, 'thank you') */
  from: string
  /** The message's id: SHA-1, 40 hexadecimal digits. @example data.id */
  id: string
  /** This peer's address alone, on a direct message; absent on a broadcast. @example const isDirect = data.to !== undefined */
  to?: [address: string]
  /** Addresses it is known to have visited, the sender first. @example data.has.length */
  has: string[]
  /** Whether `from` is proven: the hash of the key that signed the message. @example if (!data.verified) return */
  verified: boolean
  /** Links it crossed, 255 for more. @example data.hops */
  hops: number
}

/** What a peer says of itself. */
export interface Presence {
  /** Its address. @example easypeers.send(data.address, 'hello') */
  address: string
  /** What it set; `undefined` when it is gone. @example data.state?.name */
  state: any
  /** Whether the address is proven: the hash of the key that signed this. @example if (!data.verified) return */
  verified: boolean
}

/** How far a large message has come. */
export interface Progress {
  /**
   * The message's id, as its `Delivery` and its `message` have it. What is in the message is not known before all of it is there.
   * @example progress.id === delivery.id
   */
  id: string
  /** Who sends it: this page or another. @example const isMine = progress.from === easypeers.address */
  from: string
  /** Its recipient, of a direct message; absent of a broadcast. @example progress.to ?? 'everyone' */
  to?: string
  /**
   * So many bytes of it are on their way to the first neighbor, or here; never fewer than told before. `null` where it arrives, when
   * its sender took it back, or nothing more of it came for 30 seconds: it does not come. At its sender, the `Delivery` rejects. @example progress.bytes === null
   */
  bytes: number | null
  /** Of so many, as it travels: a few more than the page gave. @example progress.bytes / progress.size */
  size: number
}

/** One neighbor. */
export interface Wire {
  /** Its address. @example wire.address */
  address: string
  /** Round trip in milliseconds; `null` until measured. @example wire.rtt?.toFixed() */
  rtt: number | null
  /** When it connected, in milliseconds since the UNIX epoch. @example new Date(wire.since) */
  since: number
  /** What the link is for in the mesh. @example wire.role === 'successor' */
  role: 'successor' | 'predecessor' | 'long'
}

/** One tracker. */
export interface TrackerStatus {
  /** Its URL: scheme and host in lower case, without the port that goes without saying, and no slash at the end. @example status.url */
  url: string
  /**
   * What it is doing: its socket is being opened, is open, or the tracker answers on it; `waiting` after a failure, and while a
   * `secret` is being prepared. @example status.state === 'ready'
   */
  state: 'connecting' | 'open' | 'ready' | 'waiting'
  /** Members of the swarm by its count; 0 when unknown. @example status.peers */
  peers: number
  /** What went wrong last, in words; `null` when it has answered since. @example status.lastError ?? 'fine' */
  lastError: string | null
  /**
   * When a `waiting` one is tried again, and an open one announced to, in milliseconds since the UNIX epoch; `null` while its socket
   * is being opened. @example new Date(status.nextAttempt ?? 0)
   */
  nextAttempt: number | null
}

/** Something dropped or refused. */
export interface Warning {
  /**
   * Stable, for programs: `ERR_ADDRESS_IN_USE` (another page has this identity's address), `ERR_ALL_TRACKERS_BLOCKED` (no tracker
   * can be reached and there is no neighbor; told once, and again after one answered), `ERR_CLOCK` (this page's clock is wrong, and
   * that of its neighbors is followed), `ERR_CONNECTION` (an attempt came to nothing), `ERR_ICE_URL`, `ERR_SDP`,
   * `ERR_MESSAGE_MALFORMED`, `ERR_NEIGHBOR`
   * (one that speaks another version, or forges), `ERR_NEIGHBOR_BANNED`, `ERR_UNKNOWN_OPTION`.
   * @example warning.code === 'ERR_ICE_URL'
   */
  code: string
  /** A sentence for people. @example console.warn(warning.message) */
  message: string
}

/** How many peers there are, in whole peers. */
export interface Estimate {
  /** Most likely so many. @example estimate.peers */
  peers: number
  /** In 39 of 40 cases not less ... @example estimate.low */
  low: number
  /** ... and not more; the same as `peers` where all are seen. @example estimate.high */
  high: number
}

/** What one peer knows of the mesh. */
export interface Topology {
  /** Addresses, this peer first. @example topology.nodes.length */
  nodes: string[]
  /** Links between them. @example topology.links.filter(({ role }) => role) */
  links: Array<{
    /** One end. @example link.a */
    a: string
    /** The other end. @example link.b */
    b: string
    /** Round trip in milliseconds, when known. @example link.rtt ?? 50 */
    rtt: number | null
    /** What the link is for, when it is this peer's; else `null`. @example link.role === 'long' */
    role: Wire['role'] | null
  }>
}

/** Why peers do or do not connect. */
export interface Diagnosis {
  /** All findings in words, for people. @example alert(diagnosis.text) */
  text: string
  /** What is so, the gravest first. @example diagnosis.findings.some(({ code }) => code === 'trackers-unreachable') */
  findings: Array<{
    /**
     * Stable, for programs: `connected`, `searching`, `alone` (the trackers know nobody else), `alone-in-private` (... with this
     * secret), `closed`, `offline`, `locked` (the secret is being prepared), `tracker-url`, `csp`, `no-trackers`,
     * `trackers-unreachable`, `tracker-unreachable` (some of them), `rtc-config`, `no-webrtc`, `no-candidates`, `version`,
     * `admission`, `full`, `banned`, `no-way` (the networks), `channel`, `greeting`, `clock`.
     * @example finding.code === 'no-way'
     */
    code: string
    /** A sentence. @example finding.message */
    message: string
    /** What to do; empty where nothing is wrong. @example finding.advice */
    advice: string
  }>
  /** Neighbors connected now. @example diagnosis.neighbors > 0 */
  neighbors: number
  /** What the browser believes; `null` where there is none. @example diagnosis.online === false */
  online: boolean | null
  /** The trackers and how each does. @example diagnosis.trackers.filter(({ state }) => state === 'ready') */
  trackers: TrackerStatus[]
  /** How many addresses of each kind the browser last found for this machine; `null` before the first. @example diagnosis.candidates?.relay */
  candidates: {
    /** Its own. @example candidates.host */
    host: number
    /** Its own, behind a name. @example candidates.mdns */
    mdns: number
    /** As a STUN server sees it. @example candidates.srflx */
    srflx: number
    /** At a TURN server. @example candidates.relay */
    relay: number
  } | null
  /** The last attempts that came to nothing, 16 at most, the oldest first. @example diagnosis.attempts.at(-1)?.cause */
  attempts: Array<{
    /** When, in milliseconds since the UNIX epoch. @example new Date(attempt.at) */
    at: number
    /** Who the other side said it was, as far as it came to that. @example attempt.peer ?? 'somebody' */
    peer: string | null
    /** Why. @example attempt.cause === 'ice' */
    cause: 'no description' | 'no candidates' | 'ice' | 'channel' | 'greeting' | 'admission' | 'version' | 'full' | 'banned'
    /** What the browser or the link said. @example attempt.message */
    message: string
  }>
  /** STUN and TURN servers that did not do what they are for, 8 at most. @example diagnosis.servers.map(({ url }) => url) */
  servers: Array<{
    /** Which. @example server.url */
    url: string
    /** The browser's code and words. @example server.message */
    message: string
  }>
  /** By how many milliseconds this clock is behind those of its neighbors; 0 when it is good enough. @example diagnosis.clockShift */
  clockShift: number
}

/** Counters since this peer joined. */
export interface Stats {
  /** Messages handed to the page. @example stats.delivered */
  delivered: number
  /** Messages the page sent. @example stats.sent */
  sent: number
  /** Messages passed on for others. @example stats.forwarded */
  forwarded: number
  /** Copies of messages already seen. @example stats.duplicates */
  duplicates: number
  /** Packets received. @example stats.packetsIn */
  packetsIn: number
  /** Bytes received. @example stats.bytesIn */
  bytesIn: number
  /** Packets sent. @example stats.packetsOut */
  packetsOut: number
  /** Bytes sent. @example stats.bytesOut */
  bytesOut: number
  /** How often a link was given another path, because the one that it had was broken. @example stats.restarts */
  restarts: number
  /** What remotes sent that was dropped, by cause. @example Object.keys(stats.dropped) */
  dropped: { [cause: string]: number }
  /** The links, by address. @example Object.values(stats.links) */
  links: { [address: string]: Wire }
}

/** An error of Easypeers. */
export class EasypeersError extends Error {
  /** @example throw new EasypeersError('ERR_MINE', 'something is missing') */
  constructor (code: string, message: string)
  /** Stable, for programs. @example error.code === 'ERR_NO_WEBRTC' */
  code: string
}

/** Why a message did not arrive, as far as known. */
export class DeliveryError extends EasypeersError {
  /** @example if (error.code === 'ERR_TIMEOUT') easypeers.send(address, message) */
  code: 'ERR_UNREACHABLE' | 'ERR_TIMEOUT' | 'ERR_ABORTED' | 'ERR_CLOSED'
}

/** Why a request that arrived has no answer. */
export class RequestError extends EasypeersError {
  /** `ERR_REFUSED`: the other page answered by an error, the `cause`. @example if (error.code === 'ERR_NO_LISTENER') useAnotherPeer() */
  code: 'ERR_TIMEOUT' | 'ERR_NO_LISTENER' | 'ERR_REFUSED'
  /** What the other page threw, by name and message. @example error.cause?.name === 'RangeError' */
  cause?: Error
}

/** `send` or a setter was called after `close`. */
export class ClosedError extends EasypeersError {
  /** @example error.code === 'ERR_CLOSED' */
  code: 'ERR_CLOSED'
}

export { Easypeers }
