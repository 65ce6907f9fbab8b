// Trackers introduce; they die, come back, and talk nonsense.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'

import { behavior, oneMesh } from './harness.mjs'

behavior('the tracker dies and the mesh goes on; it comes back and a newcomer joins', async world => {
  const tracker = await world.tracker()
  const peers = await world.crowd(3, 'outage')
  await Promise.all(peers.map(peer => peer.neighbors(2)))
  await tracker.stop()
  for (const peer of peers) await peer.send(`without a tracker ${peer.name}`)
  for (const peer of peers) {
    for (const other of peers) if (other !== peer) await peer.hears(`without a tracker ${other.name}`)
    assert.deepEqual(await peer.get('wireCount'), 2, 'all links are still there')
  }

  // A newcomer that arrives while the tracker is away waits for it.
  const newcomer = await world.join('newcomer', 'outage')
  await newcomer.until('a failed attempt', p => p.easypeers.trackers.some(t => t.lastError))
  assert.equal(await newcomer.get('wireCount'), 0)
  await tracker.start()
  const began = performance.now()
  await newcomer.neighbors()
  world.measured('tracker back to newcomer connected, ms', performance.now() - began)
  const other = await world.join('other', 'outage')
  await other.neighbors()
  await oneMesh([...peers, newcomer, other])
  await newcomer.send('I am new')
  await Promise.all([...peers, other].map(peer => peer.hears('I am new')))
})

behavior('who takes up an offer that the tracker brought to somebody else answers at the tracker, too', async world => {
  const tracker = await world.tracker()
  const peers = await world.crowd(6, 'passed on', { maxPeers: 3 })
  await oneMesh(peers)
  // A tracker brings each offer to one member, and that one answers once: a second name is that of another member.
  const answers = offer => tracker.heard.filter(m => m.answer && m.offer_id === offer)
  const twice = () => tracker.heard.some(m => m.answer && new Set(answers(m.offer_id).map(other => other.peer_id)).size > 1)
  // By chance it may bring both of a newcomer's offers to those who take them up.
  for (let n = 0; n < 6 && !twice(); n++) {
    peers.push(await world.join(`newcomer ${n}`, 'passed on', { maxPeers: 3 }))
    await peers.at(-1).neighbors(2)
  }
  assert(twice())
  await oneMesh(peers)
  await peers[0].send('all here')
  await Promise.all(peers.slice(1).map(peer => peer.hears('all here')))
})

behavior('garbage from the tracker changes nothing', async world => {
  const tracker = await world.tracker()
  const peers = await world.crowd(3, 'garbage')
  // All links there can be: one that is still being made would look like a change.
  await Promise.all(peers.map(peer => peer.neighbors(2)))
  const links = await Promise.all(peers.map(peer => peer.run(p => Object.keys(p.easypeers.wires).sort())))
  const announce = await tracker.hears(m => m.offers?.length)
  const binary = () => randomBytes(20).toString('latin1')
  const from = { action: 'announce', info_hash: announce.info_hash, peer_id: binary() }
  const offerId = announce.offers[0].offer_id

  tracker.say(randomBytes(1000))
  tracker.say(randomBytes(1000).toString('latin1'))
  tracker.say('')
  tracker.say('{"action":"announce","info_hash":"')
  tracker.say(JSON.stringify({ ...from, interval: 120 }).slice(0, -1))
  for (const value of [null, true, 0, -1e308, 'text', [], [[]], {}]) {
    tracker.say(value)
    for (const key of ['action', 'info_hash', 'peer_id', 'offer_id', 'offer', 'answer', 'interval', 'complete', 'incomplete', 'failure reason', 'warning message', 'tracker id', 'min interval']) {
      tracker.say({ ...from, offer_id: binary(), offer: { type: 'offer', sdp: 'v=0' }, [key]: value })
      tracker.say({ ...from, interval: 120, complete: 1, incomplete: 2, [key]: value })
    }
    for (const key of ['type', 'sdp']) {
      tracker.say({ ...from, offer_id: binary(), offer: { type: 'offer', sdp: 'v=0', [key]: value } })
      tracker.say({ ...from, offer_id: offerId, answer: { type: 'answer', sdp: 'v=0', [key]: value } })
    }
  }
  tracker.say({ ...from, info_hash: binary(), offer_id: binary(), offer: { type: 'offer', sdp: 'v=0' } })
  tracker.say({ ...from, offer_id: binary(), answer: { type: 'answer', sdp: 'v=0' } })
  for (const sdp of ['', 'nonsense', 'v=0\r\n', 'v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n', randomBytes(5000).toString('latin1'), 'a='.repeat(50_000)]) {
    tracker.say({ ...from, offer_id: binary(), offer: { type: 'offer', sdp } })
    tracker.say({ ...from, offer_id: offerId, answer: { type: 'answer', sdp } })
  }
  // True offers, spoiled: everything but the description's own sense is right.
  for (const { offers, peer_id } of tracker.heard.filter(m => m.offers?.length).slice(-3)) {
    for (const { offer } of offers) {
      tracker.say({ ...from, peer_id, offer_id: binary(), offer: { ...offer, sdp: offer.sdp.slice(0, offer.sdp.length / 2) } })
      tracker.say({ ...from, offer_id: binary(), offer: { ...offer, sdp: offer.sdp.replace(/fingerprint:sha-256 ..../g, 'fingerprint:sha-256 ZZZZ') } })
      tracker.say({ ...from, offer_id: binary(), offer: { ...offer, sdp: [...offer.sdp].reverse().join('') } })
    }
  }
  tracker.say({ 'failure reason': 'because' })
  tracker.say({ 'failure reason': 'x'.repeat(100_000), info_hash: announce.info_hash })
  tracker.say({ ...from, interval: 1e-9 })
  tracker.say('9'.repeat(10_000_000))
  tracker.say(`{"action":"announce","info_hash":${JSON.stringify(announce.info_hash)},"interval":${'['.repeat(100_000)}`)

  await flowsAsBefore(peers, links, 'after the garbage')
  // The tracker's clients took it all: those that left for it are back, and a newcomer joins.
  const newcomer = await world.join('newcomer', 'garbage')
  await newcomer.neighbors()
  await newcomer.send('I am new')
  await Promise.all(peers.map(peer => peer.hears('I am new')))
  assert.ok(await peers[0].run(() => probe.open()) < 40, 'nonsense offers leave no connections behind')
})

behavior('a tracker that only talks nonsense does not keep peers of another tracker apart', async world => {
  const [bad] = [await world.tracker(), await world.tracker()]
  const page = await world.page()
  const a = await world.join('a', 'one bad', {}, page)
  bad.server.ws.on('connection', socket => {
    socket.removeAllListeners('message')
    socket.on('message', () => socket.send(randomBytes(100).toString('latin1')))
  })
  const b = await world.join('b', 'one bad')
  await Promise.all([a.neighbors(), b.neighbors()])
  await a.send('hello')
  await b.hears('hello')
})

behavior('a wrong, an unreachable and a malformed tracker URL break nothing', async world => {
  const { url } = await world.tracker()
  const trackers = ['ws://127.0.0.1:1', 'wss://nowhere.invalid/announce', 'http://127.0.0.1:2', 'not a url', url]
  const [a, b] = [await world.join('a', 'urls', { trackers }), await world.join('b', 'urls', { trackers })]
  await Promise.all([a.neighbors(), b.neighbors()])
  await a.send('hello')
  await b.hears('hello')
  const listed = await a.get('trackers')
  assert.ok(listed.some(t => t.url.startsWith(url) && t.state === 'ready'), JSON.stringify(listed))
})

async function flowsAsBefore(peers, links, text) {
  for (const peer of peers) await peer.send(`${text} ${peer.name}`)
  for (const [i, peer] of peers.entries()) {
    for (const other of peers) if (other !== peer) await peer.hears(`${text} ${other.name}`)
    assert.deepEqual(await peer.run(p => Object.keys(p.easypeers.wires).sort()), links[i], 'the links are the same')
    assert.deepEqual(await peer.run(p => p.disconnects), [], 'no link was lost')
    assert.equal(await peer.run(p => p.messages.length), peers.length - 1, 'and nothing else was delivered')
  }
}
