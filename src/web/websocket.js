// One WebSocket to a tracker.
import { Peripheral, reason } from './easypeers.js'

export class TrackerSocket extends Peripheral {
  // Begins to open a socket; an error says why that is hopeless.
  constructor (url, report) {
    super(report)
    refuseMixedContent(url)
    const socket = this.socket = new WebSocket(url)
    socket.onopen = () => this.tell('opened')
    // Trackers speak text; anything else is no announce.
    socket.onmessage = ({ data }) => typeof data === 'string' && this.tell('message', data)
    socket.onclose = ({ code, reason }) => this.end(code === 1006
      ? 'the connection failed or was cut: no such server, no network, or a blocker'
      : `closed by the tracker with code ${code} ${reason}`)
    // Stays on a socket closed before it opened: Node's `ws` reports that as an error, and an error that nobody
    // handles ends the process.
    socket.onerror = () => {}
  }

  // A socket that cannot send is reported as closed.
  send (text) {
    try {
      this.socket.send(text)
    } catch (thrown) {
      this.end(reason(thrown))
    }
  }

  close () {
    this.over = true
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null
    this.socket.close()
  }
}

// Browsers refuse `ws://` on a page of https, but for the machine itself, with an error that says nothing.
function refuseMixedContent (url) {
  const { protocol, hostname } = parsed(url)
  if (protocol === 'wss:') return
  if (protocol !== 'ws:') throw new Error("not a tracker's URL: expected one that begins wss:// or ws://")
  const here = /^(localhost|.*\.localhost|\[::1\]|127\..*)$/.test(hostname)
  if (!here && globalThis.location?.protocol === 'https:') {
    throw new Error("a page of https may not open ws://: use the tracker's wss:// address")
  }
}

function parsed (url) {
  try {
    return new URL(url)
  } catch {
    throw new Error('not a URL: expected one like wss://tracker.example')
  }
}
