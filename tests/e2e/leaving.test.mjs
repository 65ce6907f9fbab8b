// Pages come and go: reload, navigation, the back button, a crash.

import assert from 'node:assert/strict'

import { behavior, bounded, Peer } from './harness.mjs'

behavior('a reloaded page leaves at once and comes back as a newcomer', async world => {
  const { url } = await world.tracker()
  world.site.pages.set('/peer', peerPage(url, 'reload'))
  const b = await world.join('b', 'reload')
  const page = await world.page({ path: '/peer' })
  const first = await page.evaluate(() => probe.peers.page.easypeers.address)
  await b.connectedTo(first)
  const began = performance.now()
  await page.reload()
  await b.disconnectedFrom(first, 5_000)
  world.measured('reload to disconnect, ms', performance.now() - began)
  const second = await page.evaluate(() => probe.peers.page.easypeers.address)
  assert.notEqual(second, first)
  await b.connectedTo(second)
  world.measured('reload to the newcomer connected, ms', performance.now() - began)
  await b.send('welcome back')
  await new Peer(world, page, 'page').hears('welcome back')
})

behavior('a page that is navigated away says goodbye, and is a member again after the back button', async world => {
  const { url } = await world.tracker()
  world.site.pages.set('/peer', peerPage(url, 'back'))
  world.site.pages.set('/elsewhere', '<!doctype html><title>elsewhere</title>')
  const b = await world.join('b', 'back')
  // The cache for the back button is off in automated browsers unless it is asked for.
  const { browser } = await world.launch({ ignoreDefaultArgs: ['--disable-back-forward-cache'] })
  const page = await world.page({ path: '/peer', browser })
  const first = await page.evaluate(() => {
    addEventListener('pageshow', event => { probe.restored = event.persisted })
    return probe.peers.page.easypeers.address
  })
  await b.connectedTo(first)
  const began = performance.now()
  await page.goto(`${world.site.url}/elsewhere`)
  await b.disconnectedFrom(first, 5_000)
  world.measured('navigation to disconnect, ms', performance.now() - began)
  const back = performance.now()
  await page.goBack({ waitUntil: 'commit' })
  await page.waitForFunction(() => window.probe?.peers.page)
  world.measured('the page came from the back-forward cache', String(await page.evaluate(() => Boolean(probe.restored))))
  const peer = new Peer(world, page, 'page')
  await peer.neighbors(1)
  world.measured('back button to connected, ms', performance.now() - back)
  await b.send('welcome back')
  await peer.hears('welcome back')
})

behavior('a crashed page is missed within 15 s by its neighbors, who still reach each other', async world => {
  await world.tracker()
  const [a, b, c] = await world.crowd(3, 'crash')
  await Promise.all([a, b, c].map(peer => peer.neighbors(2)))
  const gone = Promise.all([a, b].map(peer => peer.disconnectedFrom(c.address, 15_000)))
  const began = performance.now()
  crash(c.page)
  await gone
  world.measured('crash to disconnect, ms', performance.now() - began)
  await a.send('still here')
  await b.hears('still here')
  const failure = await bounded(a.run((p, address) => p.easypeers.send(address, 'anyone').then(() => 'delivered', error => [error.name, error.code]), c.address), 30_000, 'the fate of a message to nobody')
  assert.equal(failure[0], 'DeliveryError')
  assert.match(failure[1], /^ERR_(UNREACHABLE|TIMEOUT)$/)
})

/** A page that joins by itself, as a reload does. */
function peerPage(url, topic) {
  return `<!doctype html><title>peer</title><script src="/pkg/easypeers.dist.js"></script>
<script>probe.join('page', ${JSON.stringify(topic)}, { trackers: [${JSON.stringify(url)}] })</script>`
}

/** Ends the page's process at once. */
async function crash(page) {
  const cdp = await page.context().newCDPSession(page)
  cdp.send('Page.crash').catch(() => {})
}
