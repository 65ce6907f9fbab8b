// The relay that the pages of gossipsub.mjs meet on, in place of a tracker.

// All that js-libp2p misses in Node 20.
Promise.withResolvers ??= function () {
  const parts = {}
  parts.promise = new this((resolve, reject) => Object.assign(parts, { resolve, reject }))
  return parts
}

/** Resolves to the running relay: `url` is where it is. */
export async function relay() {
  const [{ circuitRelayServer }, { gossipsub }, { identify }, { noise }, { webSockets }, { yamux }, { createLibp2p }] = await Promise.all([
    '@libp2p/circuit-relay-v2', '@libp2p/gossipsub', '@libp2p/identify', '@libp2p/noise', '@libp2p/websockets', '@libp2p/yamux', 'libp2p',
  ].map(name => import(name)))
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] },
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // By default many of one host are refused, and gossipsub blames them for it; and there is room for 15 pages.
    connectionManager: { inboundConnectionThreshold: Infinity, maxIncomingPendingConnections: 100 },
    services: {
      identify: identify(),
      pubsub: gossipsub({ scoreParams: { IPColocationFactorWeight: 0 } }),
      relay: circuitRelayServer({ reservations: { maxReservations: Infinity } }),
    },
  })
  node.services.pubsub.subscribe('_peer-discovery._p2p._pubsub')
  return { url: node.getMultiaddrs()[0].toString(), stop: () => node.stop() }
}
