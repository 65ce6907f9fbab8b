// The demo pages, driven as a visitor does: by what the page says of itself.

import assert from 'node:assert/strict'

import { behavior, bounded, PATIENCE } from './harness.mjs'

const NARROW = { width: 360, height: 740 }

behavior('the console: two tabs join, see each other and talk, to everyone and to one', async world => {
  const [a, b] = await tabs(world, '/console.html')
  for (const [me, other] of [[a, b], [b, a]]) {
    await me.page.getByRole('status').filter({ hasText: '1 neighbor' }).waitFor({ timeout: PATIENCE })
    await me.page.getByText(me.address).waitFor()
    await me.page.getByRole('button', { name: short(other.address) }).waitFor()
  }
  await say(a.page, 'hello everyone')
  await heard(b.page, 'hello everyone')
  await a.page.getByRole('combobox', { name: 'To' }).selectOption(b.address)
  await say(a.page, 'only for you')
  await heard(b.page, 'only for you')
  await a.page.getByRole('log').getByText('received after 1 hop').first().waitFor({ state: 'attached' })
  // What the page proposes for the developer tools.
  await b.page.evaluate("easypeers.send('hello')")
  await heard(a.page, 'hello')
  await fine(world, [a, b])
})

behavior('the chat: two tabs join, see each other and talk, to everyone and to one', async world => {
  const [a, b] = await tabs(world, '/chat.html')
  for (const { page } of [a, b]) await page.getByRole('status').filter({ hasText: '1 neighbor' }).waitFor({ timeout: PATIENCE })
  await say(a.page, 'hello everyone')
  await heard(b.page, 'hello everyone')
  await say(b.page, 'x'.repeat(300))
  await heard(a.page, 'x'.repeat(300))
  const people = page => page.getByRole('navigation', { name: 'Talk to' })
  await people(a.page).getByTitle(b.address).click()
  await say(a.page, 'only for you')
  await people(b.page).getByTitle(a.address).filter({ hasText: '1 unread' }).click()
  await heard(b.page, 'only for you')
  await say(b.page, 'and back')
  await heard(a.page, 'and back')
  await people(b.page).getByRole('button', { name: 'Everyone' }).click()
  assert.equal(await b.page.getByRole('log').getByText('only for you', { exact: true }).count(), 0, 'a direct message is not among those to everyone')
  await a.page.evaluate("easypeers.send('hello')")
  await heard(b.page, 'hello')
  await fine(world, [a, b])
})

behavior('the chat shows a whole address to compare, and calls nobody as another is called', async world => {
  const [a, b] = await tabs(world, '/chat.html')
  for (const { page } of [a, b]) await page.getByRole('status').filter({ hasText: '1 neighbor' }).waitFor({ timeout: PATIENCE })
  await say(b.page, 'who am I?')
  await heard(a.page, 'who am I?')
  const sender = a.page.getByRole('log').getByRole('button')
  await sender.click()
  const dialog = a.page.getByRole('dialog')
  const compare = async text => {
    await dialog.getByLabel('Compare with').fill(text)
    return dialog.getByRole('status').textContent()
  }
  const digits = text => text.replace(/\s/g, '')
  assert.equal(digits(await dialog.locator('#identity-address').textContent()), b.address)
  assert.equal(await compare(b.address.toUpperCase().replace(/.{4}/g, '$& ')), 'The same')
  assert.equal(await compare(b.address.slice(0, 20)), 'The same so far')
  assert.equal(await compare(a.address), 'Somebody else')
  await dialog.getByRole('button', { name: 'Close' }).click()

  // Somebody whose address has the same name, the same picture, and seven digits in common.
  const twin = b.address.slice(0, 7) + (parseInt(b.address[7], 16) ^ 2).toString(16) + b.address.slice(8)
  const name = await sender.textContent()
  // It has said something: the page forgets who is not there and has not.
  await a.page.evaluate(address => {
    Log.push(conversationWith(address).entries, { time: new Date(), from: address, text: 'it is me' })
  }, twin)
  await sender.filter({ hasText: b.address.slice(4, 8) }).waitFor()
  const people = a.page.getByRole('navigation', { name: 'Talk to' })
  for (const address of [twin, b.address]) {
    await people.getByRole('button').filter({ hasText: `${name} ${address.slice(0, 4)} ${address.slice(4, 8)}` }).waitFor()
  }
  await people.getByTitle(b.address).click()
  const heading = await a.page.getByRole('heading', { level: 2 }).filter({ hasText: name }).first().textContent()
  assert.ok(digits(heading).includes(b.address.slice(0, 20)), 'eighty bits at least, where one talks to one')
  await fine(world, [a, b])
})

behavior('the console and the chat meet in one swarm, and a closed tab leaves the list', async world => {
  await lobby(world)
  const [a, b] = [await tab(world, '/console.html'), await tab(world, '/chat.html')]
  await b.page.getByRole('status').filter({ hasText: '1 neighbor' }).waitFor({ timeout: PATIENCE })
  await say(b.page, 'hello, console')
  await heard(a.page, 'hello, console')
  await b.page.close()
  await a.page.getByRole('status').filter({ hasText: 'Nobody else here yet' }).waitFor({ timeout: PATIENCE })
  await fine(world, [a])
})

behavior('the diagnosis tells a visitor in words how it is, and sees the others in the lobby', async world => {
  await lobby(world)
  const a = await tab(world, '/diagnose.html', NARROW)
  const status = text => a.page.getByRole('status').filter({ hasText: text }).waitFor({ timeout: PATIENCE })
  await status('Nobody was met so far')
  await a.page.getByText('The trackers know nobody else with this topic.').waitFor()
  const b = await tab(world, '/console.html')
  await status('Yes: it connects')
  await a.page.getByText('Connected to 1 of 1 known peers.').waitFor()
  await fine(world, [a, b])
})

behavior('the diagnosis says what stands in the way where there is no WebRTC', async world => {
  await lobby(world)
  const page = await world.page({ path: '/diagnose.html', before: () => { RTCPeerConnection = class {} } })
  await page.getByRole('alert').filter({ hasText: 'WebRTC does not work here' }).waitFor({ timeout: PATIENCE })
})

behavior('the page on why it does not connect asks this browser when it is told to, and not before', async world => {
  const tracker = await world.tracker()
  world.site.config.tracker = tracker.url
  const page = await world.page({ path: '/docs/troubleshooting.html', viewport: NARROW })
  assert.equal(page.frames().filter(frame => frame.url().includes('diagnose')).length, 0)
  await page.getByText('Ask this browser now').click()
  const diagnosis = page.frameLocator('iframe')
  await diagnosis.getByRole('status').filter({ hasText: 'Nobody was met so far' }).waitFor({ timeout: PATIENCE })
  assert.equal(await diagnosis.getByRole('navigation').count(), 0, 'a page in a page has no menu of its own')
  await fine(world, [{ page }])
})

async function lobby(world) {
  world.site.config.tracker = (await world.tracker()).url
}

async function tabs(world, path) {
  await lobby(world)
  return [await tab(world, path, NARROW), await tab(world, path, NARROW)]
}

async function tab(world, path, viewport) {
  const page = await world.page({ path, viewport })
  await bounded(page.waitForFunction(() => window.easypeers), 'window.easypeers')
  return { page, address: await page.evaluate(() => easypeers.address) }
}

async function say(page, text) {
  await page.getByRole('textbox', { name: /^Message/ }).fill(text)
  await page.getByRole('button', { name: 'Send' }).click()
  await heard(page, text)
}

/** The log shows this text, by whomever. */
function heard(page, text) {
  return page.getByRole('log').getByText(text, { exact: true }).first().waitFor({ timeout: PATIENCE })
}

/** No page complained, and none is wider than a narrow window. */
async function fine(world, tabs) {
  for (const { page } of tabs) {
    const complaints = world.consoles.get(page).filter(line => /^(error|warning|crashed)/.test(line))
    assert.deepEqual(complaints, [])
    const { scrollWidth, clientWidth } = await page.evaluate(() => ({ scrollWidth: document.scrollingElement.scrollWidth, clientWidth: innerWidth }))
    assert.ok(scrollWidth <= clientWidth, `${scrollWidth} px of content in a window of ${clientWidth} px`)
  }
}

const short = address => `${address.slice(0, 6)}…${address.slice(-4)}`
