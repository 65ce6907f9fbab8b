// A partition: from some moment on nothing gets from pages of one part to those of another, though all of them live. What links and
// attempts there are between them stay open, and swallow what is sent. Without a tracker nothing joins the parts again.

import { bounded, connectedParts } from './harness.mjs'

/** Runs in a page: how many connections it has made, and of each that is open its number and the names of its two ends. */
function ends () {
  const ufrag = description => /a=ice-ufrag:(\S+)/.exec(description?.sdp)?.[1]
  const open = probe.connections.flatMap(({ pc }, i) =>
    pc.signalingState === 'closed' ? [] : [{ i, here: ufrag(pc.localDescription), there: ufrag(pc.remoteDescription) }])
  return { made: probe.connections.length, open }
}

/** Runs in a page: from now on these connections swallow what is sent. */
function wall (numbers) {
  if (!window.walled) {
    window.walled = new Set()
    const { send } = RTCDataChannel.prototype
    RTCDataChannel.prototype.send = function (data) {
      if (![...window.walled].some(({ channels }) => channels.includes(this))) return send.call(this, data)
    }
  }
  for (const i of numbers) window.walled.add(probe.connections[i])
}

/**
 * Parts these peers from those, and resolves to the parts that are left when no page has a neighbor on the other side: at least two, and
 * more where one of the two hangs together by the other alone.
 */
export async function part (some, others) {
  const all = [...some, ...others]
  const far = peer => (some.includes(peer) ? others : some)
  await bounded((async () => {
    for (;;) {
      const seen = await Promise.all(all.map(peer => peer.page.evaluate(ends)))
      const of = peers => new Set(peers.flatMap(peer => seen[all.indexOf(peer)].open.map(({ here }) => here)))
      const names = new Map([some, others].map(side => [side, of(side)]))
      await Promise.all(all.map((peer, n) => peer.page.evaluate(wall,
        seen[n].open.filter(({ there }) => names.get(far(peer)).has(there)).map(({ i }) => i))))
      const addresses = all.map(peer => far(peer).map(({ address }) => address))
      // Whichever comes first: all are parted, or somebody has another connection, which may lead across.
      const parted = Promise.all(all.map((peer, n) =>
        peer.until('no neighbor on the other side', (p, far) => !far.some(address => address in p.easypeers.wires), addresses[n])))
      const changed = Promise.race(all.map((peer, n) => peer.until('another connection', (p, before) =>
        probe.connections.length > before, seen[n].made)))
      changed.catch(() => {})
      parted.catch(() => {})
      if (await Promise.race([parted.then(() => true), changed.then(() => false)])) return
    }
  })(), 'two parts')
  const wires = await Promise.all(all.map(peer => peer.run(p => Object.keys(p.easypeers.wires))))
  return connectedParts(new Map(all.map((peer, n) => [peer.address, wires[n]]))).map(part => all.filter(({ address }) => part.has(address)))
}
