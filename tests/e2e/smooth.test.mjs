// The page's thread belongs to the page.

import assert from 'node:assert/strict'

import { behavior, longestTask } from './harness.mjs'

behavior('a 64 kB message does not block either page for more than 50 ms', async world => {
  await world.tracker()
  const [a, b] = [await world.join('a', 'smooth'), await world.join('b', 'smooth')]
  await Promise.all([a.neighbors(1), b.neighbors(1)])
  let lasted
  const longest = await longestTask(a.page, async () => {
    lasted = await a.run(p => {
      const began = performance.now()
      p.easypeers.send('x'.repeat(65_536))
      return performance.now() - began
    })
    await b.until('the message', p => p.messages.length === 1)
    await b.send('y'.repeat(65_536))
    await a.until('the answer', p => p.messages.length === 1)
  })
  assert.equal(await b.run(p => p.messages[0].message.length), 65_536)
  world.measured('send() of 64 kB takes, others on the machine included, ms', lasted)
  world.measured('longest task of either page, ms of processor time', longest)
  assert.ok(longest < 50, `a task of ${longest} ms`)
})

behavior('1,000 small messages sent in bursts of 20 arrive once each', async world => {
  await world.tracker()
  const [a, b] = [await world.join('a', 'many'), await world.join('b', 'many')]
  await Promise.all([a.neighbors(1), b.neighbors(1)])
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
})
