// What a browser has and Node has not: RTCPeerConnection by node-datachannel, and WebSocket by ws where Node is older
// than 22. Loaded when the first peer is made, so that importing costs nothing and needs nothing.
let loaded

/** @throws when there is none, with the command that mends it */
export function load() {
  loaded ??= { RTCPeerConnection: peerConnection(), WebSocket: globalThis.WebSocket ?? require('ws').WebSocket }
  return loaded
}

function peerConnection() {
  let native, polyfill
  try {
    native = require('node-datachannel')
    polyfill = require('node-datachannel/polyfill')
  } catch (error) {
    const missing = error.code === 'MODULE_NOT_FOUND' && error.message.includes("'node-datachannel")
    throw new Error(missing
      ? 'in Node, WebRTC comes from a package that is not installed: npm install node-datachannel'
      : `node-datachannel, which is WebRTC in Node, cannot be loaded: ${error.message}`)
  }
  return connecting(native.PeerConnection, polyfill.RTCPeerConnection)
}

/** From an offer to its answer at the other end, nearly always. */
const ANSWERED_MS = 300

/**
 * The polyfill, with these things mended:
 * - It negotiates by itself, and an answerer that makes its channel first would make an offer, too. Here descriptions
 *   are made when they are asked for.
 * - An answerer calls the other end before that has the answer. One of libdatachannel does not listen yet to the first
 *   message of the handshake, and gets the next a second later; or it begins the handshake while it sets the answer, and
 *   comes to a certificate before it has taken down which one to expect: then all is over. Here an answerer keeps silent
 *   for as long as its answer is under way. Who offered calls it meanwhile.
 * - It throws where a browser returns a promise that rejects, or `null`.
 * - A channel that is closed in the same moment as its connection is closed by two threads of libdatachannel, and may never
 *   say that it is closed. The callback that waits for that then holds Node's loop, and the process never ends. Here it is
 *   its connection that closes a channel.
 */
function connecting(PeerConnection, RTCPeerConnection) {
  return class extends RTCPeerConnection {
    #native
    /** Candidates of the other end, for as long as an answer is under way. */
    #held

    constructor(config = {}) {
      const native = new PeerConnection('easypeers', {
        iceServers: iceUrls(config.iceServers ?? []),
        iceTransportPolicy: config.iceTransportPolicy ?? 'all',
        disableAutoNegotiation: true,
      })
      super({ peerConnection: native })
      this.#native = native
    }

    createDataChannel(label, options) {
      const channel = super.createDataChannel(label, options)
      channel.close = () => {}
      return channel
    }

    async createOffer() {
      this.#native.setLocalDescription('offer')
      return super.createOffer()
    }

    async createAnswer() {
      this.#native.setLocalDescription('answer')
      return super.createAnswer()
    }

    /** It is set as soon as it is made. */
    async setLocalDescription() {}

    async setRemoteDescription({ type, sdp }) {
      if (type !== 'offer') return this.#native.setRemoteDescription(sdp, type)
      this.#held = (sdp.match(CANDIDATES) ?? []).map(line => ({ candidate: line.trim().slice(2), sdpMid: '0' }))
      this.#native.setRemoteDescription(sdp.replace(CANDIDATES, ''), type)
      setTimeout(() => {
        const held = this.#held
        this.#held = undefined
        for (const candidate of held) this.addIceCandidate(candidate).catch(() => {}) // one that is wrong is no harm
      }, ANSWERED_MS)
    }

    async addIceCandidate(candidate) {
      if (this.#held) this.#held.push(candidate)
      else if (this.connectionState !== 'closed') await super.addIceCandidate(candidate)
    }

    get localDescription() {
      return this.#native.localDescription() ?? null
    }
  }
}

const CANDIDATES = /^a=(candidate:.*|end-of-candidates)\r?\n/gm

/**
 * As libdatachannel wants them: one URL each, with the credentials in it. It throws for a URL that it does not know, and then
 * nothing connects; those that only a browser understands are left out.
 */
function iceUrls(servers) {
  return servers.flatMap(({ urls, username, credential }) => [urls].flat().map(url => withCredentials(url, username, credential)))
    .filter(url => url !== undefined)
}

function withCredentials(url, username, credential) {
  const [, scheme, host] = /^(stun|turns?):([^[]*)$/i.exec(url) ?? []
  if (scheme === undefined) return undefined
  if (!/^turn/i.test(scheme)) return url
  return `${scheme.toLowerCase()}:${encodeURIComponent(username ?? '')}:${encodeURIComponent(credential ?? '')}@${host}`
}
