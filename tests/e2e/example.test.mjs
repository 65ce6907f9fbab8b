// The first example of the README, the chat of the guide, and the documented example of the original, letter by letter: its script tag is
// relative and its tracker is on port 8000.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'

import { behavior, bounded, median, PATIENCE } from './harness.mjs'

const EXAMPLE = `<script src="pkg/easypeers.dist.js"></script>
<script>
  const easypeers = new Easypeers('Some unique topic', {
    maxPeers: 6, coverage: 0.33, bitLength: 64, tracker: 'ws://localhost:8000', debug: false,
  })
  easypeers.on('message', data => console.log(data.message.toString().trim()))
  easypeers.once('connect', peer => console.log(peer, easypeers.wireCount, easypeers.identifier, easypeers.address))
  easypeers.on('disconnect', peer => {})
</script>`

behavior('the first example of the README shows whatever is said, null too', async world => {
  const tracker = await world.tracker()
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
  const [, block] = /```html\n([^]*?)\n```/.exec(readme)
  const html = block.replace('src="', 'src="pkg/').replace("'Some unique topic'", `'Some unique topic', { trackers: ['${tracker.url}'] }`)
  assert.ok(html.includes('src="pkg/easypeers.dist.js"') && html.includes(tracker.url))
  world.site.pages.set('/', html)
  const [a, b] = [await example(world), await example(world)]
  await Promise.all([a.says(`connected to ${b.address}`), b.says(`connected to ${a.address}`)])
  for (const said of ['hello', null, 7]) {
    const heard = b.says(`${a.address} says ${said}`)
    await a.page.evaluate(said => { easypeers.send(said) }, said)
    await heard
  }
  const lost = a.says(`lost ${b.address}`)
  await b.page.close()
  await lost
})

behavior('the chat of the guide shows who is here and who types, brings a file, and takes one back', async world => {
  const tracker = await world.tracker()
  const guide = await readFile(new URL('../../docs/guide.md', import.meta.url), 'utf8')
  const [, block] = /## All of it[^]*?```html\n([^]*?)\n```/.exec(guide)
  assert.ok(block.split('\n').length < 80)
  const html = block.replace('src="', 'src="pkg/').replace("'a chat of mine'", `'a chat of mine', { trackers: ['${tracker.url}'] }`)
  assert.ok(html.includes('src="pkg/easypeers.dist.js"') && html.includes(tracker.url))
  world.site.pages.set('/', html)
  const [ada, bob, cy] = [await world.page({ path: '/' }), await world.page({ path: '/' }), await world.page({ path: '/' })]
  const shows = (page, where, hasText) => page.locator(where).filter({ hasText }).waitFor({ state: 'attached', timeout: PATIENCE })
  for (const [page, name] of [[ada, 'Ada'], [bob, 'Bob'], [cy, 'Cy']]) await page.fill('#me', name)
  for (const [page, one, other] of [[ada, 'Bob', 'Cy'], [bob, 'Ada', 'Cy'], [cy, 'Ada', 'Bob']]) {
    await shows(page, '#here', one)
    await shows(page, '#here', other)
  }

  await bob.evaluate(() => {
    globalThis.typed = new Promise(resolve => easypeers.on('presence', ({ state }) => {
      if (state?.isTyping) resolve(document.querySelector('#typing').textContent)
    }))
  })
  await ada.fill('#text', 'hello')
  assert.match(await bob.evaluate(() => globalThis.typed), /^ *Ada is typing/)
  await ada.press('#text', 'Enter')
  for (const page of [bob, cy]) await shows(page, '#log p', /^Ada: hello$/)
  await shows(bob, '#typing', /^\s*$/)

  const file = (name, size) => ({ name, mimeType: 'text/html', buffer: Buffer.alloc(size, 7) })
  await ada.selectOption('#to', { label: 'Bob' })
  await ada.setInputFiles('#file', file('five', 5_000_000))
  await shows(ada, '#log p', /^five is there\.$/)
  await shows(bob, '#log p', /^Ada sent five$/)
  const size = await bob.evaluate(async () => (await (await fetch(document.querySelector('#log a').href)).blob()).size)
  assert.equal(size, 5_000_000)

  await ada.evaluate(() => easypeers.on('progress', ({ bytes }) => { if (bytes > 5_000_000) document.querySelector('#log button')?.click() }))
  await ada.setInputFiles('#file', file('fifteen', 15_000_000))
  await shows(ada, '#log p', /^fifteen: .*withdrawn/)

  await cy.close()
  await shows(ada, '#here', /^Bob$/)
  assert.equal(await ada.locator('progress').count(), 0)
})

behavior('the documented example connects two pages and carries a message between them', async world => {
  await serveExample(world)
  const [a, b] = [await example(world), await example(world)]
  const [said, answered] = await Promise.all([a.says(/^[0-9a-f]{40} /), b.says(/^[0-9a-f]{40} /)])
  assert.equal(said, `${b.address} 1 ${a.identifier} ${a.address}`)
  assert.equal(answered, `${a.address} 1 ${b.identifier} ${b.address}`)
  assert.equal(a.identifier, b.identifier)

  const heard = b.says(/hello/)
  await a.page.evaluate(() => { easypeers.send('  hello\n') })
  assert.equal(await heard, 'hello')
  const direct = a.says(/you/)
  await b.page.evaluate(address => { easypeers.send(address, 'you there') }, a.address)
  assert.equal(await direct, 'you there')
  for (const { page } of [a, b]) assert.equal(await page.evaluate(() => easypeers.wireCount), 1)
})

behavior('the example sees "disconnect" when the other tab is closed, for it hangs up', async world => {
  await serveExample(world)
  const [a, b] = [await example(world), await example(world)]
  await Promise.all([a.says(/ 1 /), b.says(/ 1 /)])
  const gone = a.disconnect(b.address)
  const began = performance.now()
  await b.page.close()
  await bounded(gone, 'disconnect after the tab was closed')
  world.measured('tab closed to disconnect, ms', performance.now() - began)
  // A tab that is closed may be gone before its goodbye is on its way.
  assert.ok(await a.page.evaluate(() => probe.goodbyes + probe.hungUp) > 0)
  assert.equal(await a.page.evaluate(() => easypeers.wireCount), 0)
})

behavior('the example sees "disconnect" when the other process is killed, who cannot hang up', async world => {
  await serveExample(world)
  const other = await world.launch()
  const [a, b] = [await example(world), await example(world, other.browser)]
  await Promise.all([a.says(/ 1 /), b.says(/ 1 /)])
  const gone = a.disconnect(b.address)
  const began = performance.now()
  process.kill(other.pid, 'SIGKILL')
  await bounded(gone, 'disconnect after the process was killed')
  world.measured('process killed to disconnect, ms', performance.now() - began)
  assert.equal(await a.page.evaluate(() => probe.goodbyes + probe.hungUp), 0)
  assert.equal(await a.page.evaluate(() => easypeers.wireCount), 0)
})

behavior('two pages that join at the same moment connect once, whichever offer wins', async world => {
  await world.tracker()
  const [first, second, waits] = [await world.page(), await world.page(), []]
  for (let round = 0; round < 7; round++) {
    const topic = `pair ${round}`
    const pair = await Promise.all([world.join(`a${round}`, topic, {}, first), world.join(`b${round}`, topic, {}, second)])
    await Promise.all(pair.map(peer => peer.neighbors()))
    for (const [i, peer] of pair.entries()) {
      waits.push(await peer.run(p => p.at.connect))
      // A link that is lost and made again would come late: this one is the first.
      assert.deepEqual(await peer.run(p => [p.connects, p.disconnects]), [[pair[1 - i].address], []])
      if (!round) world.measured('constructor takes, ms', await peer.run(p => p.constructed))
    }
    await Promise.all(pair.map(peer => peer.run(p => p.easypeers.close())))
  }
  world.measured('constructor to connect, p50 ms', median(waits))
  world.measured('constructor to connect, slowest ms', Math.max(...waits))
})

/** Puts the example at `/`, with a tracker on its port, or on another port when that one is taken. */
async function serveExample(world) {
  let html = EXAMPLE
  try {
    await world.tracker({ port: 8000 })
  } catch {
    const { port } = await world.tracker()
    html = html.replace('ws://localhost:8000', `ws://localhost:${port}`)
    world.t.diagnostic(`port 8000 is taken: the example's tracker is on ${port}`)
  }
  world.site.pages.set('/', html)
}

async function example(world, browser) {
  const heard = []
  const waiting = new Set()
  const page = await world.page({ path: '/blank', browser })
  page.on('console', message => {
    heard.push(message.text())
    for (const waiter of waiting) waiter()
  })
  await page.goto(world.site.url)
  const [identifier, address] = await page.evaluate(() => [easypeers.identifier, easypeers.address])
  const says = pattern => bounded(new Promise(resolve => {
    const look = () => {
      const line = heard.find(line => typeof pattern === 'string' ? line === pattern : pattern.test(line))
      if (line === undefined) return
      waiting.delete(look)
      resolve(line)
    }
    waiting.add(look)
    look()
  }), `console output like ${pattern}; so far: ${heard}`)
  const disconnect = address => page.evaluate(address => new Promise(resolve => {
    easypeers.on('disconnect', peer => { if (peer === address) resolve() })
  }), address)
  return { page, identifier, address, says, disconnect }
}
