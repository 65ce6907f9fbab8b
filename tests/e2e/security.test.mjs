// What a page cannot do to others, whatever it does to its own browser.

import assert from 'node:assert/strict'

import { behavior } from './harness.mjs'

behavior('a page without the secret gets no link and no byte of content', async world => {
  const tracker = await world.tracker()
  const [a, b] = await Promise.all(['a', 'b'].map(name => world.join(name, 'private', { secret: 'correct horse', timeout: 1_000 })))
  const strangers = await Promise.all([['c', {}], ['d', { secret: 'wrong' }]].map(([name, options]) => world.join(name, 'private', { ...options, timeout: 1_000 })))
  await Promise.all([a.neighbors(), b.neighbors()])
  await a.send('among us')
  await b.hears('among us')
  // Both strangers, each in a swarm of its own, have looked for others again and again.
  const announcedThrice = () => {
    const swarms = new Map()
    for (const { info_hash: swarm, peer_id: peer, offers } of tracker.heard) {
      if (offers?.length) swarms.set(swarm, [...(swarms.get(swarm) ?? []), peer])
    }
    return [...swarms.values()].filter(peers => peers.length >= 3 && new Set(peers).size === 1).length === 2
  }
  await tracker.hears(announcedThrice)
  for (const peer of strangers) {
    assert.deepEqual(await peer.run(p => [p.easypeers.wireCount, p.connects, p.messages]), [0, [], []])
    assert.equal(await peer.run(() => probe.frames.length), 0, 'no channel ever opened')
  }
  const said = JSON.stringify(tracker.heard)
  assert.ok(said.includes('x-easypeers-sealed'))
  assert.ok(!said.includes(a.address), 'the tracker never saw who is there')
  const hashes = new Set(tracker.heard.map(message => message.info_hash).filter(Boolean))
  assert.equal(hashes.size, 3, 'each secret makes a swarm of its own')
})

behavior('a page that injects into its own data channels cannot forge', async world => {
  await world.tracker()
  const [a, b, evil] = await Promise.all(['a', 'b', 'evil'].map(name => world.join(name, 'forgers')))
  await Promise.all([a, b, evil].map(peer => peer.neighbors(2)))
  // Whatever this page passes on or says, it first changes the text in it; every byte else stays.
  await evil.page.evaluate(() => {
    const send = RTCDataChannel.prototype.send
    window.altered = 0
    RTCDataChannel.prototype.send = function (data) {
      const bytes = new Uint8Array(data instanceof ArrayBuffer ? data.slice(0) : data.slice())
      for (let at = 0; at + 5 <= bytes.length; at++) {
        if (String.fromCharCode(...bytes.subarray(at, at + 5)) === 'TRUTH') {
          bytes.set([0x4c, 0x49, 0x45, 0x53, 0x21], at)
          window.altered++
        }
      }
      return send.call(this, bytes)
    }
  })
  for (let n = 0; n < 3; n++) await evil.send(`TRUTH of evil ${n}`)
  for (let n = 0; n < 10; n++) await a.send(`TRUTH ${n}`)
  for (let n = 0; n < 10; n++) await b.hears(`TRUTH ${n}`)
  assert.ok(await evil.page.evaluate(() => window.altered) > 0, 'it tried')
  const texts = (await Promise.all([a, b].map(peer => peer.run(p => p.messages.map(m => m.message))))).flat()
  assert.deepEqual(texts.filter(text => text.includes('LIES')), [])
  const dropped = await Promise.all([a, b].map(peer => peer.run(p => p.easypeers.stats().dropped)))
  assert.ok(dropped.some(causes => causes.payload > 0), JSON.stringify(dropped))
})

behavior('a relay never sees the text of a direct message', async world => {
  await world.tracker()
  // Two links each: in a ring of five, somebody must relay.
  const peers = await world.crowd(5, 'relays', { maxPeers: 2 })
  await Promise.all(peers.map(peer => peer.neighbors(2)))
  await Promise.all(peers.map(({ page }) => page.evaluate(() => {
    window.plain = 0
    window.framesSeen = 0
    const look = data => {
      window.framesSeen++
      const text = new TextDecoder('latin1').decode(data)
      if (text.includes('FOR YOUR EYES ONLY')) window.plain++
    }
    const send = RTCDataChannel.prototype.send
    RTCDataChannel.prototype.send = function (data) {
      look(data)
      return send.call(this, data)
    }
    for (const { channels } of probe.connections) for (const channel of channels) probe.native.add.call(channel, 'message', event => look(event.data))
  })))
  const [from] = peers
  for (const to of peers.slice(1)) {
    await from.send(to.address, `FOR YOUR EYES ONLY ${to.name}`)
    await to.hears(`FOR YOUR EYES ONLY ${to.name}`)
  }
  const seen = await Promise.all(peers.map(({ page }) => page.evaluate(() => [window.plain, window.framesSeen])))
  assert.deepEqual(seen.map(([plain]) => plain), peers.map(() => 0))
  assert.ok(seen.every(([, frames]) => frames > 0), 'all of them looked')
  assert.ok((await peers[0].run(p => p.messages.length)) === 0)
  const hops = (await Promise.all(peers.slice(1).map(peer => peer.run(p => p.messages[0].hops)))).sort()
  assert.ok(hops.at(-1) >= 2, `somebody relayed: ${hops}`)
})
