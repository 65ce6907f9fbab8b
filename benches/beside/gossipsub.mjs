// js-libp2p knows no WebTorrent trackers. Its pages meet on a relay of our own, which also passes on the discovery of
// peers (relay.mjs); what they say goes over WebRTC only. It dials nobody by itself. Pages that dial all whom they
// discover, as its examples do, end with next to no link when 16 join at once, for nearly every dial takes too long; so
// they dial one after another here, and only while they have fewer links than gossipsub wants.
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { pubsubPeerDiscovery } from '@libp2p/pubsub-peer-discovery'
import { webRTC } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'

import { drained } from './drained.mjs'

const DIRECT = '/beside/1.0.0'
/** Bytes before each message on a stream, and of a part that is written at once. */
const [HEAD, PART] = [5, 65_536]
/** D of gossipsub. */
const LINKS = 6
/** When two dial each other, one of the connections may be dead, and a stream on it hangs: after so long the other is tried. */
const STUCK_MS = 2_000
/** By default five seconds; too little for pages that start together on one machine. */
const RESERVATION_MS = 20_000

export async function join(topic, relay, { onConnect, onMessage }) {
  const node = await createLibp2p({
    addresses: { listen: [`${relay}/p2p-circuit`, '/webrtc'] },
    transports: [webSockets(), webRTC(), circuitRelayTransport({ reservationCompletionTimeout: RESERVATION_MS })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // By default a page dials no address of this machine.
    connectionGater: { denyDialMultiaddr: () => false },
    // By default many of one host are refused, and gossipsub blames them for it; here all are of one.
    connectionManager: { inboundConnectionThreshold: Infinity, maxIncomingPendingConnections: 100 },
    services: { identify: identify(), pubsub: gossipsub({ scoreParams: { IPColocationFactorWeight: 0 } }) },
    // The interval of js-libp2p's own examples; its default is ten seconds.
    peerDiscovery: [pubsubPeerDiscovery({ interval: 1_000 })],
    start: false,
  })
  const direct = () => node.getConnections().filter(({ limits, remoteAddr }) => !limits && remoteAddr.toString().includes('/webrtc'))
  node.addEventListener('connection:open', () => direct().length > 0 && onConnect())
  const known = new Set()
  let dialing = false
  const dial = async () => {
    if (dialing) return
    dialing = true
    for (const address of [...known].sort(() => Math.random() - 0.5)) {
      if (direct().length >= LINKS) break
      if (!direct().some(({ remotePeer }) => address.toString().endsWith(remotePeer.toString()))) await node.dial(address).catch(() => {})
    }
    dialing = false
  }
  setInterval(dial, 1_000)
  node.addEventListener('peer:discovery', ({ detail }) => {
    for (const address of detail.multiaddrs) if (address.toString().includes('/webrtc')) known.add(address)
    dial()
  })
  await node.handle(DIRECT, async stream => {
    for await (const data of frames(stream)) onMessage(data)
  }, { maxInboundStreams: 1_000 })
  /** To each peer that is written to one stream, and what is written to it last: parts of two messages must not mix. */
  const streams = new Map()
  const opened = async id => {
    for (const connection of direct().filter(({ remotePeer }) => remotePeer.toString() === id)) {
      const stream = await connection.newStream(DIRECT, { signal: AbortSignal.timeout(STUCK_MS) }).catch(() => null)
      if (stream) return stream
    }
    throw new Error(`no way to ${id}`)
  }
  const write = async (id, data) => {
    const stream = await streams.get(id).stream
    // Its `onDrain` waits the first time only, and from then on nothing would hold back.
    for (const part of framed(data)) if (!stream.send(part)) await drained(() => stream.status === 'open' && stream.writableNeedsDrain ? Infinity : 0)
  }
  const { pubsub } = node.services
  pubsub.addEventListener('message', ({ detail }) => detail.topic === topic && onMessage(new TextDecoder().decode(detail.data)))
  await node.start()
  pubsub.subscribe(topic)
  return {
    id: node.peerId.toString(),
    neighbors: () => new Set(direct().map(({ remotePeer }) => remotePeer.toString())).size,
    // It rejects when nobody is there to hear.
    send: data => pubsub.publish(topic, bytes(data)).catch(() => {}),
    sendTo: (id, data) => {
      if (!streams.has(id)) streams.set(id, { stream: opened(id), last: null })
      const to = streams.get(id)
      // That it does not arrive is what is measured.
      to.last = Promise.resolve(to.last).then(() => write(id, data)).catch(() => streams.delete(id))
      return to.last
    },
  }
}

const bytes = data => typeof data === 'string' ? new TextEncoder().encode(data) : data

/** A stream knows no messages: before each its length, and whether it is a text. Large ones go in parts. */
function * framed(data) {
  const body = bytes(data)
  const frame = new Uint8Array(HEAD + body.length)
  new DataView(frame.buffer).setUint32(0, body.length)
  frame[HEAD - 1] = typeof data === 'string'
  frame.set(body, HEAD)
  for (let at = 0; at < frame.length; at += PART) yield frame.subarray(at, at + PART)
}

async function * frames(stream) {
  let [parts, have, wanted] = [[], 0, HEAD]
  for await (const chunk of stream) {
    parts.push(chunk.subarray())
    have += chunk.byteLength
    if (have < wanted) continue
    const all = joined(parts, have)
    let at = 0
    for (;;) {
      const left = all.subarray(at)
      wanted = left.length < HEAD ? HEAD : HEAD + new DataView(left.buffer, left.byteOffset).getUint32(0)
      if (left.length < wanted) break
      const body = left.subarray(HEAD, wanted)
      yield left[HEAD - 1] ? new TextDecoder().decode(body) : body
      at += wanted
    }
    parts = [all.subarray(at)]
    have -= at
  }
}

function joined(parts, length) {
  const all = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
