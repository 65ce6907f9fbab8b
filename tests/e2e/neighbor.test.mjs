// A neighbor that talks nonsense on its data channel: it may lose its link, nobody else loses anything.

import assert from 'node:assert/strict'

import { behavior, oneMesh } from './harness.mjs'

const NONSENSE = {
  'random bytes': inject => {
    for (let i = 0; i < 200; i++) inject(crypto.getRandomValues(new Uint8Array(1 + i * 7)))
  },
  'empty and tiny frames': inject => {
    inject(new Uint8Array(0))
    for (let tag = 0; tag < 256; tag++) inject(Uint8Array.of(tag))
    for (let tag = 0; tag < 256; tag++) inject(Uint8Array.of(tag, 255, 255, 255, 255, 255, 255, 255, 255, 255))
  },
  'true frames, truncated': (inject, frames) => {
    for (const frame of frames) for (const part of [0.1, 0.5, 0.9]) inject(frame.slice(0, frame.length * part))
    for (const frame of frames) inject(frame.slice(0, -1))
  },
  'true frames with a bit turned': (inject, frames) => {
    for (const frame of frames) {
      for (let at = 0; at < frame.length; at += Math.max(1, frame.length >> 3)) inject(frame.map((byte, i) => (i === at ? byte ^ 0x10 : byte)))
    }
  },
  'true frames again': (inject, frames) => {
    for (let round = 0; round < 3; round++) for (const frame of frames) inject(frame)
  },
  text: inject => {
    inject('text')
    inject('{"type":"hello"}')
    inject('🎉'.repeat(5000))
  },
  '10 MB in many frames': inject => {
    for (let i = 0; i < 640; i++) inject(new Uint8Array(16_384).fill(i))
  },
}

for (const [what, talk] of Object.entries(NONSENSE)) {
  behavior(`${what} from a neighbor change nothing for the others`, async world => {
    await world.tracker()
    const [bad, b, c] = await world.crowd(3, 'nonsense', { maxPeers: 4 })
    await Promise.all([bad, b, c].map(peer => peer.neighbors(2)))
    await bad.send('before')
    await bad.send(b.address, 'direct before')
    await Promise.all([b.hears('before'), c.hears('before'), b.hears('direct before')])

    await bad.run(async (p, source) => {
      const frames = probe.frames.map(([, bytes]) => bytes)
      const open = probe.connections.flatMap(c => c.channels).filter(channel => channel.readyState === 'open')
      const queued = []
      ;(0, eval)(`(${source})`)(frame => queued.push(frame), frames)
      for (const channel of open) {
        for (const frame of queued) {
          // The channel closes when the neighbor has had enough; that is its right.
          if (channel.readyState !== 'open') break
          if (channel.bufferedAmount > 1_000_000) await new Promise(resolve => {
            channel.addEventListener('bufferedamountlow', resolve, { once: true })
            channel.addEventListener('close', resolve, { once: true })
          })
          try {
            probe.native.send.call(channel, frame)
          } catch {
            break
          }
        }
      }
    }, talk.toString())

    await b.send('still here')
    await c.hears('still here')
    await c.send(b.address, 'you too')
    await b.hears('you too')
    for (const [me, other] of [[b, c], [c, b]]) {
      assert.ok(await me.run((p, address) => address in p.easypeers.wires && !p.disconnects.includes(address), other.address), 'b and c kept their link')
    }
    for (const peer of [b, c]) {
      const heard = await peer.heard()
      for (const [message, count] of Object.entries(heard)) assert.equal(count, 1, `${message} came ${count} times`)
      for (const message of Object.keys(heard)) assert.ok(['before', 'direct before', 'still here', 'you too'].includes(message), `${message} was never sent`)
    }
    assert.deepEqual(Object.keys(await c.heard()).filter(m => m.startsWith('direct')), [])
    // A newcomer finds a healthy swarm.
    const newcomer = await world.join('newcomer', 'nonsense', { maxPeers: 4 })
    await newcomer.neighbors(1)
    await newcomer.send('I am new')
    await Promise.all([b.hears('I am new'), c.hears('I am new')])
    world.measured(`links of the talker after ${what}`, await bad.get('wireCount'))
  })
}

behavior('a page that only opens a channel and never proves itself gets no link', async world => {
  const tracker = await world.tracker()
  const [a, b] = await world.crowd(2, 'strangers')
  await oneMesh([a, b])
  const stranger = await world.page()
  const infoHash = tracker.heard[0].info_hash
  // It knows the tracker and the info hash, and speaks WebRTC as well as any.
  await stranger.evaluate(async ({ url, infoHash }) => {
    const random = () => String.fromCharCode(...crypto.getRandomValues(new Uint8Array(20)))
    const peer_id = random()
    const socket = new WebSocket(url)
    await new Promise(resolve => { socket.onopen = resolve })
    const offers = []
    const connections = {}
    for (let i = 0; i < 5; i++) {
      const pc = new RTCPeerConnection()
      for (let id = 0; id < 4; id++) {
        const channel = pc.createDataChannel('x', { negotiated: true, id })
        channel.onopen = () => { for (let n = 0; n < 10; n++) channel.send(crypto.getRandomValues(new Uint8Array(100))) }
      }
      await pc.setLocalDescription()
      await new Promise(resolve => { pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && resolve() })
      const offer_id = random()
      connections[offer_id] = pc
      offers.push({ offer_id, offer: { type: 'offer', sdp: pc.localDescription.sdp } })
    }
    socket.onmessage = async ({ data }) => {
      const { answer, offer, offer_id, peer_id: to_peer_id } = JSON.parse(data)
      if (answer) await connections[offer_id]?.setRemoteDescription(answer).catch(() => {})
      if (offer) {
        const pc = new RTCPeerConnection()
        const done = await pc.setRemoteDescription(offer).then(() => pc.setLocalDescription()).catch(() => 'no')
        if (done === 'no') return
        await new Promise(resolve => { pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && resolve() })
        socket.send(JSON.stringify({ action: 'announce', info_hash: infoHash, peer_id, to_peer_id, offer_id, answer: { type: 'answer', sdp: pc.localDescription.sdp } }))
      }
    }
    socket.send(JSON.stringify({ action: 'announce', info_hash: infoHash, peer_id, numwant: 5, offers, event: 'started', uploaded: 0, downloaded: 0, left: 1 }))
    await new Promise(resolve => probe.native.setTimeout(resolve, 3000))
  }, { url: tracker.url, infoHash })
  for (const [me, other] of [[a, b], [b, a]]) {
    assert.deepEqual(await me.run(p => [p.connects, p.disconnects, Object.keys(p.easypeers.wires)]), [[other.address], [], [other.address]])
  }
  await a.send('ours')
  await b.hears('ours')
  assert.deepEqual(await b.heard(), { ours: 1 })
})
