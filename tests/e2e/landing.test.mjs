// The landing page: a swarm that a visitor plays with.

import assert from 'node:assert/strict'

import { behavior, bounded, PATIENCE } from './harness.mjs'

behavior('two visitors are on each other’s map, with who is in the chat, and see what the others say', async world => {
  world.site.config.tracker = (await world.tracker()).url
  const [a, b] = [await visit(world), await visit(world)]
  for (const page of [a, b]) {
    await status(page, '2 peers, 1 link: one mesh')
    await page.getByRole('img', { name: '2 peers on the ring, you have 1 link' }).waitFor()
    assert.equal(await page.locator('#mesh .nodes circle:not(.here)').count(), 1, 'the other one is of another page')
  }
  const address = await a.evaluate(() => easypeers.address)
  await a.getByRole('button', { name: 'Say hello to all' }).click()
  await story(b, `${address.slice(0, 6)}…${address.slice(-4)} says “hello” to all.`)
  await a.getByRole('button', { name: 'to one far away' }).click()
  await story(a, 'had it over 1 link')
  await story(b, 'says “hello” to you.')
  // The swarm is that of the chat.
  const chat = await world.page({ path: '/chat.html' })
  for (const page of [a, b]) await status(page, '3 peers, 3 links: one mesh')
  await chat.getByRole('textbox', { name: 'Message everyone' }).fill('from the chat')
  await chat.keyboard.press('Enter')
  for (const page of [a, b]) await story(page, 'says “from the chat” to all.')
})

behavior('where no tracker answers, ten peers more in a page are one mesh with it, and heal when half of them die', async world => {
  const tracker = await world.tracker()
  world.site.config.tracker = tracker.url
  await tracker.stop()
  const page = await visit(world)
  await page.getByRole('button', { name: 'Kill half of them', disabled: true }).waitFor()
  await page.getByRole('button', { name: 'Add ten peers' }).click()
  await story(page, '10 peers more in this page.')
  await status(page, /^11 peers, \d+ links: one mesh$/)
  assert.equal(await dots(page).count(), 11)
  await page.getByRole('button', { name: 'Say hello to all' }).click()
  await story(page, '“hello” reached 10 of 10 other peers of this page')

  await page.getByRole('button', { name: 'Kill half of them' }).click()
  await story(page, /^5 peers died without a goodbye\. .*: one mesh, no gap in the ring\.$/)
  await status(page, /^6 peers, \d+ links: one mesh$/)
  await page.waitForFunction(() => document.querySelectorAll('#mesh .nodes circle').length === 6)
  await page.getByRole('button', { name: 'Say hello to all' }).click()
  await story(page, '“hello” reached 5 of 5 other peers of this page')

  // Both sliders count for all of them, at once.
  await page.getByLabel('maxPeers').fill('2')
  await bounded(page.waitForFunction(() => easypeers.maxPeers === 2 && easypeers.wireCount <= 2), 'two links at most')
  await page.getByLabel('coverage').fill('1')
  assert.equal(await page.evaluate(() => easypeers.coverage), 1)
})

async function visit (world) {
  const page = await world.page({ path: '/', viewport: { width: 1280, height: 860 } })
  await page.getByRole('button', { name: 'Add ten peers', disabled: false }).waitFor()
  return page
}

const status = (page, hasText) => page.locator('#status').filter({ hasText }).waitFor({ timeout: PATIENCE })
const story = (page, hasText) => page.locator('#story').filter({ hasText }).waitFor({ timeout: PATIENCE })
const dots = page => page.locator('#mesh .nodes circle:not(.gone)')
