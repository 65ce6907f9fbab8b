// What real trackers do that their protocol does not say, and what keeps a page from all of them.

import assert from 'node:assert/strict'

import { Double } from './doubles.mjs'
import { behavior, oneMesh } from './harness.mjs'

/** A tracker with habits; the world ends it. */
async function double(world, habits) {
  const tracker = await Double.start(habits)
  world.trackers.push(tracker)
  return tracker
}

/** Each is a habit of a real tracker, and how many peers must meet at it all the same. */
const HABITS = [
  ['answers in binary frames', { binary: true }],
  ['puts a byte order mark in front of its words', { mark: '\ufeff' }],
  ['answers in binary frames with a mark', { binary: true, mark: '\ufeff' }],
  ['asks for an announce every 20 seconds (wt-tracker)', { interval: 20 }],
  ['takes three offers at once', { mostOffers: 3 }],
  ['takes no frame above 16 KiB (aquatic)', { largest: 16_384 }],
  ['refuses answers to offers that went to somebody else (aquatic)', { anothers: true }],
  ['closes the socket of who answers one that is gone (wt-tracker, OpenWebTorrent)', { departed: true }],
]

for (const [habit, habits] of HABITS) {
  behavior(`peers meet at a tracker that ${habit}`, async world => {
    const tracker = await double(world, habits)
    const peers = await world.crowd(4, 'habit', { maxPeers: 3 })
    await oneMesh(peers)
    // One leaves with offers out, and a newcomer comes after it.
    await peers.pop().page.close()
    peers.push(await world.join('newcomer', 'habit', { maxPeers: 3 }))
    await peers.at(-1).neighbors(1)
    await oneMesh(peers)
    await peers[0].send('all here')
    await Promise.all(peers.slice(1).map(peer => peer.hears('all here')))
    assert.deepEqual(tracker.faults, [])
  })
}

behavior('an announce that is ignored, for its name is one of an older socket (aquatic), is made again under another', async world => {
  const tracker = await double(world, { clash: true })
  const [a, b] = [await world.join('a', 'clash'), await world.join('b', 'clash')]
  await Promise.all([a.neighbors(), b.neighbors()])
  for (const socket of tracker.sockets) socket.terminate()
  const names = new Set(tracker.heard.map(message => message.peer_id))
  const fresh = await tracker.hears(message => message.event === 'started' && !names.has(message.peer_id))
  assert.ok(fresh.peer_id)
})

behavior('a tracker that refuses the first announce without saying whose it was is asked again', async world => {
  let refused = 0
  await double(world, { refuses: () => (refused++ < 2 ? 'Invalid request' : undefined) })
  const [a, b] = [await world.join('a', 'refused'), await world.join('b', 'refused')]
  await a.until('the reason', p => p.easypeers.trackers.some(t => /Invalid request/.test(t.lastError)) || p.easypeers.wireCount)
  await Promise.all([a.neighbors(), b.neighbors()])
})

behavior('peers that a tracker keeps apart, by the family of their addresses (aquatic), meet at another', async world => {
  // As if each page came over another family.
  let turn = 0
  const swarm = socket => (socket.page ??= turn++)
  await double(world, { swarm })
  await double(world, {})
  const [a, b] = [await world.join('a', 'families'), await world.join('b', 'families')]
  await Promise.all([a.neighbors(), b.neighbors()])
})

behavior('two meet at a tracker whose every word takes three seconds', async world => {
  await double(world, { late: 3000 })
  const began = performance.now()
  const [a, b] = [await world.join('a', 'late'), await world.join('b', 'late')]
  await Promise.all([a.neighbors(), b.neighbors()])
  world.measured('first link where each word takes 3,000 ms, ms', performance.now() - began)
  const c = await world.join('c', 'late')
  const joined = performance.now()
  await c.neighbors()
  world.measured('a newcomer to them, ms', performance.now() - joined)
})

behavior('spellings of one URL are one tracker', async world => {
  const { url, port } = await world.tracker()
  const trackers = [`${url}/`, url.toUpperCase(), `ws://LocalHost:${port}`, `ws://localhost:${port}/`]
  const a = await world.join('a', 'spellings', { trackers })
  const urls = () => a.get('trackers').then(trackers => trackers.map(tracker => tracker.url))
  const here = `ws://localhost:${port}`
  assert.deepEqual(await urls(), [url, here])
  await a.run((p, url) => { p.easypeers.addTracker(url) }, `WS://LOCALHOST:${port}//`)
  assert.deepEqual(await urls(), [url, here])
  await a.run((p, url) => { p.easypeers.removeTracker(url) }, `Ws://127.0.0.1:${port}/`)
  assert.deepEqual(await urls(), [here])
  await a.until('the other one', p => p.easypeers.trackers.every(t => t.state === 'ready'))
})

const blocked = peer => peer.until('the warning', p => p.warnings.find(text => text.includes('ERR_ALL_TRACKERS_BLOCKED')))

behavior('a page that reaches no tracker is told why, once, and goes on trying', async world => {
  const tracker = await world.tracker()
  await tracker.stop()
  const a = await world.join('a', 'blocked', { trackers: [tracker.url] })
  const said = await blocked(a)
  assert.ok(said.includes(tracker.url) && said.includes('content blocker'), said)
  await tracker.start()
  await a.until('the tracker', p => p.easypeers.trackers.every(t => t.state === 'ready'))
  assert.equal(await a.run(p => p.warnings.filter(text => text.includes('BLOCKED')).length), 1)
})

behavior('a page whose policy forbids a tracker is told that it is the policy', async world => {
  const { url } = await world.tracker()
  const policy = "default-src 'self' 'unsafe-inline' 'unsafe-eval'; connect-src 'self' data:"
  world.site.pages.set('/policy', `<!doctype html><title>policy</title><meta http-equiv="Content-Security-Policy" content="${policy}"><script src="/pkg/easypeers.dist.js"></script>`)
  const a = await world.join('a', 'policy', { trackers: [url] }, await world.page({ path: '/policy' }))
  assert.match(await blocked(a), /Content-Security-Policy forbids it: name it in connect-src/)
})

behavior('a page that is offline is told that it is', async world => {
  const { url } = await world.tracker()
  const page = await world.page()
  await page.context().setOffline(true)
  const a = await world.join('a', 'offline', { trackers: [url.replace('127.0.0.1', 'localhost')] }, page)
  assert.match(await blocked(a), /this device is offline/)
  await page.context().setOffline(false)
  await a.until('the tracker', p => p.easypeers.trackers.every(t => t.state === 'ready'))
})

behavior('a page that is linked does not fill its console with what a dead tracker refuses', async world => {
  const live = await world.tracker()
  const dead = await world.tracker()
  await dead.stop()
  const [a, b] = [await world.join('a', 'quiet'), await world.join('b', 'quiet')]
  await Promise.all([a.neighbors(), b.neighbors()])
  await live.hears(() => live.heard.filter(message => message.action === 'announce').length > 8)
  for (const peer of [a, b]) {
    const red = world.consoles.get(peer.page).filter(line => line.startsWith('error'))
    world.measured('red lines', red.length)
    assert.ok(red.length <= 5, red.join('\n'))
  }
})

behavior('a page that reaches no public tracker turns to the reserves, and says so little that its console stays readable', async world => {
  const a = await world.join('a', 'public', { trackers: undefined })
  assert.equal(await a.run(p => p.easypeers.trackers.length), 3)
  await blocked(a)
  await a.until('the reserves', p => p.easypeers.trackers.length === 6)
  await a.until('their failures', p => p.easypeers.trackers.every(t => t.lastError))
  const red = world.consoles.get(a.page).filter(line => line.startsWith('error'))
  world.measured('red lines of six trackers in the first half minute', red.length)
  assert.ok(red.length <= 6 * 8, red.join('\n'))
  assert.equal(await a.run(p => p.warnings.filter(text => text.includes('BLOCKED')).length), 1)
})

for (const path of ['/', '/chat.html']) {
  behavior(`the demo at ${path} says once what it cannot reach`, async world => {
    const tracker = await world.tracker()
    await tracker.stop()
    world.site.config.tracker = tracker.url
    const page = await world.page({ path: `${path}?topic=nobody` })
    const problem = page.locator('#problem')
    await problem.filter({ hasText: tracker.url }).waitFor()
    await page.evaluate(() => {
      window.changes = 0
      new MutationObserver(() => window.changes++).observe(document.getElementById('problem'), { childList: true, characterData: true, subtree: true })
    })
    // More attempts, and it is what it was.
    await page.evaluate(() => new Promise(resolve => {
      let tries = 0
      easypeers.on('tracker', ({ state }) => state === 'waiting' && ++tries === 3 && resolve())
    }))
    assert.equal(await page.evaluate(() => window.changes), 0)
    const red = world.consoles.get(page).filter(line => line.startsWith('error'))
    world.measured('red lines', red.length)
    assert.ok(red.length <= 8, red.join('\n'))
  })
}
