// What it costs a page: figures, printed and never judged, some of them for docs/security.md. What of it does not depend on
// the machine is asserted in ../smooth.test.mjs. `npm run test:e2e -- long/cost` runs this alone.

import assert from 'node:assert/strict'

import { behavior, longestTask, slowDown } from '../harness.mjs'

const BURST = 100

behavior('the time of a burst of 100 messages', async world => {
  await world.tracker()
  const pages = [await world.page(), await world.page()]
  // Every handler of a data channel's messages is timed: frame in, verified, delivered.
  for (const page of pages) {
    await page.evaluate(() => {
      window.handled = []
      const timed = f => function (event) {
        const began = performance.now()
        try { return f.call(this, event) } finally { window.handled.push(performance.now() - began) }
      }
      const own = Object.getOwnPropertyDescriptor(RTCDataChannel.prototype, 'onmessage')
      Object.defineProperty(RTCDataChannel.prototype, 'onmessage', { ...own, set (f) { own.set.call(this, f && timed(f)) } })
      const add = RTCDataChannel.prototype.addEventListener
      RTCDataChannel.prototype.addEventListener = function (type, f, ...rest) {
        return add.call(this, type, type === 'message' && typeof f === 'function' ? timed(f) : f, ...rest)
      }
    })
  }
  const [a, b] = [await world.join('a', 'cost', {}, pages[0]), await world.join('b', 'cost', {}, pages[1])]
  await Promise.all([a.neighbors(), b.neighbors()])
  const runs = []
  for (let run = 0; run < 5; run++) {
    await b.run(() => { window.handled.length = 0 })
    const sending = await a.run((p, [burst, run]) => {
      const began = performance.now()
      for (let n = 0; n < burst; n++) p.easypeers.send(`message ${run} ${n}`)
      return performance.now() - began
    }, [BURST, run])
    await b.hears(`message ${run} ${BURST - 1}`)
    // The slowest hundred: pings and names of messages take next to no time.
    const handled = await b.run((_, burst) => window.handled.toSorted((x, y) => y - x).slice(0, burst), BURST)
    assert.equal(handled.length, BURST)
    runs.push({ sending: sending / BURST * 1000, each: handled.reduce((sum, x) => sum + x) / BURST * 1000, longest: handled[0] })
  }
  const best = key => Math.min(...runs.map(run => run[key]))
  world.measured('send(), prove included, us', best('sending'))
  world.measured('a message received, verified and delivered, us', best('each'))
  world.measured('longest of the tasks of a burst of 100, ms', best('longest'))
})

behavior('the longest task of a burst of 100 messages on a machine four times slower', async world => {
  await world.tracker()
  const [a, b] = [await world.join('a', 'bursts'), await world.join('b', 'bursts')]
  await Promise.all([a.neighbors(), b.neighbors()])
  // There, a hundred messages in one task would take too long.
  await slowDown(b.page, 4)
  const longest = []
  for (let run = 0; run < 3; run++) {
    longest.push(await longestTask(b.page, async () => {
      // Sent as a page would that has much to say: `send()` proves, and ten proofs are enough for one task.
      await a.run((p, [burst, run]) => new Promise(resolve => {
        const { port1, port2 } = new MessageChannel()
        let sent = 0
        port1.onmessage = () => {
          for (let i = 0; i < 10; i++) p.easypeers.send(`burst ${run} ${sent++}`)
          sent < burst ? port2.postMessage(0) : resolve()
        }
        port2.postMessage(0)
      }), [BURST, run])
      await b.hears(`burst ${run} ${BURST - 1}`)
    }))
  }
  // The browser slows a page down by the clock on the wall: what the machine does for others meanwhile counts double.
  const best = Math.min(...longest)
  world.measured('longest task of a burst of 100 on a machine four times slower, best and worst of three, ms', `${best} ${Math.max(...longest)}`)
})

behavior('the longest task of a message of 64 kB', async world => {
  await world.tracker()
  const [a, b] = [await world.join('a', 'large'), await world.join('b', 'large')]
  await Promise.all([a.neighbors(), b.neighbors()])
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
  world.measured('send() of 64 kB takes, others on the machine included, ms', lasted)
  world.measured('longest task of either page, ms of processor time', longest)
})

behavior('the longest task while a secret is stretched on a machine twice as slow', async world => {
  await world.tracker()
  const page = await world.page()
  await slowDown(page, 2)
  const peer = await world.join('a', 'stretch', { secret: 's' }, page)
  // The last task also joins the swarm.
  const longest = await longestTask(page, async () => {
    assert.deepEqual(await peer.run(p => p.easypeers.trackers.map(tracker => tracker.state)), ['waiting'], 'it has begun')
    await peer.until('the end of the stretching', p => p.easypeers.trackers[0].state !== 'waiting')
  }, 'WebSocketCreate')
  world.measured('longest task, ms of processor time', longest)
})
