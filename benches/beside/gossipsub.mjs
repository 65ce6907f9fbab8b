// js-libp2p knows no WebTorrent trackers. Its pages meet on a relay of our own, which also passes on the discovery of
// peers (relay.mjs); what they say goes over WebRTC only. It dials nobody by itself. Pages that dial all whom they
// discover, as its examples do, end with next to no link when 16 join at once, for nearly every dial takes too long; so
// they dial one after another here, and only while they have fewer links than gossipsub wants.
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { peerIdFromString } from '@libp2p/peer-id'
import { pubsubPeerDiscovery } from '@libp2p/pubsub-peer-discovery'
import { webRTC } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'

const DIRECT = '/beside/1.0.0'
/** D of gossipsub. */
const LINKS = 6
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
    let text = ''
    for await (const chunk of stream) text += new TextDecoder().decode(chunk.subarray())
    onMessage(text)
  })
  const { pubsub } = node.services
  pubsub.addEventListener('message', ({ detail }) => detail.topic === topic && onMessage(new TextDecoder().decode(detail.data)))
  await node.start()
  pubsub.subscribe(topic)
  return {
    id: node.peerId.toString(),
    neighbors: () => new Set(direct().map(({ remotePeer }) => remotePeer.toString())).size,
    // It rejects when nobody is there to hear.
    send: text => { pubsub.publish(topic, new TextEncoder().encode(text)).catch(() => {}) },
    sendTo: async (id, text) => {
      try {
        const stream = await node.dialProtocol(peerIdFromString(id), DIRECT)
        stream.send(new TextEncoder().encode(text))
        await stream.close()
      } catch { /* that is what is measured */ }
    },
  }
}
