// What a Rust struct cannot say in JavaScript: subclasses of Error, and methods that know `this`; and what
// takes a tenth of the bytes here: the look at the page's ICE servers.

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

// STUN servers that answer anyone, of two operators. More only slow gathering down.
export function publicServers () {
  return { iceServers: [{ urls: ['stun:stun.l.google.com:19302', 'stun:stun.cloudflare.com:3478'] }] }
}

// What is wrong with an ICE URL: RFC 7064 for STUN, RFC 7065 for TURN.
export function fault (url, hasLogin) {
  const [, scheme, host, port, query] = /^(.*?):(\[.*\]|[^:?]*)(?::([^?]*))?(\?.*)?$/.exec(url) ?? []
  if (scheme === undefined) return 'expected stun:host or turn:host'
  if (!host || /[/@ ]/.test(host)) return 'expected a host name or address after the colon, without slashes'
  if (port !== undefined && !(/^\d+$/.test(port) && port < 65536)) return 'its port is not a number below 65536'
  if (/^stuns?$/i.test(scheme)) return query && "a stun: URL has no '?transport='"
  if (!/^turns?$/i.test(scheme)) return 'expected stun:, stuns:, turn: or turns:'
  if (!hasLogin) return 'a turn: URL needs username and credential'
  if (query && !/^\?transport=(udp|tcp)$/.test(query)) return "expected '?transport=udp' or '?transport=tcp'"
}

export function usable (config, faults) {
  if (!Array.isArray(config.iceServers)) return { ...config }
  const iceServers = config.iceServers.flatMap(server => {
    const { username, credential } = server ?? {}
    const hasLogin = [username, credential].every(part => typeof part === 'string')
    // `url` is the name of old, and still what some TURN services hand out.
    const urls = [server?.urls ?? server?.url].flat().filter(url => {
      const why = fault(String(url ?? ''), hasLogin)
      if (why) faults.push(`ICE server '${url ?? ''}' is left out: ${why}`)
      return !why
    })
    return urls.length > 0 ? [{ ...server, urls }] : []
  })
  return { ...config, iceServers }
}
