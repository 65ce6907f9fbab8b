'use strict'
// Many peers in one page: real ones, each with connections of its own. They meet as tabs do; only the first asks trackers.

class Swarm {
  /** Ends of links that all peers together may have. Chromium makes 500 connections in one process, those among them that have
   *  come to nothing and were not swept up yet: with 190 ends some 300 were seen at worst. */
  static ENDS = 190
  static MOST = 31

  /** `changed` is called when a link came or went, `heard(peer, data)` for each message. */
  constructor (topic, options, changed, heard) {
    Object.assign(this, { topic, options, changed, heard })
    this.peers = []
    this.cuts = new Map() // peer -> what cuts all of its connections
    this.dead = new Set() // addresses of those that were killed
  }

  /** Makes one more, by `make(topic, options)`. */
  add (make = (topic, options) => new Easypeers(topic, options)) {
    const { rtc, cut } = severable()
    const alone = this.peers.length === 0
    const peer = make(this.topic, { ...this.options, ...(alone ? {} : { tracker: [] }), rtc })
    if (!peer) return
    this.cuts.set(peer, cut)
    this.peers.push(peer)
    peer.on('connect', this.changed).on('disconnect', this.changed).on('message', data => this.heard(peer, data))
    if (!alone) peer.on('warning', () => {}).on('error', () => {}) // the first one says it for all of them
    return peer
  }

  /** Whether there is room for another one. */
  get full () {
    return this.peers.length >= Math.min(Swarm.MOST, Math.floor(Swarm.ENDS / this.options.maxPeers))
  }

  /** Adds up to `count`, each when the one before it has met somebody: many at once keep each other from it. */
  async grow (count) {
    for (let i = 0; i < count && !this.full; i++) {
      const peer = this.add()
      this.changed()
      await Promise.race([peer.ready.catch(() => {}), new Promise(resolve => setTimeout(resolve, 3000))])
    }
  }

  /** Ends half of those after the first as a crash does, without a goodbye, and says how many. */
  halve () {
    const doomed = this.peers.slice(1).sort(() => Math.random() - 0.5).slice(0, Math.ceil((this.peers.length - 1) / 2))
    for (const peer of doomed) {
      this.dead.add(peer.address)
      this.cuts.get(peer)()
      this.cuts.delete(peer)
      peer.close()
    }
    this.peers = this.peers.filter(peer => !doomed.includes(peer))
    this.changed()
    return doomed.length
  }

  /** Sets an option of all, and of those to come; returns what it is then. */
  set (name, value) {
    const most = name === 'maxPeers' ? Math.floor(Swarm.ENDS / this.peers.length) : value
    this.options[name] = Math.min(value, most)
    for (const peer of this.peers) peer[name] = this.options[name]
    return this.options[name]
  }

  /** All that is known: `nodes` and `links`, how many `parts` they are in, and the `gaps` in the ring, pairs of next neighbors
   *  that have no link yet. */
  map () {
    const { nodes, links } = this.peers[0].topology()
    const pairs = new Map()
    const join = (a, b) => { if (!this.dead.has(a) && !this.dead.has(b)) pairs.set([a, b].sort().join(), { a, b }) }
    for (const { a, b } of links) join(a, b)
    for (const { address, wires } of this.peers) for (const other in wires) join(address, other)
    const own = new Set(this.peers.map(peer => peer.address))
    const ends = [...pairs.values()].flatMap(({ a, b }) => [a, b]) // of large swarms the first peer sees a part
    const ring = [...new Set([...own, ...ends, ...nodes.filter(node => !this.dead.has(node))])].sort()
    const gaps = ring.length < 2 ? 0 : ring.filter((a, i) => {
      const b = ring[(i + 1) % ring.length]
      return (own.has(a) || own.has(b)) && !pairs.has([a, b].sort().join())
    }).length
    return { nodes: ring, links: [...pairs.values()], parts: parts(ring, pairs.values()), gaps, own }
  }
}

/** In how many parts the nodes are. */
function parts (nodes, links) {
  const root = new Map(nodes.map(node => [node, node]))
  const find = node => { while (root.get(node) !== node) node = root.get(node); return node }
  for (const { a, b } of links) if (root.has(a) && root.has(b)) root.set(find(a), find(b))
  return nodes.filter(node => find(node) === node).length
}

/** Connections that can be cut from outside. */
function severable () {
  const connections = new Set()
  class Severable extends RTCPeerConnection {
    constructor (...args) {
      super(...args)
      for (const old of connections) if (old.signalingState === 'closed') connections.delete(old)
      connections.add(this)
    }
  }
  return { rtc: { RTCPeerConnection: Severable }, cut: () => connections.forEach(connection => connection.close()) }
}
