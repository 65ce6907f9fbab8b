// The page's thread belongs to the page: what takes long is done in many tasks, each with a part of it that is bounded.
// How long such a part takes is printed by long/cost.test.mjs.

import assert from 'node:assert/strict'

import { behavior } from './harness.mjs'

/** As in src/proto/links/link/wire/frame.rs, in bytes. */
const FRAME = 65_536
/** Slices of a stretched secret (src/proto/secret.rs), and how many of them go into one task at most (src/web/clock.rs). */
const [SLICES, IN_ONE_TASK] = [180_224 / 64, 16]

behavior('a message of 256 kB goes in frames that a task each can handle', async world => {
  await world.tracker()
  const [a, b] = [await world.join('a', 'smooth'), await world.join('b', 'smooth')]
  await Promise.all([a.neighbors(), b.neighbors()])
  for (const [from, to] of [[a, b], [b, a]]) {
    await to.run(() => { probe.heardFrames.length = 0 })
    await from.send('x'.repeat(262_144))
    await to.until('the message', p => p.messages.length === 1)
    assert.equal(await to.run(p => p.messages[0].message.length), 262_144)
    const frames = await to.run(() => probe.heardFrames)
    assert.ok(Math.max(...frames) <= FRAME, `a frame of ${Math.max(...frames)} bytes`)
    assert.ok(frames.filter(size => size > FRAME / 2).length >= 4, `frames of ${frames}`)
  }
})

behavior('of a burst of 100 messages, no task delivers another one once the page has taken its time for one', async world => {
  await world.tracker()
  const page = await world.page()
  await page.evaluate(() => {
    // How many messages the page hears of in each task. A microtask waits until all of them have returned.
    window.delivered = []
    let fresh = true
    window.hear = () => {
      if (fresh) {
        window.delivered.push(0)
        queueMicrotask(() => { fresh = true })
      }
      fresh = false
      window.delivered.push(window.delivered.pop() + 1)
    }
  })
  const [a, b] = [await world.join('a', 'burst'), await world.join('b', 'burst', {}, page)]
  await Promise.all([a.neighbors(), b.neighbors()])
  await b.run(({ easypeers }) => easypeers.on('message', () => {
    window.hear()
    const began = performance.now()
    while (performance.now() - began < 10);
  }))
  await a.run(p => { for (let n = 0; n < 100; n++) p.easypeers.send(`burst ${n}`) })
  await b.until('100 messages', p => p.messages.length === 100)
  const delivered = await page.evaluate(() => window.delivered)
  assert.equal(Math.max(...delivered), 1)
  assert.equal(delivered.filter(count => count === 1).length, 100)
})

behavior('a secret is stretched in many tasks, the page has its turn between them, and what is sent meanwhile is held', async world => {
  await world.tracker()
  const b = await world.join('b', 'stretch', { secret: 's' })
  const page = await world.page()
  const turns = await page.evaluate(url => new Promise(resolve => {
    const { easypeers } = probe.join('a', 'stretch', { secret: 's', trackers: [url] })
    easypeers.send('early')
    // Each turn of the page asks for the next one; between two that come one after the other is one task of another.
    let turns = 0
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      turns++
      if (easypeers.trackers[0].state === 'waiting') port2.postMessage(0)
      else resolve(turns)
    }
    port2.postMessage(0)
  }), world.trackers[0].url)
  world.measured('turns of the page while a secret is stretched', turns)
  assert.ok(turns >= SLICES / IN_ONE_TASK / 2, `${turns} turns`)
  await b.hears('early')
})

behavior('1,000 small messages sent in bursts of 20 arrive once each', async world => {
  await world.tracker()
  const [a, b] = [await world.join('a', 'many'), await world.join('b', 'many')]
  await Promise.all([a.neighbors(), b.neighbors()])
  const began = performance.now()
  // Twenty at a time, each batch in a task of its own, as a lively page would.
  await a.run(p => new Promise(resolve => {
    const { port1, port2 } = new MessageChannel()
    let sent = 0
    port1.onmessage = () => {
      for (let i = 0; i < 20; i++) p.easypeers.send(`small ${sent++}`)
      sent < 1000 ? port2.postMessage(0) : resolve()
    }
    port2.postMessage(0)
  }))
  await b.until('1,000 messages', p => p.messages.length === 1000)
  world.measured('1,000 small broadcasts, messages/s', 1_000_000 / (performance.now() - began))
  assert.equal(await b.run(p => new Set(p.messages.map(m => m.message)).size), 1000)
})

// A neighbor is asked after 3.4 s of silence, and would be taken for dead after 4.8 if its browser were silent, too.
behavior('a page that is blocked for seven seconds loses no neighbor, and hears what was said meanwhile', async world => {
  await world.tracker()
  const [a, b] = [await world.join('a', 'blocked'), await world.join('b', 'blocked')]
  await Promise.all([a.connectedTo(b.address), b.connectedTo(a.address)])
  const blocked = b.block(7_000)
  await a.send('meanwhile')
  await blocked
  await b.hears('meanwhile')
  for (const [peer, other] of [[a, b], [b, a]]) {
    assert.ok(await peer.run((p, other) => other in p.easypeers.wires, other.address))
    assert.deepEqual(await peer.run(p => p.disconnects), [])
  }
})
