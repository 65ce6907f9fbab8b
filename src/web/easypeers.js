// What a Rust struct cannot say in JavaScript: subclasses of Error, and methods that know `this`; and what
// takes a fifth of the bytes here: listeners. Objects of the browser are in files of their own beside this one.

export class EasypeersError extends Error {
  constructor (code, message) {
    super(message)
    this.code = code
  }
}

export class DeliveryError extends EasypeersError {}

export class ClosedError extends EasypeersError {}

// Written out, because a minifier renames classes.
EasypeersError.prototype.name = 'EasypeersError'
DeliveryError.prototype.name = 'DeliveryError'
ClosedError.prototype.name = 'ClosedError'

// What was given instead of what was expected, at the end of an error's message.
export function given (value) {
  const kind = typeof value
  if (kind === 'string') return '. Given: ' + JSON.stringify(value).slice(0, 60)
  if (kind === 'number' || kind === 'boolean' || value === null) return '. Given: ' + value
  return '. Given: ' + (Array.isArray(value) ? 'an array' : kind === 'object' ? 'an object' : kind)
}

// What something that was thrown says.
export function reason (thrown) {
  try {
    const text = typeof thrown === 'string' ? thrown : thrown.message
    if (typeof text === 'string') return text
  } catch {
    // There was no message to read, or it was not to be read.
  }
  return 'no reason was given'
}

// Hands something thrown to the page's error reporting; Node and old browsers have the console only.
export function report (thrown) {
  if (globalThis.reportError) reportError(thrown)
  else console.error(thrown)
}

// An object of the browser that reports what happens to it, and nothing after its end.
export class Peripheral {
  constructor (report) {
    this.report = report
  }

  tell (what, value) {
    if (!this.over) this.report(what, value)
  }

  end (why) {
    if (this.over) return
    this.over = true
    this.report('closed', why)
  }
}

// The listeners of one instance, in the order of their registration, with the meaning of Node's EventEmitter.
// A round calls the listeners that there were when it began: a listener may add and remove others, and close.
export class Emitter {
  constructor () {
    this.clear()
  }

  clear () {
    this.listeners = []
    this.target = undefined
  }

  add (target, event, call, once) {
    this.listeners = [...this.listeners, { event, call: callable(call), once }]
    this.target = target
  }

  // Removes the latest registration, as Node does.
  remove (event, call) {
    callable(call)
    const same = this.listeners.filter(known => known.event === event && known.call === call)
    this.take(same.pop())
  }

  removeEvent (event) {
    this.listeners = this.listeners.filter(known => known.event !== event)
  }

  take (listener) {
    const there = this.listeners.includes(listener)
    this.listeners = this.listeners.filter(known => known !== listener)
    return there
  }

  count (event) {
    return this.listeners.filter(known => known.event === event).length
  }

  // What a listener throws goes to `failed`.
  emit (event, args, failed) {
    const called = this.listeners.filter(known => known.event === event)
    for (const listener of called) {
      // An inner round may have been first.
      if (listener.once && !this.take(listener)) continue
      try {
        listener.call.apply(this.target, args)
      } catch (thrown) {
        failed(thrown)
      }
    }
    return called.length > 0
  }

  // An event that the page did not ask for in this call stack: the next listener is called whatever one throws.
  announce (event, value) {
    return this.emit(event, [value], report)
  }
}

function callable (call) {
  if (typeof call === 'function') return call
  throw Object.assign(new TypeError('a listener is a function' + given(call)), { code: 'ERR_INVALID_ARG_TYPE' })
}

// Each is given the emitter, which throws when the instance is closed.
const METHODS = {
  on: (emitter, self, event, call) => emitter.add(self, event, call, false),
  once: (emitter, self, event, call) => emitter.add(self, event, call, true),
  // `off(event)` and `off(event, undefined)` are not the same.
  off: (emitter, self, ...args) => args.length > 1 ? emitter.remove(...args) : emitter.removeEvent(args[0]),
  removeAllListeners: (emitter, self, event) => event === undefined ? emitter.clear() : emitter.removeEvent(event)
}
METHODS.addListener = METHODS.on
METHODS.removeListener = METHODS.off

export function finish ({ prototype }) {
  for (const name of Object.keys(METHODS)) {
    prototype[name] = function (...args) {
      METHODS[name](this._emitter, this, ...args)
      return this
    }
  }
  prototype.listenerCount = function (event) {
    return this.closed ? 0 : this._emitter.count(event)
  }
  prototype.emit = function (event, ...args) {
    return this._emitter.emit(event, args, thrown => { throw thrown })
  }
  if (Symbol.dispose) prototype[Symbol.dispose] = prototype.close
}

export function hasWebRtc () {
  return 'RTCPeerConnection' in globalThis
}

// Calls `step` in a task of its own, again as long as it returns true and this is not closed.
export class Steps {
  constructor (step) {
    this.step = step
    this.goOn()
  }

  async goOn () {
    do await soon()
    while (!this.over && this.step())
  }

  close () {
    this.over = true
  }
}

// A task of its own, and soon: the timers of a hidden page ring once a second.
function soon () {
  return new Promise(resolve => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(0)
  })
}
