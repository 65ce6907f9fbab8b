// In place of WebRTC, for a browser that is built without: connections between peers of one page.

/** Makes a class of connections, which find each other by their descriptions; handed to the browser as source text. */
export function loopback() {
  const ends = new Map()
  let made = 0
  const hex = bytes => Array.from(crypto.getRandomValues(new Uint8Array(bytes)), byte => byte.toString(16).padStart(2, '0'))

  return class {
    iceGatheringState = 'new'
    iceConnectionState = 'new'
    connectionState = 'new'
    localDescription = null
    ufrag = hex(8).join('')
    remote = null
    port = 1024 + made++ % 60_000
    channel = { bufferedAmount: 0, send: data => this.line.postMessage(data.slice()), close: () => this.close() }

    constructor() {
      ends.set(this.ufrag, this)
    }

    createDataChannel() {
      return this.channel
    }

    async createOffer() {
      return this.describe('actpass')
    }

    async createAnswer() {
      return this.describe('active')
    }

    describe(setup) {
      const lines = [
        'v=0', `o=- ${this.port} 2 IN IP4 127.0.0.1`, 's=-', 't=0 0', 'a=group:BUNDLE 0', 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
        'c=IN IP4 0.0.0.0', `a=ice-ufrag:${this.ufrag}`, `a=ice-pwd:${hex(16).join('')}`, 'a=ice-options:trickle',
        `a=fingerprint:sha-256 ${hex(32).join(':').toUpperCase()}`, `a=setup:${setup}`, 'a=mid:0', 'a=sctp-port:5000', 'a=max-message-size:262144',
      ]
      return { sdp: lines.map(line => `${line}\r\n`).join('') }
    }

    async setLocalDescription({ sdp }) {
      this.localDescription = { sdp: `${sdp}a=candidate:1 1 udp 2122260223 192.0.2.1 ${this.port} typ host\r\n` }
      this.meet()
      queueMicrotask(() => {
        this.iceGatheringState = 'complete'
        this.onicegatheringstatechange?.({})
      })
    }

    async setRemoteDescription({ sdp }) {
      this.remote = /a=ice-ufrag:(\w+)/.exec(sdp)[1]
      this.meet()
    }

    async addIceCandidate() {}

    /** Both know of each other. */
    meet() {
      const other = ends.get(this.remote)
      if (this.line || !this.localDescription || !other?.localDescription || other.remote !== this.ufrag) return
      const { port1, port2 } = new MessageChannel()
      this.open(port1)
      other.open(port2)
    }

    open(line) {
      this.line = line
      line.onmessage = ({ data }) => data ? this.channel.onmessage?.({ data: data.buffer }) : this.channel.onclose?.({})
      this.iceConnectionState = this.connectionState = 'connected'
      queueMicrotask(() => {
        this.oniceconnectionstatechange?.({})
        this.channel.onopen?.({})
      })
    }

    close() {
      this.line?.postMessage(null)
      this.line?.close()
      ends.delete(this.ufrag)
    }
  }
}
