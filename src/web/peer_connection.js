// One RTCPeerConnection with its one data channel.
import { Peripheral, reason } from './easypeers.js'

// The channel counts as writable again below this many buffered bytes: four of the largest frames, enough to keep
// the line busy and little enough for a small message to overtake a large one.
const LOW_THRESHOLD = 64 << 10

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
