// What is measured, one scene after another, each with a world of its own. A scene gives plain figures; report.mjs says what
// they mean.
import { bounded } from '../../tests/e2e/harness.mjs'

/** Bytes of a text. */
const TEXT = 100
/** How often a broadcast is made while pages talk, and how often by each of those that try whether the mesh is usable. */
const [TALK_MS, PROBE_MS] = [100, 250]
/** So many pages of a crowd try, spread over it. */
const PROBERS = 3
/** A crowd that is not usable by then is not: so long for each page, but no less for a few. */
const [FORMING_MS, FORMING_LEAST_MS] = [2_500, 30_000]
/** What is sent has so long to arrive. */
const ARRIVING_MS = 5_000
const DIRECT_MS = 100
/** A pair that has not met by then does not count. */
const PAIR_MS = 30_000
/** Until a flood runs evenly: what is compiled on its way is. And until all of it has come. */
const [WARMING_MS, DRAINING_MS] = [1_000, 5_000]
const LARGE_MS = 40_000
const AFTER_CRASH_MS = 35_000
/** As on a phone. */
const SLOWER = 6
const SEED = 1

/** How much of everything: as the report wants it, and as little as shows that all works. A crowd has settled when for so many
 *  seconds no connection was made and none was lost, and `settling` is how long that is waited for: some never do. */
export const FULL = {
  pairs: 5, sizes: [400, 1_600, 6_400, 16_384, 65_536], floodMs: 2_000, large: 50_000_000, growth: [4, 8],
  crowd: 16, many: 32, broadcasts: 100, directs: 64, still: 4, settling: 16, quietMs: 15_000, idleMs: 10_000, crashes: 5,
}
export const QUICK = {
  pairs: 1, sizes: [16_384], floodMs: 300, large: 2_000_000, growth: [3],
  crowd: 4, many: 5, broadcasts: 10, directs: 8, still: 2, settling: 6, quietMs: 300, idleMs: 1_000, crashes: 1,
}

/** By name. None may take longer than `patience`, in seconds. `asked` ones are played only if they are named; `pair` ones not by
 *  contenders that are measured once only, and those with `after` not by them if they had no usable mesh in that scene. */
export const SCENES = {
  connect: { patience: 90, measure: (world, { pairs }) => connect(world, pairs) },
  small: { patience: 45, measure: (world, much) => floods(world, [TEXT], much) },
  sizes: { patience: 60, measure: (world, much) => floods(world, much.sizes, much) },
  large: { patience: 60, measure: (world, { large }) => oneLarge(world, large) },
  growth: { patience: 180, pair: true, measure: growth },
  crowd: { patience: 240, measure: crowd },
  many: { patience: 300, after: 'crowd', measure: many },
  'slow-connect': { patience: 120, pair: true, measure: (world, { pairs }) => connect(world, pairs, SLOWER) },
  'slow-small': { patience: 60, pair: true, measure: (world, much) => floods(world, [TEXT], much, SLOWER) },
  'slow-crowd': { patience: 240, pair: true, measure: slowCrowd },
  crash: { patience: 240, asked: true, measure: crash },
}

// ---------------------------------------------------------------- two pages

/** So many pairs one after another, each of new pages; the first page of each may be slower. */
async function connect(world, pairs, slower) {
  const times = []
  for (let i = 0; i < pairs; i++) {
    const pages = await world.open(2)
    if (slower) await pages[0].slowDown(slower)
    times.push(...await meet(world, pages, `pair ${i}`).catch(() => []))
    await Promise.all(pages.map(page => page.close()))
  }
  if (times.length === 0) throw new Error('no pair met')
  return { pairs, met: times.length / 2, connectMs: whole(times) }
}

/** Two pages join at once; resolves to the milliseconds until each had the other. */
async function meet(world, pages, topic) {
  const { joined } = world.join(pages, topic)
  const [, ...times] = await bounded(Promise.all([joined, ...pages.map(page => page.beside('connects'))]), 'a pair', PAIR_MS)
  return times
}

/** One page sends to another as fast as it may, messages of each of these sizes; the one that hears may be slower. */
async function floods(world, sizes, { floodMs }, slower) {
  const pages = await world.open(2)
  await meet(world, pages, 'flood')
  await world.rest()
  if (slower) await pages[1].slowDown(slower)
  // The first flood of a channel loses packets until the channel has found its pace, for seconds, and does not count.
  await flood(pages, TEXT, floodMs)
  const measured = {}
  for (const size of sizes) measured[size] = await flood(pages, size, floodMs)
  return { floods: measured }
}

async function flood([from, to], size, milliseconds) {
  const before = await to.beside('count')
  const sending = from.beside('flood', to.id, size, WARMING_MS + milliseconds + 200)
  sending.catch(() => {})
  await pause(WARMING_MS)
  const { messages, bytes } = await to.beside('rate', milliseconds)
  const { sent, failed } = await sending
  const drained = to.beside('gets', sent * size, before.bytes)
  await bounded(drained, 'the rest', DRAINING_MS).catch(() => {})
  const after = await to.beside('count')
  if (after.unproved > 0) throw new Error(`${after.unproved} messages came without a proof`)
  return { messages: Math.round(messages), mb: round(bytes / 1e6), sent, failed, lost: sent - (after.messages - before.messages) }
}

/** One message of so many bytes, and the longest task of either page until it has come. */
async function oneLarge(world, bytes) {
  const pages = await world.open(2)
  await meet(world, pages, 'large')
  await world.rest()
  const [from, to] = pages
  const before = await Promise.all(pages.map(async page => (await page.meter()).tasks.length))
  const { bytes: had } = await to.beside('count')
  const began = await from.beside('large', to.id, bytes)
  const came = await bounded(to.beside('gets', bytes, had), 'a large message', LARGE_MS)
  const tasks = await Promise.all(pages.map(async (page, i) => (await page.meter()).tasks.slice(before[i])))
  return { bytes, mb: round(bytes / 1e6 / ((came - began) / 1_000)), longestTaskMs: Math.max(0, ...tasks.flat()) }
}

// ---------------------------------------------------------------- crowds

/** Crowds of other sizes than the rest is measured with, one after another. */
async function growth(world, { growth }) {
  const measured = {}
  for (const size of growth) {
    const pages = await world.open(size)
    measured[size] = await form(world, pages)
    await Promise.all(pages.map(page => page.close()))
  }
  return { growth: measured }
}

/** A crowd forms, talks, and is silent. */
async function crowd(world, much) {
  const pages = await world.open(much.crowd)
  const formed = { ...await form(world, pages), ...await settle(world, pages, much) }
  return { ...formed, talk: await talk(world, pages, much.broadcasts), idle: await idle(world, pages, much) }
}

/** A larger one forms; then each of its pages talks to all once, and some to one. */
async function many(world, much) {
  const pages = await world.open(much.many)
  const formed = { ...await form(world, pages), ...await settle(world, pages, much) }
  return { ...formed, talk: await talk(world, pages, much.many), directs: await direct(pages, much.directs) }
}

/** A crowd with one page in it that is slower. */
async function slowCrowd(world, { crowd, broadcasts }) {
  const pages = await world.open(crowd)
  await pages.at(-1).slowDown(SLOWER)
  const formed = await form(world, pages)
  return { ...formed, slowConnectMs: formed.connectMs.at(-1), talk: await talk(world, pages, broadcasts) }
}

/** Some of a crowd die at once, and the server with them. */
async function crash(world, much) {
  const pages = await world.open(much.crowd)
  const formed = { ...await form(world, pages), ...await settle(world, pages, much) }
  await world.server.stop()
  for (const page of pages.slice(0, much.crashes)) await page.crash()
  await pause(AFTER_CRASH_MS)
  const alive = pages.slice(much.crashes)
  return { ...formed, survivors: await talk(world, alive, alive.length) }
}

/** All pages join at once. The mesh is usable when of each of a few pages one and the same broadcast has reached all others. */
async function form(world, pages) {
  const began = world.processorTime()
  const { at, joined } = world.join(pages, `crowd of ${pages.length}`)
  const every = Math.ceil(pages.length / Math.min(PROBERS, pages.length))
  const probers = pages.filter((_, i) => i % every === 0).map((page, i) => ({ page, name: `probe${i}` }))
  for (const { page, name } of probers) page.beside('probe', name, PROBE_MS, TEXT).catch(() => {})
  const heard = pages.map(page => page.beside('hears', probers.filter(prober => prober.page !== page).map(({ name }) => name)))
  const time = Math.max(FORMING_LEAST_MS, FORMING_MS * pages.length)
  const ends = performance.now() + time
  const usable = await bounded(Promise.all([joined, ...heard]), 'a usable mesh', time).then(() => reach(pages, probers, ends)).catch(() => null)
  const used = world.processorTime() - began
  await Promise.all(probers.map(({ page }) => page.beside('quiet')))
  const connects = await Promise.all(pages.map(page => page.beside('connectMs')))
  return {
    pages: pages.length,
    connectMs: connects.map(time => time === null ? null : Math.round(time)),
    usableMs: usable === null ? null : Math.round(usable - at),
    usableProcessor: usable === null ? null : round(used),
    ...await links(pages),
  }
}

/** When the first broadcast of each prober that reached all had done so; nothing if none did in time. */
async function reach(pages, probers, ends) {
  while (performance.now() < ends) {
    const heard = new Map(await Promise.all(pages.map(async page => [page, new Map(await page.beside('heard'))])))
    const times = probers.map(({ page, name }) => {
      const others = pages.filter(other => other !== page).map(other => heard.get(other))
      const texts = [...others[0].keys()].filter(text => text.startsWith(`${name} `) && others.every(other => other.has(text)))
      return Math.min(...texts.map(text => Math.max(...others.map(other => other.get(text)))))
    })
    if (times.every(isFinite)) return Math.max(...times)
    await pause(PROBE_MS)
  }
  return null
}

/** RTCPeerConnections made so far, and ends of links that there are. */
async function links(pages) {
  const sum = numbers => numbers.reduce((a, b) => a + b, 0)
  const [meters, neighbors] = await Promise.all([
    Promise.all(pages.map(page => page.meter())), Promise.all(pages.map(page => page.beside('neighbors'))),
  ])
  return { made: sum(meters.map(({ made }) => made)), links: sum(neighbors) }
}

/** Waits until nothing changes; the processor time of that, but for the waiting itself. */
async function settle(world, pages, { still, settling }) {
  const began = { at: performance.now(), time: world.processorTime() }
  let last = { ...began, links: await links(pages) }
  const stands = () => performance.now() - last.at >= still * 1_000
  while (!stands() && performance.now() - began.at < settling * 1_000) {
    await pause(1_000)
    const now = await links(pages)
    if (JSON.stringify(now) !== JSON.stringify(last.links)) last = { at: performance.now(), time: world.processorTime(), links: now }
  }
  return { settled: stands(), settlingProcessor: round(last.time - began.time), ...last.links }
}

/** So many broadcasts, ten a second, from all pages by turns. */
export async function talk(world, pages, number) {
  const began = { at: performance.now(), time: world.processorTime() }
  const first = Date.now() + 500
  const turns = pages.map(() => [])
  for (let i = 0; i < number; i++) turns[i % pages.length].push([first + i * TALK_MS, text(`talk ${pages.length} ${i}`)])
  const sent = await Promise.all(pages.map((page, i) => page.beside('talk', turns[i])))
  // Whatever comes so soon belongs to it.
  await pause(1_000)
  const used = { seconds: (performance.now() - began.at) / 1_000, time: world.processorTime() - began.time }
  const wanted = number * (pages.length - 1)
  const latencies = await arrivals(pages, new Map(sent.flatMap((of, i) => of.map(([text, at]) => [text, { from: pages[i], at }]))), wanted)
  const at = share => round(latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? null)
  return {
    wanted, delivered: latencies.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), longest: at(1),
    processor: round(used.time), seconds: round(used.seconds),
  }
}

/** Milliseconds from each text's sending to each of its arrivals, shortest first; those that are late are waited for. */
async function arrivals(pages, sent, wanted) {
  const until = performance.now() + ARRIVING_MS
  for (;;) {
    const found = []
    for (const page of pages) {
      for (const [text, at] of await page.beside('heard')) {
        const of = sent.get(text)
        if (of && of.from !== page && (!of.to || of.to === page)) found.push(at - of.at)
      }
    }
    if (found.length >= wanted || performance.now() > until) return found.sort((a, b) => a - b)
    await pause(1_000)
  }
}

/** Texts from one page to another, chosen by dice that fall the same in every run. */
async function direct(pages, number) {
  const random = dice(SEED)
  const sent = new Map()
  for (let i = 0; i < number; i++) {
    const from = random(pages.length)
    const to = (from + 1 + random(pages.length - 1)) % pages.length
    const message = text(`direct ${i}`)
    sent.set(message, { from: pages[from], to: pages[to], at: await pages[from].beside('send', message, pages[to].id) })
    await pause(DIRECT_MS)
  }
  return { wanted: number, delivered: (await arrivals(pages, sent, number)).length }
}

/** Nobody says anything, and has not for so long that nobody asks any more who missed what: what is sent, and what it costs, all the same. */
async function idle(world, pages, { quietMs, idleMs }) {
  await pause(quietMs)
  const sent = async () => (await Promise.all(pages.map(page => page.meter()))).reduce((sum, meter) => sum + meter.sent, 0)
  const before = { at: performance.now(), sent: await sent(), time: world.processorTime() }
  await pause(idleMs)
  const time = world.processorTime() - before.time
  const seconds = (performance.now() - before.at) / 1_000
  return { messages: round((await sent() - before.sent) / seconds / pages.length), processor: round(time / seconds) }
}

const text = words => words.padEnd(TEXT, '.')
const pause = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds))
const whole = numbers => numbers.map(Math.round)
const round = number => number === null ? null : Math.round(number * 100) / 100

/** A generator of whole numbers below what it is asked for (mulberry32). */
function dice(seed) {
  return below => {
    seed = seed + 0x6d2b79f5 | 0
    let x = Math.imul(seed ^ seed >>> 15, seed | 1)
    x ^= x + Math.imul(x ^ x >>> 7, x | 61)
    return Math.floor(((x ^ x >>> 14) >>> 0) / 2 ** 32 * below)
  }
}
