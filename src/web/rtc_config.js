// The `rtcConfig` option: an RTCConfiguration, or an async function that gives one.
import { Peripheral, reason } from './easypeers.js'

// How long one answer of the page's function serves, in milliseconds: five offers at once should ask its server
// once, and credentials live for minutes at least.
const ANSWER_SERVES = 60_000

// STUN servers that answer anyone, of two operators. More only slow gathering down.
const PUBLIC_SERVERS = { iceServers: [{ urls: ['stun:stun.l.google.com:19302', 'stun:stun.cloudflare.com:3478'] }] }

const isObject = value => typeof value === 'object' && value !== null

// Gives each new connection its configuration.
export class RtcConfig extends Peripheral {
  constructor (option, report) {
    super(report)
    if (typeof option === 'function') this.ask = option
    else this.answer = Promise.resolve(isObject(option) ? this.checked(option) : PUBLIC_SERVERS)
  }

  // A promise of the configuration; `now` is in milliseconds.
  get (now) {
    if (this.ask && !(now - this.asked < ANSWER_SERVES)) {
      this.asked = now
      this.answer = this.askPage()
    }
    return this.answer
  }

  // No fall-back to the public servers: who asks for relays only would show its addresses to strangers.
  async askPage () {
    const { ask } = this
    try {
      const config = await ask()
      if (!isObject(config)) throw new TypeError('not an object')
      return this.checked(config)
    } catch (thrown) {
      // The next connection asks again.
      this.asked = undefined
      const text = 'rtcConfig gave no RTCConfiguration: ' + reason(thrown)
      this.tell('failure', text)
      throw text
    }
  }

  // A copy of the configuration without the ICE URLs that would make the constructor throw.
  checked (config) {
    try {
      return usable(config, fault => this.tell('fault', fault))
    } catch {
      // A getter of the page threw: the browser says what it thinks of the configuration.
      return config
    }
  }

  close () {
    this.over = true
  }
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

function usable (config, tell) {
  if (!Array.isArray(config.iceServers)) return { ...config }
  const iceServers = config.iceServers.flatMap(server => {
    const { username, credential } = server ?? {}
    const hasLogin = [username, credential].every(part => typeof part === 'string')
    // `url` is the name of old, and still what some TURN services hand out.
    const urls = [server?.urls ?? server?.url].flat().filter(url => {
      const text = typeof url === 'string' ? url : ''
      const why = fault(text, hasLogin)
      if (why) tell(`ICE server '${text}' is left out: ${why}`)
      return !why
    })
    return urls.length > 0 ? [{ ...server, urls }] : []
  })
  return { ...config, iceServers }
}
