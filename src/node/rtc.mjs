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

/**
 * The polyfill, with three things mended:
 * - It negotiates by itself, and an answerer that makes its channel first would make an offer, too. Here descriptions
 *   are made when they are asked for.
 * - A DTLS client of libdatachannel sends its first message once and again only after a second, and an answerer sends it
 *   before the other end listens. Here an answerer is the server: it reads `actpass` as `active` (RFC 8842, section 5.3).
 * - It throws where a browser returns a promise that rejects, or `null`.
 */
function connecting(PeerConnection, RTCPeerConnection) {
  return class extends RTCPeerConnection {
    #native

    constructor(config = {}) {
      const native = new PeerConnection('easypeers', {
        iceServers: iceUrls(config.iceServers ?? []),
        iceTransportPolicy: config.iceTransportPolicy ?? 'all',
        disableAutoNegotiation: true,
      })
      super({ peerConnection: native })
      this.#native = native
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
      this.#native.setRemoteDescription(type === 'offer' ? sdp.replace('a=setup:actpass', 'a=setup:active') : sdp, type)
    }

    get localDescription() {
      return this.#native.localDescription() ?? null
    }
  }
}

/** As libdatachannel wants them: one URL each, with the credentials in it. */
function iceUrls(servers) {
  return servers.flatMap(({ urls, username, credential }) => [urls].flat().map(url => {
    if (!username || !credential) return url
    const [, scheme, rest] = /^(turns?:)(.*)$/.exec(url) ?? ['', '', url]
    return `${scheme}${encodeURIComponent(username)}:${encodeURIComponent(credential)}@${rest}`
  }))
}
