// What a Rust struct cannot say in JavaScript: subclasses of Error, methods that return `this`, Symbol.dispose.

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

// Those of Node's EventEmitter that return the emitter. Rust is given the arguments as an array, because `off(event)`
// and `off(event, undefined)` are not the same.
const CHAINED = ['on', 'once', 'off', 'addListener', 'removeListener', 'removeAllListeners']

export function finish ({ prototype }) {
  for (const name of CHAINED) {
    const method = prototype[name]
    prototype[name] = function (...args) {
      method.call(this, this, args)
      return this
    }
  }
  if (Symbol.dispose) prototype[Symbol.dispose] = prototype.close
}
