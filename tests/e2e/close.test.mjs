// close() leaves nothing behind.

import assert from 'node:assert/strict'

import { behavior } from './harness.mjs'

const NOTHING = { connections: 0, sockets: 0, timers: 0, listeners: 0 }

behavior('close() leaves no connection, socket, timer or listener, and says goodbye', async world => {
  await world.tracker()
  const [a, b] = [await world.join('a', 'close'), await world.join('b', 'close')]
  await Promise.all([a.neighbors(), b.neighbors()])
  const before = await a.run(() => probe.held())
  assert.ok(before.connections > 0 && before.sockets > 0 && before.timers > 0, `the probe sees what an instance holds: ${JSON.stringify(before)}`)

  const began = performance.now()
  const later = await a.run(p => {
    const events = []
    p.easypeers.on('close', () => events.push('close'))
    p.easypeers.close()
    p.easypeers.close()
    p.easypeers.destroy()
    const after = { closed: p.easypeers.closed, wireCount: p.easypeers.wireCount, address: p.easypeers.address.length, events }
    try {
      p.easypeers.send('too late')
      after.send = 'nothing thrown'
    } catch (error) {
      after.send = error.name
    }
    return after
  })
  assert.deepEqual(later, { closed: true, wireCount: 0, address: 40, events: ['close'], send: 'ClosedError' })
  await b.disconnectedFrom(a.address)
  world.measured('close() to disconnect at the neighbor, ms', performance.now() - began)
  assert.equal(await b.run(() => probe.goodbyes), 1)
  await nothingHeld(a)
  await b.run(p => p.easypeers.close())
  await nothingHeld(b)
})

behavior('the methods of the emitter do nothing and throw nothing when it is closed', async world => {
  await world.tracker()
  const a = await world.join('a', 'listeners')
  const told = await a.run(async p => {
    const { easypeers } = p
    const listener = () => {}
    easypeers.on('message', listener)
    const closed = new Promise(resolve => easypeers.once('close', resolve))
    easypeers.close()
    await closed
    const chained = ['on', 'once', 'off', 'addListener', 'removeListener'].map(name => easypeers[name]('message', listener) === easypeers)
    chained.push(easypeers.removeAllListeners() === easypeers, easypeers.off('message') === easypeers, easypeers.on('message', 'no function') === easypeers)
    return { chained: chained.every(Boolean), emit: easypeers.emit('message', 'x'), count: easypeers.listenerCount('message') }
  })
  assert.deepEqual(told, { chained: true, emit: false, count: 0 })
})

behavior('what is sent before close() arrives, awaited or not, small or large', async world => {
  await world.tracker()
  const topic = 'last words'
  const rest = [await world.join('b', topic), await world.join('c', topic)]
  await Promise.all(rest.map(peer => peer.neighbors(1)))
  for (const [size, awaited] of [[10, false], [2_000, true], [200_000, false], [5_000_000, true]]) {
    const a = await world.join(`${size}`, topic)
    await a.neighbors(2)
    await a.run(async (p, { size, awaited }) => {
      const deliveries = [p.easypeers.send(`${size} `.padEnd(size, 'x')), p.easypeers.send(Object.keys(p.easypeers.wires)[0], `direct ${size}`)]
      if (awaited) await Promise.all(deliveries)
      p.easypeers.close()
    }, { size, awaited })
    const arrived = (p, text) => p.messages.some(({ message }) => message.startsWith(text))
    await Promise.all(rest.map(peer => peer.until(`the broadcast of ${size}`, arrived, `${size} `)))
    await Promise.any(rest.map(peer => peer.until(`the direct message after ${size}`, arrived, `direct ${size}`)))
    await nothingHeld(a)
  }
})

behavior('close() in the middle of joining leaves nothing either', async world => {
  await world.tracker()
  const [page, other] = [await world.page(), await world.join('other', 'midway')]
  for (const step of ['at once', 'socket open', 'offer made', 'connecting']) {
    const peer = await world.join(step, 'midway', {}, page)
    await page.evaluate(async step => {
      if (step === 'socket open') await probe.until(() => probe.sockets.at(-1)?.readyState === WebSocket.OPEN)
      if (step === 'offer made') await probe.until(() => probe.connections.some(c => c.pc.signalingState === 'have-local-offer'))
      if (step === 'connecting') await probe.until(() => probe.connections.some(c => !c.closed && c.pc.connectionState !== 'new'))
      probe.peers[step].easypeers.close()
    }, step)
    await nothingHeld(peer)
  }
  await other.until('no neighbors', p => p.easypeers.wireCount === 0)
})

// What leaks grows each time; what was in use at once in some round, on a busy machine, does not.
behavior('50 instances, made and closed, leak nothing, or leave no more the next time', async world => {
  const { url } = await world.tracker()
  const page = await world.page()
  const cdp = await page.context().newCDPSession(page)
  const collect = async () => {
    // Twice: what finalizers free is garbage of the next round.
    for (let i = 0; i < 2; i++) {
      await cdp.send('HeapProfiler.collectGarbage')
      await page.evaluate(() => new Promise(resolve => requestAnimationFrame(() => resolve())))
    }
    const { usedSize, backingStorageSize } = await cdp.send('Runtime.getHeapUsage')
    const wasm = await page.evaluate(() => probe.memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0))
    return { heap: usedSize, buffers: backingStorageSize, wasm }
  }
  const rounds = []
  let settled = false
  for (let round = 0; round < 6 && !settled; round++) {
    await page.evaluate(async ({ url, round }) => {
      for (let batch = 0; batch < 10; batch++) {
        const five = Array.from({ length: 5 }, (_, i) => new Easypeers(`leak ${round} ${batch}`, { trackers: [url], maxPeers: 4 }))
        // One of them meets another; the rest are closed wherever they are.
        await new Promise(resolve => five[0].once('connect', resolve))
        five[0].send('hello')
        for (const easypeers of five) easypeers.close()
      }
      await probe.until(() => Object.values(probe.held()).every(count => count === 0))
      // The probe's own records are not the module's leak.
      probe.made = (probe.made ?? 0) + probe.connections.length
      probe.connections.length = probe.sockets.length = probe.frames.length = 0
    }, { url, round })
    assert.deepEqual(await page.evaluate(() => probe.held()), NOTHING)
    rounds.push(await collect())
    const [before, after] = rounds.slice(-2)
    settled = after !== undefined && after.heap - before.heap < 300 * 1024 && after.buffers - before.buffers < 64 * 1024 &&
      after.wasm === before.wasm
  }
  world.measured('connections made by all instances', await page.evaluate(() => probe.made))
  world.measured('JS heap after each 50, kB', rounds.map(r => Math.round(r.heap / 1024)).join(' '))
  world.measured('array buffers after each 50, kB', rounds.map(r => Math.round(r.buffers / 1024)).join(' '))
  world.measured('WebAssembly memory after each 50, kB', rounds.map(r => Math.round(r.wasm / 1024)).join(' '))
  assert.ok(rounds[0].wasm > 0, 'the module and its memory were seen')
  assert.ok(settled, `each 50 instances left something: ${JSON.stringify(rounds)}`)
})

async function nothingHeld(peer) {
  await peer.until('nothing held', () => Object.values(probe.held()).every(count => count === 0))
  assert.deepEqual(await peer.run(() => probe.held()), NOTHING)
}
