// One RTCPeerConnection with its one data channel, and the `rtcConfig` option that each is made with.
import { Peripheral, reason } from './easypeers.js'

// The channel counts as writable again below this many buffered bytes: four of the largest frames, enough to keep
// the line busy and little enough for a small message to overtake a large one.
const LOW_THRESHOLD = 64 << 10

// How long one answer of the page's function serves, in milliseconds: five offers at once should ask its server
// once, and credentials live for minutes at least.
const ANSWER_SERVES = 60_000

// STUN servers that answer anyone, of two operators. More only slow gathering down.
const PUBLIC_SERVERS = { iceServers: [{ urls: ['stun:stun.l.google.com:19302', 'stun:stun.cloudflare.com:3478'] }] }

// A connection from its first description to its end; `close` takes the handlers off.
//
// Promises of a closed connection never settle, and what waits for one would never be freed. So every wait also
// ends when this is closed: the browser counts connections that are not freed, closed ones too, and makes no more
// at 500.
export class PeerConnection extends Peripheral {
  // `config` is a promise; with an offer, this is the end that answers.
  constructor (config, offer, report) {
    super(report)
    // Remote candidates that came before the remote description, when the browser would refuse them.
    this.early = []
    this.closed = new Promise((resolve, reject) => {
      this.stopWaiting = reject
    })
    this.attempt(this.negotiate(config, offer))
  }

  // From a configuration to the local description.
  async negotiate (config, offer) {
    config = await this.unlessClosed(config)
    if (this.over) return
    this.connect(config)
    const { rtc } = this
    if (offer !== undefined) await this.setRemote({ type: 'offer', sdp: offer })
    const made = await this.unlessClosed(offer === undefined ? rtc.createOffer() : rtc.createAnswer())
    await this.unlessClosed(rtc.setLocalDescription(made))
    // Read back, with what was gathered meanwhile.
    this.tell('described', (rtc.localDescription ?? made).sdp)
  }

  connect (config) {
    const rtc = this.rtc = new RTCPeerConnection(config)
    const channel = this.channel = rtc.createDataChannel('easypeers', { negotiated: true, id: 0, ordered: true })
    channel.binaryType = 'arraybuffer'
    channel.bufferedAmountLowThreshold = LOW_THRESHOLD
    let interrupted = false
    this.handlers = [[rtc, {
      // The end shows as an empty candidate (Firefox), as none (all), or as a state only (Node).
      onicecandidate: ({ candidate }) => candidate?.candidate ? this.tell('candidate', candidate.candidate) : this.gathered(),
      onicegatheringstatechange: () => rtc.iceGatheringState === 'complete' && this.gathered(),
      oniceconnectionstatechange: () => {
        const state = rtc.iceConnectionState
        if (state === 'failed') this.end('ICE failed: no candidate pair of the two works')
        if (state === 'disconnected') {
          interrupted = true
          this.tell('interrupted')
        } else if (interrupted && (state === 'connected' || state === 'completed')) {
          interrupted = false
          this.tell('resumed')
        }
      },
      onconnectionstatechange: () => {
        const state = rtc.connectionState
        if (state === 'failed') this.end('the connection failed')
        if (state === 'closed') this.end('the connection was closed')
      }
    }], [channel, {
      onopen: () => this.tell('opened'),
      // Links speak binary; of a string, `Uint8Array` would make as many bytes as it says.
      onmessage: ({ data }) => typeof data === 'object' && this.tell('frame', new Uint8Array(data)),
      onbufferedamountlow: () => this.awaited && this.writable(),
      onclose: () => this.end('the data channel was closed'),
      onerror: ({ error }) => this.end('the data channel failed: ' + reason(error))
    }]]
    for (const [target, handlers] of this.handlers) Object.assign(target, handlers)
  }

  gathered () {
    if (this.allGathered) return
    this.allGathered = true
    this.tell('gathered')
  }

  accept (answer) {
    if (this.rtc) this.attempt(this.setRemote({ type: 'answer', sdp: answer }))
  }

  async setRemote (description) {
    await this.unlessClosed(this.rtc.setRemoteDescription(description))
    const { early } = this
    this.early = undefined
    early?.forEach(candidate => this.addCandidate(candidate))
  }

  // Adds a remote candidate, or keeps it until the remote description is set.
  async addCandidate (candidate) {
    if (this.early) return this.early.push(candidate)
    try {
      await this.unlessClosed(this.rtc.addIceCandidate({ candidate, sdpMLineIndex: 0, sdpMid: '0' }))
    } catch {
      // One bad candidate of several is no reason to give up the connection.
    }
  }

  // A channel that cannot send is reported as closed.
  send (frame) {
    try {
      this.channel?.send(frame)
    } catch (thrown) {
      this.end(reason(thrown))
    }
  }

  // Tells when the channel buffers no more than its threshold.
  awaitWritable () {
    this.awaited = true
    if (this.channel?.bufferedAmount <= LOW_THRESHOLD) this.writable()
  }

  writable () {
    this.awaited = false
    this.tell('writable')
  }

  unlessClosed (promise) {
    return Promise.race([promise, this.closed])
  }

  attempt (task) {
    task.catch(thrown => this.end(reason(thrown)))
  }

  close () {
    this.over = true
    this.stopWaiting()
    for (const [target, handlers] of this.handlers ?? []) {
      for (const name of Object.keys(handlers)) target[name] = null
    }
    this.channel?.close()
    this.rtc?.close()
  }
}

const isObject = value => typeof value === 'object' && value !== null

// The `rtcConfig` option, an RTCConfiguration or an async function that gives one: gives each new connection its
// configuration.
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
