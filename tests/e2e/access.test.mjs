// Pages for those who hear them, enlarge them, or have no mouse.

import assert from 'node:assert/strict'

import axe from 'axe-core'

import { behavior, bounded } from './harness.mjs'

/** Of the documentation, each kind of page once: all are made alike. */
const PAGES = [
  '/', '/chat.html', '/editor.html', '/whiteboard.html', '/game.html', '/console.html', '/diagnose.html',
  '/docs/index.html', '/docs/troubleshooting.html',
]

behavior('axe finds nothing serious on any page, in light and in dark, and none is wider than a narrow window', async world => {
  world.site.config.tracker = (await world.tracker()).url
  const page = await world.page({ viewport: { width: 360, height: 740 } })
  for (const path of PAGES) {
    await page.goto(world.site.url + path)
    if (!path.startsWith('/docs/')) await bounded(page.waitForFunction(() => window.easypeers), path)
    await page.evaluate(axe.source)
    // What the dark changes is colors.
    for (const [colorScheme, options] of [['light', {}], ['dark', { runOnly: ['color-contrast'] }]]) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      const { violations, passes } = await page.evaluate(options => axe.run(document, options), options)
      assert.ok(passes.some(({ id }) => id === 'color-contrast'), 'it has looked')
      const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, nodes }) => `${path} in ${colorScheme}: ${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' ')}`)
      assert.deepEqual(grave, [])
    }
    const [content, window] = await page.evaluate(() => [document.scrollingElement.scrollWidth, innerWidth])
    assert.ok(content <= window, `${path}: ${content} px of content in a window of ${window} px`)
  }
})

behavior('the landing page is played by keyboard alone, and nothing moves for those who want no motion', async world => {
  world.site.config.tracker = (await world.tracker()).url
  const page = await world.page({ path: '/' })
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await page.getByRole('button', { name: 'Add ten peers', disabled: false }).waitFor()
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter') // skips to the swarm
  await page.keyboard.press('Enter')
  await bounded(page.waitForFunction(() => document.querySelectorAll('#mesh .nodes circle').length >= 3), 'more peers')
  await page.getByRole('button', { name: 'Say hello to all' }).focus()
  await page.keyboard.press('Space')
  await page.locator('#story', { hasText: 'reached' }).waitFor()
  // Links light up, and nothing travels on them.
  await page.locator('.flights path').first().waitFor({ state: 'attached' })
  assert.equal(await page.locator('.flights circle').count(), 0)
})
