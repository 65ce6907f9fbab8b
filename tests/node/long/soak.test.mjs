// Node for long: connections by the thousand, peers that come and go, and memory that stays where it is.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { next, peer, tracker } from '../peers.mjs'

const CONNECTS = 1000
const PEERS = 200
const MESSAGES = 10_000
const AT_ONCE = 5
/** What a process may grow by between its second quarter and its last: allocators keep what they had at the busiest moment. */
const GROWTH = 24e6

/** In the place of a test, for peers that this test closes itself: a thousand of them are not to be kept until its end. */
const UNTIL_CLOSED = { after() {} }

const kB = bytes => Math.round(bytes / 1000)

/** Runs `step` so many times (of which there are four quarters), and asserts that memory does not grow with them. */
async function flat(t, times, step) {
  const rss = []
  for (let i = 0; i < times; i++) {
    await step(i)
    if ((i + 1) % (times / 4) !== 0) continue
    globalThis.gc?.()
    rss.push(process.memoryUsage().rss)
  }
  t.diagnostic(`memory after each quarter, kB: ${rss.map(kB).join(', ')}`)
  assert.ok(rss[3] - rss[1] < GROWTH, `grew by ${kB(rss[3] - rss[1])} kB`)
}

test(`${CONNECTS} connects and closes`, async t => {
  const url = await tracker(t)
  const stays = peer(t, 'soak', url)
  const times = []
  await flat(t, CONNECTS, async () => {
    const began = performance.now()
    const met = next(stays, 'connect')
    const guest = peer(UNTIL_CLOSED, 'soak', url)
    await guest.ready
    times.push(performance.now() - began)
    await met
    const gone = next(stays, 'disconnect')
    guest.close()
    await gone
  })
  times.sort((a, b) => a - b)
  t.diagnostic(`constructor to connect, ms: p50 ${times[CONNECTS / 2].toFixed()}, p99 ${times[CONNECTS * 0.99].toFixed()}, max ${times.at(-1).toFixed()}`)
})

test(`${PEERS} peers come and go, and ${MESSAGES} messages are heard by who stays`, async t => {
  const url = await tracker(t)
  const stays = peer(t, 'soak', url, { maxPeers: AT_ONCE + 2 })
  let heard = 0
  stays.on('message', () => { heard++ })
  await flat(t, PEERS / AT_ONCE, async round => {
    const guests = Array.from({ length: AT_ONCE }, () => peer(UNTIL_CLOSED, 'soak', url))
    await Promise.all(guests.map(async guest => {
      await guest.ready
      const receipts = []
      for (let i = 0; i < MESSAGES / PEERS; i++) receipts.push(i % 2 ? guest.send(stays.address, { i }) : guest.send(`message ${i}`))
      await Promise.all(receipts)
    }))
    // Who passes a broadcast on and leaves at the same moment takes it along.
    while (heard < (round + 1) * AT_ONCE * (MESSAGES / PEERS)) await next(stays, 'message')
    const closed = guests.map(guest => next(guest, 'close'))
    guests.forEach(guest => guest.close())
    await Promise.all(closed)
  })
  assert.equal(heard, MESSAGES)
})
