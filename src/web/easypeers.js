// What a Rust struct cannot say in JavaScript: subclasses of Error, methods that know their instance and return it, an
// instance that shows nothing of the module, Symbol.dispose.

export class EasypeersError extends Error {
  constructor (code, message) {
    super(message)
    this.code = code
  }
}

export class DeliveryError extends EasypeersError {}

export class RequestError extends EasypeersError {
  constructor (code, message, cause) {
    super(code, message)
    if (cause) Object.defineProperty(this, 'cause', { value: cause, writable: true, configurable: true })
  }
}

export class ClosedError extends EasypeersError {}

// Written out, because a minifier renames classes.
EasypeersError.prototype.name = 'EasypeersError'
DeliveryError.prototype.name = 'DeliveryError'
RequestError.prototype.name = 'RequestError'
ClosedError.prototype.name = 'ClosedError'

// Those of Node's EventEmitter that return the emitter. Rust is given the arguments as an array, because `off(event)`
// and `off(event, undefined)` are not the same.
const CHAINED = [
  'on', 'once', 'off', 'addListener', 'removeListener', 'removeAllListeners', 'prependListener', 'prependOnceListener',
  'setMaxListeners',
]
/** What wasm-bindgen gives a class to manage memory with. */
const OF_MEMORY = ['constructor', 'free', '__destroy_into_raw']

/**
 * The classes that a page sees, in front of the compiled ones. The methods of an instance are its own, too, and know it
 * wherever they are called: `button.onclick = easypeers.close`. A copy or a Proxy of an instance has no way to the module.
 */
export function facade ({ Easypeers: Core, Delivery: CoreDelivery, Channel: CoreChannel }) {
  class Easypeers {
    constructor (...args) {
      checkTexts()
      own(this, new Core(...args))
    }

    static createIdentity () {
      checkTexts()
      return Core.createIdentity()
    }
  }

  class Delivery {}

  class Channel {}

  const ways = {
    ...Object.fromEntries(CHAINED.map(name => [name, (core, self, args) => {
      core[name](self, args)
      return self
    }])),
    send: (core, self, args) => begun(new Delivery(), ownDelivery, core.send(...args)),
    channel: (core, self, args) => begun(new Channel(), ownChannel, core.channel(...args)),
  }
  const own = front(Easypeers, Core, ways)
  const ownDelivery = front(Delivery, CoreDelivery, {})
  const ownChannel = front(Channel, CoreChannel, ways)
  for (const { prototype } of [Easypeers, Channel]) {
    if (Symbol.dispose) define(prototype, Symbol.dispose, prototype.close)
  }
  return { Easypeers, Delivery, Channel }
}

function begun (self, own, core) {
  own(self, core)
  return self
}

/** What a listener of `request` answers with. It keeps no more alive than the question. */
export function responder (question) {
  return value => question.respond(value)
}

/** Gives a class the members of the compiled one, called in their own way if they have one; what an instance is begun with. */
function front ({ prototype, name: of }, Core, ways) {
  const cores = new WeakMap()
  const core = (self, name) => cores.get(self) ?? fail(of, name)
  const methods = []
  for (const [name, { value, get, set }] of Object.entries(Object.getOwnPropertyDescriptors(Core.prototype))) {
    if (OF_MEMORY.includes(name)) continue
    if (!value) {
      Object.defineProperty(prototype, name, {
        get: get && function () { return heeded(core(this, name)[name]) },
        set: set && function (value) { core(this, name)[name] = value },
        configurable: true,
      })
      continue
    }
    const way = ways[name] ?? ((core, self, args) => core[name](...args))
    methods.push(name)
    define(prototype, name, function (...args) { return way(core(this, name), this, args) })
  }
  return (self, core) => {
    cores.set(self, core)
    for (const name of methods) define(self, name, self[name].bind(self))
  }
}

/** Not looked for before: importing does nothing, wherever it is done. Global, for the build puts others in their place. */
function checkTexts () {
  for (const name of ['TextDecoder', 'TextEncoder']) {
    if (globalThis[name]) continue
    const text = `there is no ${name} here: every browser has it and so has Node, but jsdom is to be given it (globalThis.${name})`
    throw new EasypeersError('ERR_UNSUPPORTED', text)
  }
}

/** Who reads `ready` and does not wait for it need not hear how it failed. */
function heeded (value) {
  if (value instanceof Promise) value.catch(() => {})
  return value
}

function define (object, name, value) {
  Object.defineProperty(object, name, { value, writable: true, configurable: true })
}

function fail (of, name) {
  const text = `"${name}" of what is no ${of}, but perhaps a copy or a Proxy of one: take the instance itself`
  throw Object.assign(new TypeError(text), { code: 'ERR_INVALID_THIS' })
}
