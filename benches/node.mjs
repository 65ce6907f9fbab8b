// How soon two peers in Node are linked, beside two bare connections of node-datachannel that meet by the same tracker and
// make their offers while its socket opens. In turns, from the first object to both ends open, on loopback.
//   node benches/node.mjs [runs]
import { randomBytes } from 'node:crypto'
import { RTCPeerConnection } from 'node-datachannel/polyfill'
import { WebSocket } from 'ws'
import Easypeers from '../pkg/node.mjs'
import { startTracker } from '../scripts/tracker.mjs'

const RUNS = Number(process.argv[2] ?? 60)
/** A bare connection that closes before it opens is not made again; it counts as this, in milliseconds. */
const NEVER = 5000

const name = () => randomBytes(10).toString('hex')

async function ours(url) {
  const topic = name()
  const peers = [0, 1].map(() => new Easypeers(topic, { trackers: [url], rtcConfig: { iceServers: [] } }))
  await Promise.all(peers.map(peer => peer.ready))
  return () => peers.forEach(peer => peer.close())
}

async function bare(url) {
  const hash = name()
  const ends = [0, 1].map(() => end(url, hash))
  await Promise.race([Promise.all(ends.map(({ open }) => open)), new Promise(resolve => setTimeout(resolve, NEVER))])
  return () => ends.forEach(({ close }) => close())
}

/** One end: offers by the tracker, and answers what the other end offers. */
function end(url, hash) {
  const connections = []
  let opened
  const open = new Promise(resolve => { opened = resolve })
  const connection = () => {
    const made = new RTCPeerConnection({ iceServers: [] })
    connections.push(made)
    return made
  }
  const gathered = made => new Promise(resolve => {
    const look = () => made.iceGatheringState === 'complete' && resolve(made.localDescription.sdp)
    made.onicegatheringstatechange = look
    look()
  })
  const offering = connection()
  offering.createDataChannel('bare').onopen = opened
  const offer = offering.createOffer().then(offer => offering.setLocalDescription(offer)).then(() => gathered(offering))

  const socket = new WebSocket(url)
  const say = about => socket.send(JSON.stringify({
    action: 'announce', info_hash: hash, peer_id: id, numwant: 1, uploaded: 0, downloaded: 0, left: 1, ...about,
  }))
  const id = name()
  socket.on('error', () => {})
  socket.on('open', async () => say({ event: 'started', offers: [{ offer_id: name(), offer: { type: 'offer', sdp: await offer } }] }))
  socket.on('message', async data => {
    const heard = JSON.parse(data)
    if (heard.answer) return offering.setRemoteDescription(heard.answer).catch(() => {})
    if (!heard.offer) return
    const answering = connection()
    answering.ondatachannel = ({ channel }) => {
      if (channel.readyState === 'open') opened()
      else channel.onopen = opened
    }
    await answering.setRemoteDescription(heard.offer)
    await answering.setLocalDescription(await answering.createAnswer())
    say({ to_peer_id: heard.peer_id, offer_id: heard.offer_id, answer: { type: 'answer', sdp: await gathered(answering) } })
  })
  return { open, close: () => [socket, ...connections].forEach(each => each.close()) }
}

const tracker = await startTracker({ port: 0 })
const times = { bare: [], ours: [] }
for (let run = 0; run < RUNS; run++) {
  for (const [kind, link] of Object.entries({ bare, ours })) {
    const began = performance.now()
    const close = await link(tracker.url)
    times[kind].push(performance.now() - began)
    close()
  }
}
for (const [kind, all] of Object.entries(times)) {
  all.sort((a, b) => a - b)
  const at = share => all[Math.min(all.length - 1, Math.floor(all.length * share))].toFixed(0)
  console.log(`${kind}: p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, longest ${at(1)} ms, of ${all.length}`)
}
process.exit()
