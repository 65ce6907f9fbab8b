// The pages of www/ in Firefox.

import assert from 'node:assert/strict'

import { bounded } from '../e2e/harness.mjs'
import { behavior } from './harness.mjs'

for (const path of ['/', '/chat.html', '/editor.html', '/whiteboard.html', '/game.html', '/console.html', '/diagnose.html']) {
  behavior(`two of ${path} link, and neither complains`, async world => {
    world.site.config.tracker = (await world.tracker()).url
    const visit = async () => {
      const page = await world.page({ path })
      await bounded(page.waitForFunction(() => window.easypeers), 'window.easypeers')
      return page
    }
    const pages = [await visit(), await visit()]
    for (const page of pages) await bounded(page.waitForFunction(() => easypeers.wireCount > 0), 'a link')
    const addresses = await Promise.all(pages.map(page => page.evaluate(() => easypeers.address)))
    for (const page of pages) {
      const wires = await page.evaluate(() => Object.keys(easypeers.wires))
      assert.ok(wires.every(wire => addresses.includes(wire)), 'with each other')
      assert.deepEqual(world.consoles.get(page).filter(line => /^(error|warn)/.test(line)), [])
    }
  })
}
