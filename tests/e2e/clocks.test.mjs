// Pages whose clocks are wrong, jump, or stand still.

import assert from 'node:assert/strict'

import { behavior } from './harness.mjs'

const DAY = 24 * 60 * 60 * 1000

/** The clock of the machine is so far ahead: whatever the page reads it by, but not the time since it was opened. */
function ahead(by) {
  const now = Date.now
  const origin = performance.timeOrigin
  globalThis.skew = by
  Date.now = () => now() + globalThis.skew
  Object.defineProperty(performance, 'timeOrigin', { get: () => origin + by })
}

for (const by of [DAY, -DAY]) {
  behavior(`a page whose clock is a day ${by > 0 ? 'ahead' : 'behind'} takes part`, async world => {
    await world.tracker()
    const wrong = await world.page({ before: ahead, given: by })
    const [a, b, c] = [await world.join('a', 'clocks', {}, wrong), await world.join('b', 'clocks'), await world.join('c', 'clocks')]
    await Promise.all([a, b, c].map(peer => peer.neighbors(2)))
    await a.send('from the wrong one')
    for (const peer of [b, c]) await peer.hears('from the wrong one')
    await b.send('from a right one')
    for (const peer of [a, c]) await peer.hears('from a right one')
    await a.send(b.address, 'to a right one')
    await b.send(a.address, 'to the wrong one')
    await a.until('its warning', p => p.warnings.some(text => /ERR_CLOCK.*24 h 0 min/.test(text)))
    assert.deepEqual(await b.run(p => p.warnings.filter(text => /CLOCK/.test(text))), [])
  })
}

behavior('a clock that jumps by an hour and back interrupts nothing for long', async world => {
  await world.tracker()
  const page = await world.page({ before: ahead, given: 0 })
  const [a, b] = [await world.join('a', 'jumps', {}, page), await world.join('b', 'jumps')]
  await Promise.all([a, b].map(peer => peer.neighbors(1)))
  for (const skew of [DAY / 24, 0]) {
    await page.evaluate(skew => { globalThis.skew = skew }, skew)
    // Whichever reading of the clock comes first, nothing is lost for good: a message a second, until one came each way.
    for (const [from, to] of [[a, b], [b, a]]) {
      await from.run((p, skew) => { p.ticks = setInterval(() => p.easypeers.send(`tick ${skew}`), 100) }, skew)
      await to.hears(`tick ${skew}`)
      await from.run(p => clearInterval(p.ticks))
    }
    await a.send(b.address, `to b after ${skew}`)
    await b.send(a.address, `to a after ${skew}`)
  }
  assert.deepEqual(await Promise.all([a, b].map(peer => peer.run(p => p.disconnects.length))), [0, 0])
})

behavior('a page that stops its clocks after loading stops nothing of this', async world => {
  await world.tracker()
  const page = await world.page()
  await page.evaluate(() => { Date.now = performance.now = () => 5 })
  const [a, b] = [await world.join('a', 'frozen', {}, page), await world.join('b', 'frozen')]
  await Promise.all([a, b].map(peer => peer.neighbors(1)))
  await a.send('on time')
  await b.hears('on time')
  await b.send(a.address, 'too')
  assert.deepEqual(await a.run(p => p.warnings.filter(text => /CLOCK/.test(text))), [])
})

behavior('a page that stops its timers after loading stops nothing of this', async world => {
  const page = await world.page()
  await page.evaluate(() => {
    window.setTimeout = window.setInterval = () => 0
    window.clearTimeout = window.clearInterval = () => {}
  })
  // Nothing but a timer wakes a page that has no tracker.
  const a = await world.join('a', 'no timers', { trackers: [] }, page)
  await a.run(p => { p.easypeers.send(null, 'to nobody', { timeout: 100 }).catch(error => { p.ended = error.code; probe.poke() }) })
  await a.until('the end of the time it was given', p => p.ended === 'ERR_TIMEOUT')
})
