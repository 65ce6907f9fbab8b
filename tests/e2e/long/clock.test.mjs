// A whole browser whose clock is wrong, and not only what a page reads of it.

import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'

import { behavior } from '../harness.mjs'

/** libfaketime, as Debian's package `faketime` brings it. */
function library() {
  const found = readdirSync('/usr/lib').map(folder => `/usr/lib/${folder}/faketime/libfaketimeMT.so.1`).find(existsSync)
  assert.ok(found, 'install faketime (Debian: apt-get install faketime)')
  return found
}

for (const [by, said] of [['+23h', 'ahead'], ['-23h', 'behind']]) {
  behavior(`a browser whose clock is 23 hours ${said} takes part`, async world => {
    await world.tracker()
    const env = { ...process.env, LD_PRELOAD: library(), FAKETIME: by, DONT_FAKE_MONOTONIC: '0' }
    // With a zygote a page's process finds no clock.
    const { browser } = await world.launch({ flags: ['--no-zygote'], env })
    const page = await world.page({ browser })
    const off = await page.evaluate(() => Date.now()) - Date.now()
    assert.ok(Math.abs(off) > 22 * 3_600_000, `the clock of the page is ${off} ms off`)
    const [a, b, c] = [await world.join('a', 'clock', {}, page), await world.join('b', 'clock'), await world.join('c', 'clock')]
    await Promise.all([a, b, c].map(peer => peer.neighbors(2)))
    await a.send('from the wrong one')
    for (const peer of [b, c]) await peer.hears('from the wrong one')
    await b.send(a.address, 'to the wrong one')
    await a.hears('to the wrong one')
    await a.send(b.address, 'to a right one')
    await b.hears('to a right one')
    await a.until('its warning', p => p.warnings.some(text => /ERR_CLOCK.*(23 h 0 min|22 h 59 min)/.test(text)))
  })
}
