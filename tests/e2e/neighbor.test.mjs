// A neighbor that talks nonsense on its data channel: it may lose its link, nobody else loses anything.

import assert from 'node:assert/strict'

import { behavior, bounded, oneMesh } from './harness.mjs'

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
    await newcomer.neighbors()
    await newcomer.send('I am new')
    await Promise.all([b.hears('I am new'), c.hears('I am new')])
    world.measured(`links of the talker after ${what}`, await bad.get('wireCount'))
  })
}

behavior('a page that connects and never proves itself gets no link', async world => {
  const tracker = await world.tracker()
  // It knows the tracker and the info hash, speaks WebRTC as well as any, and borrows all that its own descriptions
  // lack from the offer of a member that was there before; what it does not know is what it would have to prove.
  const former = await world.join('former', 'strangers')
  const { info_hash: infoHash, offers: [{ offer: { sdp: example } }] } = await tracker.hears(m => m.offers?.length)
  await former.run(p => p.easypeers.close())
  const a = await world.join('a', 'strangers')
  const stranger = await world.page()
  const heard = stranger.evaluate(async ({ url, infoHash, example }) => {
    const random = () => String.fromCharCode(...crypto.getRandomValues(new Uint8Array(20)))
    const peer_id = random()
    const connections = {}
    let closed
    const turnedAway = new Promise(resolve => { closed = resolve })
    const connect = () => {
      const pc = new RTCPeerConnection()
      for (let id = 0; id < 4; id++) {
        const channel = pc.createDataChannel('x', { negotiated: true, id })
        channel.onopen = () => { for (let n = 0; n < 10; n++) channel.send(crypto.getRandomValues(new Uint8Array(100))) }
        channel.onclose = () => closed()
      }
      return pc
    }
    const describe = async pc => {
      await pc.setLocalDescription()
      if (pc.iceGatheringState !== 'complete') await new Promise(resolve => { pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && resolve() })
      const own = pc.localDescription.sdp
      const name = line => line.split(':')[0]
      const names = new Set(own.split('\r\n').map(name))
      const borrowed = example.split('\r\n').filter(line => line.startsWith('a=') && !names.has(name(line)))
      return own.replace('t=0 0\r\n', ['t=0 0', ...borrowed, ''].join('\r\n'))
    }
    const socket = new WebSocket(url)
    await new Promise(resolve => { socket.onopen = resolve })
    const announce = { action: 'announce', info_hash: infoHash, peer_id }
    socket.onmessage = async ({ data }) => {
      const { answer, offer, offer_id, peer_id: to_peer_id } = JSON.parse(data)
      if (answer) connections[offer_id]?.setRemoteDescription(answer).catch(() => {})
      if (offer) {
        const pc = connect()
        await pc.setRemoteDescription(offer)
        socket.send(JSON.stringify({ ...announce, to_peer_id, offer_id, answer: { type: 'answer', sdp: await describe(pc) } }))
      }
    }
    const offers = []
    for (let i = 0; i < 5; i++) {
      const offer_id = random()
      connections[offer_id] = connect()
      offers.push({ offer_id, offer: { type: 'offer', sdp: await describe(connections[offer_id]) } })
    }
    socket.send(JSON.stringify({ ...announce, numwant: 5, offers, event: 'started', uploaded: 0, downloaded: 0, left: 1 }))
    return turnedAway
  }, { url: tracker.url, infoHash, example })
  // It gets as far as a connection, and no further.
  await bounded(heard, 'the end of the channel of the stranger')
  assert.ok(await stranger.evaluate(() => probe.connections.filter(c => c.connected).length) > 0)
  assert.deepEqual(await a.run(p => [p.connects, p.easypeers.wireCount]), [[], 0])
  const b = await world.join('b', 'strangers')
  await oneMesh([a, b])
  for (const [me, other] of [[a, b], [b, a]]) {
    assert.deepEqual(await me.run(p => [p.connects, p.disconnects, Object.keys(p.easypeers.wires)]), [[other.address], [], [other.address]])
  }
  await a.send('ours')
  await b.hears('ours')
  assert.deepEqual(await b.heard(), { ours: 1 })
})
