// Pages come and go: reload, navigation, the back button, a crash.

import assert from 'node:assert/strict'

import { behavior, bounded, oneMesh, Peer } from './harness.mjs'

behavior('a reloaded page says goodbye and comes back as a newcomer', async world => {
  const { url } = await world.tracker()
  world.site.pages.set('/peer', peerPage(url, 'reload'))
  const b = await world.join('b', 'reload')
  const page = await world.page({ path: '/peer' })
  const first = await page.evaluate(() => probe.peers.page.easypeers.address)
  await b.connectedTo(first)
  const began = performance.now()
  await page.reload()
  await b.disconnectedFrom(first)
  world.measured('reload to disconnect, ms', performance.now() - began)
  assert.equal(await b.run(() => probe.goodbyes), 1)
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
  await b.disconnectedFrom(first)
  world.measured('navigation to disconnect, ms', performance.now() - began)
  assert.equal(await b.run(() => probe.goodbyes), 1)
  const back = performance.now()
  await page.goBack({ waitUntil: 'commit' })
  await page.waitForFunction(() => window.probe?.peers.page)
  world.measured('the page came from the back-forward cache', String(await page.evaluate(() => Boolean(probe.restored))))
  const peer = new Peer(world, page, 'page')
  await peer.neighbors()
  world.measured('back button to connected, ms', performance.now() - back)
  await b.send('welcome back')
  await peer.hears('welcome back')
})

behavior('a crashed page is missed by its neighbors, who still reach each other', async world => {
  await world.tracker()
  const [a, b, c] = await world.crowd(3, 'crash')
  await Promise.all([a, b, c].map(peer => peer.neighbors(2)))
  const gone = Promise.all([a, b].map(peer => peer.disconnectedFrom(c.address)))
  const began = performance.now()
  crash(c.page)
  await gone
  world.measured('crash to disconnect, ms', performance.now() - began)
  await a.send('still here')
  await b.hears('still here')
  const failure = await bounded(a.run((p, address) => p.easypeers.send(address, 'anyone').then(() => 'delivered', error => [error.name, error.code]), c.address), 'the fate of a message to nobody')
  assert.equal(failure[0], 'DeliveryError')
  assert.match(failure[1], /^ERR_(UNREACHABLE|TIMEOUT)$/)
})

behavior('a page on the way from a source to others is killed, another says goodbye, and nothing is lost or doubled', async world => {
  await world.tracker()
  // At the usual coverage four links are so few that broadcasts go round the ring, where nobody has a parent.
  const peers = await world.crowd(12, 'parents', { maxPeers: 4, coverage: 0.5 })
  await oneMesh(peers)
  await Promise.all(peers.map(peer => peer.neighbors(3)))
  const [source, ...others] = peers
  await source.run(p => {
    p.sent = 0
    p.talk = setInterval(() => p.easypeers.send(p.sent++), 100)
  })
  let left = others
  for (const [how, end] of [['killed', peer => crash(peer.page)], ['closed', peer => peer.run(p => p.easypeers.close())]]) {
    await talkedOn(source, left)
    const parents = await Promise.all(left.map(peer => peer.run(p => p.messages.at(-1).has.at(-2))))
    const children = peer => parents.filter(parent => parent === peer.address).length
    const gone = left.reduce((most, peer) => children(peer) > children(most) ? peer : most)
    assert.ok(children(gone) > 0, 'somebody passes the messages on')
    left = left.filter(peer => peer !== gone)
    // A few that everyone has heard, so that a silence is seen from its beginning.
    const since = await source.run(p => p.sent - 5)
    await end(gone)
    await Promise.all([source, ...left].map(peer => peer.until('the end of the link', (p, gone) => !(gone in p.easypeers.wires), gone.address)))
    await talkedOn(source, left)
    const silences = await Promise.all(left.map(peer => peer.run((p, since) =>
      Math.max(...p.messages.filter(m => m.message >= since).map((m, i, all) => i && m.at - all[i - 1].at)), since)))
    world.measured(`the parent of ${children(gone)} is ${how}: longest time without a message, ms`, Math.max(...silences))
  }
  const sent = await source.run(p => {
    clearInterval(p.talk)
    return p.sent
  })
  const all = Array.from({ length: sent }, (_, i) => i)
  for (const peer of left) {
    await peer.until('the last message', (p, sent) => new Set(p.messages.map(m => m.message)).size === sent, sent)
    assert.deepEqual(await peer.run(p => p.messages.map(m => m.message).sort((a, b) => a - b)), all, `${peer.name}: each exactly once`)
  }
})

/** Waits until everyone has heard what the source says two seconds from now. */
async function talkedOn(source, peers) {
  const next = await source.run(p => p.sent + 20)
  await Promise.all(peers.map(peer => peer.hears(next)))
}

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
