// Sixty-four pages that begin at once, with four links each: one mesh, and nothing lost. All run on one machine, so how long it
// takes is the machine's; the longest task of a page after joining is printed, 0 if none took 50 ms or more. With six links two
// cores do not get so far: docs/scale.md, What breaks first.

import assert from 'node:assert/strict'

import { behavior, inTurns, keptTo, median, oneMesh } from '../harness.mjs'

const [PAGES, MAX_PEERS] = [64, 4]
/** Pages opened at once, and messages under way at once. */
const [OPENING, UNDER_WAY] = [3, 8]

behavior(`${PAGES} pages with ${MAX_PEERS} links each are one mesh, in which every message arrives once`, async world => {
  await world.tracker()
  const pages = await inTurns(Array.from({ length: PAGES }), OPENING, () => world.page())
  await inTurns(pages, OPENING, page => page.evaluate(() => {
    window.tasks = []
    new PerformanceObserver(list => tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' })
  }))
  const began = performance.now()
  const peers = await Promise.all(pages.map((page, i) => world.join(`p${i}`, 'sixty-four', { maxPeers: MAX_PEERS }, page)))
  await oneMesh(peers)
  world.measured('one mesh, ms', performance.now() - began)
  await Promise.all(peers.map(peer => peer.neighbors(3)))
  world.measured('all have three links, ms', performance.now() - began)
  await Promise.all(peers.map(peer => peer.run(() => { tasks.length = 0 })))

  const directs = peers.map((from, i) => ({ from, to: peers[(i + PAGES / 2) % PAGES], text: `direct ${i}` }))
  await inTurns(peers, UNDER_WAY, peer => peer.send(`broadcast of ${peer.name}`))
  const receipts = await inTurns(directs, UNDER_WAY, ({ from, to, text }) =>
    from.run((p, [to, text]) => p.easypeers.send(to, text).then(({ rtt }) => ({ rtt }), error => ({ failed: `${error.code} ${error.message}` })), [to.address, text]))
  assert.deepEqual(receipts.filter(({ failed }) => failed), [], 'every direct message is acknowledged')
  world.measured('direct: acknowledged after, p50 ms', median(receipts.map(({ rtt }) => rtt)))
  await Promise.all(peers.map(peer => peer.until('every message', (p, count) => p.messages.length >= count, PAGES)))
  for (const me of peers) {
    const texts = peers.filter(peer => peer !== me).map(peer => `broadcast of ${peer.name}`)
    texts.push(directs.find(({ to }) => to === me).text)
    assert.deepEqual(await me.heard(), Object.fromEntries(texts.map(text => [text, 1])), `${me.name}: each exactly once, and nothing else`)
  }
  const tasks = await Promise.all(peers.map(peer => peer.run(() => tasks)))
  world.measured('longest task of any page after joining, ms', Math.max(0, ...tasks.flat()))
  world.measured('pages with a task of 50 ms or more after joining', tasks.filter(({ length }) => length > 0).length)
  await keptTo(MAX_PEERS, peers, world)
})
