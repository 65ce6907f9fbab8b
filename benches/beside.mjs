// Rows of the README's table "Beside others", for Easypeers: `node --test benches/beside.mjs`.
// Every peer has a page of its own in headless Chromium; one real tracker serves them all.

import { behavior, connectedParts, median, oneMesh } from '../tests/e2e/harness.mjs'

const PAIRS = 10
const BROADCASTS = 100
const PAUSE_MS = 100
const AFTER_CRASH_MS = 35_000

behavior('2 pages', async world => {
  await world.tracker()
  const times = []
  for (let i = 0; i < PAIRS; i++) {
    const pages = [await world.page(), await world.page()]
    const pair = await Promise.all(pages.map((page, n) => world.join(`${i}.${n}`, `pair ${i}`, {}, page)))
    await Promise.all(pair.map(peer => peer.neighbors(1)))
    times.push(...await Promise.all(pair.map(peer => peer.run(p => p.at.connect))))
    await Promise.all(pages.map(page => page.close()))
  }
  world.measured('2 pages: constructor to connect, p50 ms', median(times))
}, { timeout: 120_000 })

behavior('16 pages talk, then 5 crash without a tracker', async world => {
  const tracker = await world.tracker()
  const peers = await settled(world, 16)
  const sent = new Map()
  for (let i = 0; i < BROADCASTS; i++) {
    const from = peers[i % peers.length]
    sent.set(`b${i}`, { from, at: await from.run((p, text) => {
      const now = performance.timeOrigin + performance.now()
      p.easypeers.send(text)
      return now
    }, `b${i}`) })
    await pause(PAUSE_MS)
  }
  await pause(2_000)
  const latencies = []
  for (const me of peers) {
    const heard = await me.run(p => p.messages.map(m => [m.message, performance.timeOrigin + m.at]))
    for (const [text, at] of heard) if (sent.has(text)) latencies.push(at - sent.get(text).at)
  }
  latencies.sort((a, b) => a - b)
  world.measured('16 pages, 10 broadcasts/s: delivered, %', 100 * latencies.length / (BROADCASTS * (peers.length - 1)))
  world.measured('16 pages, 10 broadcasts/s: latency p50, ms', latencies[Math.floor(latencies.length / 2)])
  world.measured('16 pages, 10 broadcasts/s: latency p99, ms', latencies[Math.floor(latencies.length * 0.99)])

  await tracker.stop()
  const dead = peers.slice(0, 5)
  const alive = peers.slice(5)
  const sessions = await Promise.all(dead.map(peer => peer.page.context().newCDPSession(peer.page)))
  for (const cdp of sessions) cdp.send('Page.crash').catch(() => {})
  await pause(AFTER_CRASH_MS)
  for (const peer of alive) await peer.send(`after ${peer.name}`)
  await pause(2_000)
  const heard = await Promise.all(alive.map(peer => peer.run(p => p.messages.filter(m => String(m.message).startsWith('after ')).length)))
  const parts = connectedParts(new Map(await Promise.all(alive.map(async peer => [peer.address, await peer.run(p => Object.keys(p.easypeers.wires))]))))
  world.measured('5 of 16 crash, tracker dead: survivors reached after 35 s, %', 100 * heard.reduce((a, b) => a + b) / (alive.length * (alive.length - 1)))
  world.measured('parts of the survivors', parts.map(part => part.size).join(' + '))
}, { timeout: 240_000 })

/** So many pages in one mesh. */
async function settled(world, count) {
  const peers = await world.crowd(count, `crowd of ${count}`)
  await oneMesh(peers, 60_000)
  return peers
}

const pause = ms => new Promise(resolve => setTimeout(resolve, ms))
