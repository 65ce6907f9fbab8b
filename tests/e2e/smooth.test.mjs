// The page's thread belongs to the page.

import assert from 'node:assert/strict'

import { behavior } from './harness.mjs'

const LONGEST = 50

behavior('a 64 kB message does not block either page for more than 50 ms', async world => {
  await world.tracker()
  const [a, b] = [await world.join('a', 'smooth'), await world.join('b', 'smooth')]
  await Promise.all([a.neighbors(1), b.neighbors(1)])
  for (const peer of [a, b]) await peer.run(watchThread)
  const lasted = await a.run(p => {
    const began = performance.now()
    p.easypeers.send('x'.repeat(65_536))
    return performance.now() - began
  })
  await b.until('the message', p => p.messages.length === 1)
  await b.send('y'.repeat(65_536))
  await a.until('the answer', p => p.messages.length === 1)
  assert.equal(await b.run(p => p.messages[0].message.length), 65_536)
  const longest = await Promise.all([a, b].map(peer => peer.run(() => probe.longest())))
  world.measured('send() of 64 kB takes, ms', lasted)
  notBlocked(world, longest)
  assert.ok(lasted < LONGEST, `send() took ${lasted} ms`)
})

behavior('1,000 small messages sent in bursts of 20 arrive once each', async world => {
  await world.tracker()
  const [a, b] = [await world.join('a', 'many'), await world.join('b', 'many')]
  await Promise.all([a.neighbors(1), b.neighbors(1)])
  for (const peer of [a, b]) await peer.run(watchThread)
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
  await b.until('1,000 messages', p => p.messages.length === 1000, undefined, 30_000)
  world.measured('1,000 small broadcasts, messages/s', 1_000_000 / (performance.now() - began))
  assert.equal(await b.run(p => new Set(p.messages.map(m => m.message)).size), 1000)
  // A figure, not a promise: with every core busy, the browser counts what others did as the page's own time.
  const longest = await Promise.all([a, b].map(peer => peer.run(() => probe.longest())))
  world.measured('1,000 small broadcasts, longest task over 50 ms or 0', Math.max(...longest.map(l => l.task)))
})

function notBlocked(world, longest) {
  world.measured('longest wait of a 4 ms timer on either page, ms', Math.max(...longest.map(l => l.gap)))
  const task = Math.max(...longest.map(l => l.task))
  assert.ok(task <= LONGEST, `a task took ${task} ms`)
}

/** Runs in the page: `probe.longest()` tells the longest task over 50 ms since, by the browser's own account, and the
 *  longest wait of a timer, which is a figure for what stays below. */
function watchThread() {
  const tasks = [0]
  const note = entries => tasks.push(...entries.map(entry => entry.duration))
  const observer = new PerformanceObserver(list => note(list.getEntries()))
  observer.observe({ type: 'longtask' })
  let last = performance.now()
  let gap = 0
  const tick = () => {
    const now = performance.now()
    gap = Math.max(gap, now - last)
    last = now
    timer = probe.native.setTimeout(tick, 4)
  }
  let timer = probe.native.setTimeout(tick, 4)
  probe.longest = () => {
    probe.native.clearTimeout(timer)
    note(observer.takeRecords())
    observer.disconnect()
    return { task: Math.max(...tasks), gap }
  }
}
