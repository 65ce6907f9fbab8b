// What a Rust struct cannot say in JavaScript: subclasses of Error, and methods that know `this`.

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

// Node's EventEmitter returns `this` from these, and tells `off(event)` from `off(event, undefined)`.
const CHAINED = ['on', 'once', 'off', 'addListener', 'removeListener', 'removeAllListeners']

export function finish (prototype) {
  for (const name of CHAINED) {
    const method = prototype[name]
    prototype[name] = function (...args) {
      method.call(this, this, args)
      return this
    }
  }
  if (Symbol.dispose) prototype[Symbol.dispose] = prototype.close
}

// A task of its own, and soon: the timers of a hidden page ring once a second.
export function soon () {
  return new Promise(resolve => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(0)
  })
}
