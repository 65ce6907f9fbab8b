// The whiteboard and the game, as visitors have them.

import assert from 'node:assert/strict'

import { behavior, bounded, PATIENCE } from './harness.mjs'

behavior('two visitors draw on one whiteboard, by mouse and by keyboard, and who comes later sees what they drew', async world => {
  world.site.config.tracker = (await world.tracker()).url
  const [a, b] = [await visit(world, '/whiteboard.html'), await visit(world, '/whiteboard.html')]
  for (const page of [a, b]) await page.getByRole('status').filter({ hasText: '1 neighbor' }).waitFor({ timeout: PATIENCE })
  const box = await a.locator('#board').boundingBox()
  const [x, y] = [box.x + box.width / 4, box.y + box.height / 4]
  await a.mouse.move(x, y)
  await a.mouse.down()
  await a.mouse.move(x + 80, y + 40)
  await a.mouse.up()
  const [address, picture] = await Promise.all([a.evaluate(() => easypeers.address), inked(b)])
  await b.locator('.cursor', { hasText: address.slice(0, 6) }).waitFor()

  await b.locator('#board').focus()
  for (let i = 0; i < 5; i++) await b.keyboard.press('Shift+ArrowRight')
  await bounded(a.waitForFunction(() => INKED() > 0 && document.querySelector('.cursor')), 'the other one’s stroke')
  const c = await visit(world, '/whiteboard.html')
  assert.ok(await inked(c) >= picture, 'the newcomer has what was there')

  await a.getByRole('button', { name: 'Clear it for all' }).click()
  for (const page of [b, c]) await bounded(page.waitForFunction(() => INKED() === 0), 'a clear board')
  // What is no stroke draws nothing, and breaks nothing.
  await a.evaluate(() => {
    const strokes = easypeers.channel('strokes')
    for (const nonsense of [null, 7, 'x', [NaN, 1], [{}], new Array(5000).fill(1), [10, 10, 20, 20]]) strokes.send(nonsense)
  })
  await inked(b)
})

behavior('a robot joins the game, somebody is it, and catches the other by a direct message', async world => {
  world.site.config.tracker = (await world.tracker()).url
  const page = await visit(world, '/game.html')
  await page.locator('#turn').filter({ hasText: 'add a robot' }).waitFor()
  await page.getByRole('button', { name: 'Add a robot' }).click()
  await page.locator('#rates').filter({ hasText: /^2 players; [1-9]\d* broadcasts a second come in/ }).waitFor({ timeout: PATIENCE })
  // Towards the robot, whoever is it.
  const caught = page.evaluate(() => new Promise(resolve => {
    const field = document.getElementById('field')
    const { left, top, width, height } = field.getBoundingClientRect()
    easypeers.on('message', ({ message, to, verified }) => {
      if (to) resolve({ message, verified })
      else field.dispatchEvent(new PointerEvent('pointermove', { clientX: left + message.x / 1000 * width, clientY: top + message.y / 600 * height }))
    })
  }))
  assert.deepEqual(await bounded(caught, 'to be caught'), { message: 'caught', verified: true })
})

async function visit (world, path) {
  const page = await world.page({
    path,
    viewport: { width: 900, height: 900 },
    before: () => {
      // In small: a whole board takes long to look through.
      window.INKED = () => {
        const small = new OffscreenCanvas(160, 100).getContext('2d', { willReadFrequently: true })
        small.drawImage(document.getElementById('board'), 0, 0, 160, 100)
        return small.getImageData(0, 0, 160, 100).data.filter((value, i) => i % 4 === 3 && value > 0).length
      }
    },
  })
  await bounded(page.waitForFunction(() => window.easypeers), 'window.easypeers')
  return page
}

/** Resolves when something is drawn, with how many points of it. */
async function inked (page) {
  return (await bounded(page.waitForFunction(() => INKED()), 'something drawn')).jsonValue()
}
