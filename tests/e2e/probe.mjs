// What a page is watched with: runs in every page before its own scripts.
//
// It wraps the few browser things a peer may hold (connections, channels, sockets, timers, listeners) so that a test
// sees them from outside, records what each instance emits, and lets a test wait for a state without polling: every
// recorded change re-checks the waiting predicates.

/** Installs `window.probe`; handed to the browser as source text, so it may use nothing from this module. */
export function installProbe() {
  const native = {
    setTimeout: window.setTimeout.bind(window),
    clearTimeout: window.clearTimeout.bind(window),
    setInterval: window.setInterval.bind(window),
    clearInterval: window.clearInterval.bind(window),
    add: EventTarget.prototype.addEventListener,
    remove: EventTarget.prototype.removeEventListener,
    send: RTCDataChannel.prototype.send,
  }

  const waiting = new Set()
  let poked = false
  /** Re-checks the predicates, after the code that is running now: it may be inside the module. */
  const poke = () => {
    if (poked) return
    poked = true
    queueMicrotask(check)
  }
  const check = () => {
    poked = false
    for (const peer of Object.values(probe.peers)) peer.mostWires = Math.max(peer.mostWires, peer.easypeers.wireCount)
    for (const waiter of [...waiting]) {
      let value
      try {
        value = waiter.predicate()
      } catch (error) {
        waiting.delete(waiter)
        waiter.reject(error)
        continue
      }
      if (value) {
        waiting.delete(waiter)
        waiter.resolve(value)
      }
    }
  }

  const probe = (window.probe = {
    native,
    poke,
    /** Uncaught errors and rejections of this page. */
    errors: [],
    /** One record per RTCPeerConnection: { pc, made, connected, closed, channels }. */
    connections: [],
    sockets: [],
    /** The memories of the WebAssembly modules of this page. */
    memories: [],
    timeouts: new Set(),
    intervals: new Set(),
    /** Listeners on objects that outlive an instance: the window, the document, the network information. */
    listeners: 0,
    /** The last binary frames this page sent, oldest first: [channel, bytes]. */
    frames: [],
    /** The sizes of the frames that came, in bytes, oldest first. */
    heardFrames: [],
    /** How many neighbors said goodbye: the last word of who leaves, as src/proto/links/link/wire/packet.rs writes it. */
    goodbyes: 0,
    /** How many channels the other side's browser closed. */
    hungUp: 0,
    /** Stretches of time with more connected connections than `cap`. */
    cap: Infinity,
    over: [],
    mostConnected: 0,
    peers: {},

    /** Resolves with the first truthy value of the predicate. */
    until(predicate) {
      return new Promise((resolve, reject) => {
        waiting.add({ predicate, resolve, reject })
        poke()
      })
    },

    connected: () => probe.connections.filter(c => c.pc.connectionState === 'connected').length,
    open: () => probe.connections.filter(c => c.pc.signalingState !== 'closed').length,
    /** What is still held in this page; all zero after every instance is closed. */
    held: () => ({
      connections: probe.open(),
      sockets: probe.sockets.filter(s => s.readyState < WebSocket.CLOSING).length,
      timers: probe.timeouts.size + probe.intervals.size,
      listeners: probe.listeners,
    }),

    /** Makes an instance and records all it emits. */
    join(name, ...args) {
      const made = performance.now()
      const easypeers = new Easypeers(...args)
      return probe.watch(name, easypeers, made)
    },

    watch(name, easypeers, made = performance.now()) {
      const peer = {
        easypeers, made, constructed: performance.now() - made,
        connects: [], disconnects: [], messages: [], warnings: [], mostWires: 0, at: {},
      }
      const sample = () => { peer.mostWires = Math.max(peer.mostWires, easypeers.wireCount) }
      const record = list => value => {
        sample()
        list.push(value)
        poke()
      }
      easypeers.on('connect', address => { peer.at.connect ??= performance.now() - made; record(peer.connects)(address) })
      easypeers.on('disconnect', address => { peer.at.disconnect = performance.now(); record(peer.disconnects)(address) })
      easypeers.on('message', message => { message.at = performance.now(); record(peer.messages)(message) })
      for (const event of ['warning', 'error', 'tracker']) {
        easypeers.on(event, value => {
          if (event !== 'tracker') peer.warnings.push(`${event} ${value?.code ?? ''} ${value?.text ?? value?.message ?? value}`)
          poke()
        })
      }
      for (const event of ['presence', 'progress']) easypeers.on(event, poke)
      probe.peers[name] = peer
      return peer
    },

    /** What a failed test wants to know of an instance. */
    describe(name) {
      const { easypeers, connects, disconnects, messages, warnings } = probe.peers[name]
      const read = f => { try { return f() } catch (error) { return String(error) } }
      return JSON.stringify({
        address: read(() => easypeers.address), wireCount: read(() => easypeers.wireCount),
        peerCount: read(() => easypeers.peerCount), wires: read(() => Object.keys(easypeers.wires)),
        trackers: read(() => easypeers.trackers), stats: read(() => easypeers.stats()),
        connects, disconnects, messages: messages.length, warnings: warnings.slice(-10),
        pcs: probe.connections.map(c => `${c.pc.connectionState}/${c.pc.signalingState}`).join(' '), held: probe.held(),
        mostConnected: probe.mostConnected, most: probe.most, errors: probe.errors,
      })
    },
  })

  native.add.call(window, 'error', event => probe.errors.push(`${event.message} (${event.filename}:${event.lineno})`))
  native.add.call(window, 'unhandledrejection', event => probe.errors.push(`unhandled rejection: ${event.reason?.stack ?? event.reason}`))

  let overSince = null
  const countConnected = () => {
    const connected = probe.connected()
    if (connected > probe.mostConnected) {
      probe.mostConnected = connected
      // What they were when there were most of them, for the report of a failure.
      probe.most = probe.connections.filter(c => c.pc.connectionState === 'connected')
        .map(c => `${c.pc.localDescription?.type}, made ${Math.round(performance.now() - c.made)} and connected ${Math.round(performance.now() - (c.connected ?? performance.now()))} ms before`)
    }
    if (connected > probe.cap) overSince ??= performance.now()
    else if (overSince !== null) {
      probe.over.push(performance.now() - overSince)
      overSince = null
    }
    poke()
  }
  const adopt = (record, channel) => {
    record.channels.push(channel)
    for (const event of ['open', 'close', 'bufferedamountlow']) native.add.call(channel, event, poke)
    native.add.call(channel, 'close', () => { if (record.closed === null) probe.hungUp++ })
    native.add.call(channel, 'message', ({ data }) => {
      const bytes = new Uint8Array(data)
      probe.heardFrames.push(bytes.length)
      if (probe.heardFrames.length > 1024) probe.heardFrames.shift()
      // A whole packet of two bytes: the end, for it leaves.
      if (bytes.join() === '0,2,2,0') probe.goodbyes++
    })
    return channel
  }
  window.RTCPeerConnection = class RTCPeerConnection extends window.RTCPeerConnection {
    constructor(...args) {
      super(...args)
      this.record = { pc: this, made: performance.now(), connected: null, closed: null, channels: [] }
      probe.connections.push(this.record)
      native.add.call(this, 'connectionstatechange', () => {
        if (this.connectionState === 'connected') this.record.connected ??= performance.now()
        countConnected()
      })
      native.add.call(this, 'datachannel', event => adopt(this.record, event.channel))
    }
    createDataChannel(...args) {
      return adopt(this.record, super.createDataChannel(...args))
    }
    close() {
      super.close()
      this.record.closed ??= performance.now()
      countConnected()
    }
  }

  RTCDataChannel.prototype.send = function (data) {
    if (typeof data !== 'string') {
      const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      probe.frames.push([this, bytes.slice()])
      if (probe.frames.length > 64) probe.frames.shift()
    }
    return native.send.call(this, data)
  }

  window.WebSocket = class WebSocket extends window.WebSocket {
    constructor(...args) {
      super(...args)
      probe.sockets.push(this)
      for (const event of ['open', 'message', 'close']) native.add.call(this, event, poke)
    }
  }

  WebAssembly.Instance = class Instance extends WebAssembly.Instance {
    constructor(...args) {
      super(...args)
      probe.memories.push(...Object.values(this.exports).filter(value => value instanceof WebAssembly.Memory))
    }
  }

  window.setTimeout = (f, delay, ...args) => {
    const id = native.setTimeout((...a) => {
      probe.timeouts.delete(id)
      if (typeof f === 'function') f(...a)
    }, delay, ...args)
    probe.timeouts.add(id)
    return id
  }
  window.clearTimeout = id => {
    probe.timeouts.delete(id)
    probe.intervals.delete(id)
    native.clearTimeout(id)
  }
  window.setInterval = (...args) => {
    const id = native.setInterval(...args)
    probe.intervals.add(id)
    return id
  }
  window.clearInterval = window.clearTimeout

  const lasting = new Set([window, document, window.visualViewport, navigator.connection].filter(Boolean))
  const held = new Map()
  const key = (type, f, options) => `${type}/${Boolean(typeof options === 'object' ? options?.capture : options)}`
  EventTarget.prototype.addEventListener = function (type, f, options) {
    const target = this ?? window
    if (f && lasting.has(target)) {
      const listeners = held.get(target) ?? held.set(target, new Map()).get(target)
      const same = listeners.get(key(type, f, options)) ?? listeners.set(key(type, f, options), new Set()).get(key(type, f, options))
      if (!same.has(f)) {
        same.add(f)
        probe.listeners++
      }
    }
    return native.add.call(target, type, f, options)
  }
  EventTarget.prototype.removeEventListener = function (type, f, options) {
    const target = this ?? window
    if (held.get(target)?.get(key(type, f, options))?.delete(f)) probe.listeners--
    return native.remove.call(target, type, f, options)
  }
}
