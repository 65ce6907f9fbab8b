// The life of a page: it goes, is frozen, sleeps, is offline, comes back. What it says while it goes gets out, or is refused
// because it is closed; and nobody keeps a ghost of it.

import assert from 'node:assert/strict'
import { connect, createServer } from 'node:net'

import puppeteer from 'puppeteer-core'

import { behavior, CHROMIUM, Peer } from './harness.mjs'

/** A page that joins by itself and says something in each moment in which it goes, by listeners that were there before the
 *  library, or came after it; what that came to is kept for the next page of this origin. */
const farewells = (url, topic) => `<!doctype html><title>goes</title>
<script>
  const MOMENTS = [[window, 'beforeunload'], [window, 'pagehide'], [document, 'visibilitychange'], [window, 'unload']]
  const said = []
  function watch (when) {
    for (const [target, moment] of MOMENTS) {
      target.addEventListener(moment, () => {
        let outcome
        try {
          easypeers.send(when + ' ' + moment)
          outcome = 'sent'
        } catch (error) {
          outcome = error instanceof Easypeers.ClosedError && easypeers.closed ? 'closed' : String(error)
        }
        said.push([when, moment, outcome])
        localStorage.said = JSON.stringify(said)
      })
    }
  }
  watch('before')
</script>
<script src="/pkg/easypeers.dist.js"></script>
<script>
  const { easypeers } = probe.join('page', ${JSON.stringify(topic)}, { trackers: [${JSON.stringify(url)}] })
  watch('after')
</script>`

behavior('what a page says while it goes gets out, or it is closed by then, whenever its listeners were added', async world => {
  const { url } = await world.tracker()
  world.site.pages.set('/goes', farewells(url, 'goes'))
  const b = await world.join('b', 'goes')
  const page = await world.page({ path: '/goes' })
  const a = new Peer(world, page, 'page')
  const address = await a.get('address')
  await Promise.all([a.neighbors(), b.connectedTo(address)])
  await page.goto(`${world.site.url}/blank`)
  const said = JSON.parse(await page.evaluate(() => localStorage.said))
  world.measured('what became of it', said.map(words => words.join(' ')).join(', '))
  assert.ok(said.every(([,, outcome]) => outcome === 'sent' || outcome === 'closed'), JSON.stringify(said))
  const outcomes = moment => said.filter(([, name]) => name === moment).map(([,, outcome]) => outcome)
  assert.deepEqual(outcomes('pagehide'), ['sent', 'sent'])
  for (const [when, moment, outcome] of said) if (outcome === 'sent') await b.hears(`${when} ${moment}`)
  await b.disconnectedFrom(address)
})

behavior('what a page says while it is in the cache for the back button waits, and gets out when it is back', async world => {
  const { url } = await world.tracker()
  world.site.pages.set('/peer', `<!doctype html><title>peer</title><script src="/pkg/easypeers.dist.js"></script>
<script>
  const { easypeers } = probe.join('page', 'cached', { trackers: ['${url}'] })
  document.addEventListener('visibilitychange', () => {
    // Kept: Chrome throws a page out of its cache whose garbage is collected there by anything of JavaScript.
    if (document.visibilityState === 'hidden') window.kept = easypeers.send('hidden')
  })
</script>`)
  world.site.kept.add('/peer')
  const b = await world.join('b', 'cached')
  const { browser } = await world.launch({ ignoreDefaultArgs: ['--disable-back-forward-cache'] })
  const page = await world.page({ path: '/peer', browser })
  const a = new Peer(world, page, 'page')
  const first = await a.get('address')
  await Promise.all([a.neighbors(), b.connectedTo(first)])
  await page.evaluate(() => {
    addEventListener('pageshow', event => { probe.restored = event.persisted })
    probe.moments = []
    for (const moment of ['freeze', 'resume']) document.addEventListener(moment, () => probe.moments.push(moment))
  })
  await page.goto(`${world.site.url}/blank`)
  await b.disconnectedFrom(first)
  await page.goBack({ waitUntil: 'commit' })
  await page.waitForFunction(() => window.probe?.peers.page)
  await page.waitForFunction(() => probe.restored)
  world.measured('moments of the life of the page', await page.evaluate(() => probe.moments.join(', ')))
  await a.neighbors()
  await b.hears('hidden')
  assert.deepEqual(await b.run(p => [p.connects.length, p.easypeers.wireCount]), [2, 1])
})

// Playwright has every page believe that it is in front, and such a page is not frozen. Puppeteer leaves it be.
behavior('a page that its browser freezes says goodbye, and is a member again when it is thawed, each time', async world => {
  const { url } = await world.tracker()
  world.site.pages.set('/peer', `<!doctype html><title>peer</title><script src="/pkg/easypeers.dist.js"></script>
<script>
  const easypeers = new Easypeers('frozen', { trackers: ['${url}'] })
  const moments = [], heard = []
  for (const moment of ['freeze', 'resume']) document.addEventListener(moment, () => moments.push(moment))
  document.addEventListener('freeze', () => easypeers.send('frozen ' + moments.length))
  easypeers.on('message', ({ message }) => heard.push(message))
</script>`)
  const b = await world.join('b', 'frozen')
  const browser = await puppeteer.launch(CHROMIUM)
  world.browsers.push({ kill: () => browser.close() })
  const page = await browser.newPage()
  await page.goto(`${world.site.url}/peer`)
  const devtools = await page.createCDPSession()
  const become = state => devtools.send('Page.setWebLifecycleState', { state })
  await b.neighbors()
  for (const round of [1, 2, 3]) {
    await become('frozen')
    await b.until('no ghost', p => p.easypeers.wireCount === 0)
    assert.equal(await b.run(() => probe.goodbyes), round, 'it says goodbye, and is not missed only after a while')
    const thawed = performance.now()
    await become('active')
    await b.neighbors()
    world.measured('thawed to connected, ms', performance.now() - thawed)
    await b.hears(`frozen ${2 * round - 1}`)
    await b.send(`round ${round}`)
    await page.waitForFunction(text => heard.includes(text), {}, `round ${round}`)
  }
  assert.deepEqual(await page.evaluate(() => moments), Array(3).fill(['freeze', 'resume']).flat())
  assert.equal(await b.get('wireCount'), 1)
})

behavior('a page that is reloaded ten times is met ten times, and leaves no ghost and no double', async world => {
  const { url } = await world.tracker()
  world.site.pages.set('/peer', `<!doctype html><title>peer</title><script src="/pkg/easypeers.dist.js"></script>
<script>probe.join('page', 'reloads', { trackers: ['${url}'] })</script>`)
  const b = await world.join('b', 'reloads')
  const page = await world.page({ path: '/peer' })
  const a = new Peer(world, page, 'page')
  const addresses = []
  for (let round = 0; round <= 10; round++) {
    if (round) await page.reload()
    addresses.push(await a.get('address'))
    await b.connectedTo(addresses.at(-1))
  }
  await b.until('one neighbor', p => p.easypeers.wireCount === 1)
  const { connects, disconnects } = await b.run(p => ({ connects: p.connects, disconnects: p.disconnects }))
  assert.deepEqual(connects, addresses, 'each is met once')
  assert.deepEqual(disconnects, addresses.slice(0, -1), 'and each that went is gone')
  assert.equal(await b.run(() => probe.connected()), 1)
})

/** Before the library takes them: timers that ring no more often than this once the page is lazy, as those of one that was hidden for
 *  five minutes. */
const before = () => {
  const native = window.setTimeout
  window.setTimeout = (f, delay, ...args) => native(f, window.lazy ? Math.max(delay, 60_000) : delay, ...args)
}
const lazy = () => { window.lazy = true }

behavior('a page on a slow machine, whose timers ring once in a while, stays a member', async world => {
  await world.tracker()
  const b = await world.join('b', 'lazy')
  const page = await world.page({ before })
  const a = await world.join('a', 'lazy', {}, page)
  await Promise.all([a.neighbors(), b.neighbors()])
  await page.evaluate(lazy)
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('Emulation.setCPUThrottlingRate', { rate: 4 })
  // Far longer than a neighbor that says nothing is kept.
  for (let second = 1; second <= 12; second++) {
    await b.run(p => new Promise(resolve => setTimeout(resolve, 1000)))
    await b.send(second)
    await a.hears(second)
  }
  assert.deepEqual([await a.run(p => p.disconnects), await b.run(p => p.disconnects)], [[], []])
})

behavior('a large message is sealed and opened in pages whose timers ring once in a while', async world => {
  await world.tracker()
  const pages = [await world.page({ before }), await world.page({ before })]
  const [a, b] = await Promise.all(pages.map((page, i) => world.join('ab'[i], 'lazy large', {}, page)))
  await Promise.all([a.neighbors(), b.neighbors()])
  // Whatever else comes in has a piece done, too, but that is little: timers alone would take minutes.
  await Promise.all(pages.map(page => page.evaluate(lazy)))
  const size = 15_000_000
  await b.run((p, size) => { p.easypeers.on('message', ({ message }) => { p.large = message.length === size }) }, size)
  await a.run(({ easypeers }, [to, size]) => easypeers.send(to, new Uint8Array(size)), [b.address, size])
  assert.equal(await b.run(p => p.large), true)
})

behavior('a page that is offline says so and keeps what it has; online again it is as it was', async world => {
  await world.tracker()
  const [a, b] = [await world.join('a', 'offline'), await world.join('b', 'offline')]
  await Promise.all([a.neighbors(), b.neighbors()])
  await a.page.context().setOffline(true)
  await a.run(() => probe.until(() => !navigator.onLine))
  await b.send('while offline')
  await a.hears('while offline')
  await a.page.context().setOffline(false)
  await a.send('online again')
  await b.hears('online again')
  assert.deepEqual(await b.run(p => p.connects.length), 1)
})

behavior('a tracker that falls silent without a word is left for a new socket, and newcomers are met', async world => {
  const tracker = await world.tracker()
  const proxy = await silentProxy(tracker.port)
  try {
    const a = await world.join('a', 'silent', { trackers: [proxy.url], timeout: 2000 })
    await a.until('the tracker', p => p.easypeers.trackers[0].state === 'ready')
    proxy.fallSilent()
    await a.until('that it noticed', p => p.easypeers.trackers[0].lastError)
    proxy.speak()
    const b = await world.join('b', 'silent', { trackers: [tracker.url] })
    await Promise.all([a.neighbors(), b.neighbors()])
  } finally {
    proxy.close()
  }
})

/** A proxy in front of a port: as long as it is silent, it takes everything and passes nothing on, as a cut cable does. */
async function silentProxy (port) {
  const pairs = new Set()
  let silent = false
  const server = createServer(here => {
    const there = connect(port, '127.0.0.1')
    pairs.add(here).add(there)
    for (const [from, to] of [[here, there], [there, here]]) {
      let cut = silent
      from.on('data', data => {
        cut ||= silent
        if (!cut) to.write(data)
      })
      from.on('error', () => {})
      from.on('close', () => {
        pairs.delete(from)
        if (!cut) to.destroy()
      })
    }
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `ws://127.0.0.1:${server.address().port}`,
    fallSilent: () => { silent = true },
    speak: () => { silent = false },
    close: () => {
      pairs.forEach(socket => socket.destroy())
      server.close()
    },
  }
}
