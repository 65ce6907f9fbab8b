// Trackers that behave as real ones were seen to, beside what the protocol says: each habit is an option.

import { WebSocketServer } from 'ws'

import { Tracker } from './harness.mjs'

/** What a strict tracker takes: any other event, or `null`, closes the socket (wt-tracker, OpenWebTorrent). */
const EVENTS = [undefined, 'started', 'stopped', 'completed']

/**
 * A small tracker with habits:
 * @property {number} late milliseconds that each of its words takes
 * @property {boolean} binary it speaks in binary frames
 * @property {string} mark what it puts in front of its JSON
 * @property {number} interval seconds that it wants between announces
 * @property {number} mostOffers it takes no more in one announce, and closes
 * @property {number} largest it takes no larger message, and closes
 * @property {boolean} clash an announce under a name that another open socket has is ignored (aquatic)
 * @property {boolean} departed who answers one that is gone, is closed (wt-tracker, OpenWebTorrent)
 * @property {boolean} anothers who answers an offer that went to somebody else hears a failure (aquatic)
 * @property {(announce: object, socket: object) => string | undefined} refuses a failure reason in place of a response
 * @property {(socket: object) => unknown} swarm what keeps swarms apart, such as the family of the address (aquatic)
 */
export class Double extends Tracker {
  static async start(habits = {}) {
    const double = Object.assign(new Double(), { habits, port: 0, faults: [], connections: 0 })
    await double.start()
    return double
  }

  async start() {
    const server = new WebSocketServer({ port: this.port, host: this.habits.host ?? '127.0.0.1' })
    await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject))
    this.port = server.address().port
    this.server = server
    server.on('connection', (socket, request) => {
      this.connections++
      socket.family = request.socket.remoteFamily
      this.sockets.add(socket)
      socket.on('close', () => this.sockets.delete(socket))
      socket.on('message', data => this.take(socket, data))
    })
  }

  async stop() {
    const { server } = this
    this.server = null
    for (const socket of this.sockets) socket.terminate()
    if (server) await new Promise(resolve => server.close(resolve))
  }

  take(socket, data) {
    const { habits } = this
    const message = JSON.parse(data)
    this.heard.push(message)
    for (const look of this.waiting) look()
    const { info_hash, peer_id, event, offers = [], numwant, answer, to_peer_id, offer_id } = message
    const fault = data.length > (habits.largest ?? 16_384) ? `a message of ${data.length} bytes`
      : !('event' in message ? EVENTS.slice(1) : EVENTS).includes(event) ? `the event ${event}`
      : offers.length > (habits.mostOffers ?? 10) ? `${offers.length} offers`
      : !answer && event !== 'stopped' && numwant !== offers.length ? `numwant ${numwant} and ${offers.length} offers`
      : undefined
    if (fault) {
      this.faults.push(fault)
      return socket.close()
    }
    if (answer) return this.answer(socket, message, to_peer_id, offer_id)
    if (event === 'stopped') return void (socket.name = undefined)
    const others = [...this.sockets].filter(other => other !== socket && other.name && other.hash === info_hash)
    if (habits.clash && others.some(other => other.name === peer_id)) return
    const reason = habits.refuses?.(message, socket)
    if (reason) return this.tell(socket, { 'failure reason': reason })
    Object.assign(socket, { name: peer_id, hash: info_hash, mine: socket.mine ?? new Set() })
    const here = others.filter(other => habits.swarm?.(other) === habits.swarm?.(socket)).sort(() => Math.random() - 0.5)
    this.tell(socket, { action: 'announce', info_hash, interval: habits.interval ?? 120, complete: 0, incomplete: here.length + 1 })
    for (const [i, { offer, offer_id }] of offers.entries()) {
      if (!here[i]) break
      here[i].mine.add(offer_id)
      this.tell(here[i], { action: 'announce', info_hash, peer_id, offer_id, offer })
    }
  }

  answer(socket, { info_hash, peer_id, answer }, to, offer_id) {
    const { habits } = this
    const other = [...this.sockets].find(other => other.name === to && other.hash === info_hash)
    if (habits.anothers && !socket.mine?.has(offer_id)) return this.tell(socket, { 'failure reason': 'Could not find the offer' })
    if (other) this.tell(other, { action: 'announce', info_hash, peer_id, offer_id, answer })
    else if (habits.departed) socket.close()
  }

  tell(socket, message) {
    const text = (this.habits.mark ?? '') + JSON.stringify(message)
    const say = () => socket.send(this.habits.binary ? Buffer.from(text) : text)
    // Its being late is what is tested, so this waits.
    if (this.habits.late) setTimeout(say, this.habits.late)
    else say()
  }
}
