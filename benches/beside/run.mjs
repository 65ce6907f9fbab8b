// The table "Beside others" of the README, all of it in one run with the same code.
//
//   npm ci --prefix benches/beside
//   node benches/beside/run.mjs                       every contender, some four minutes each
//   node benches/beside/run.mjs easypeers trystero    only these
//   node benches/beside/run.mjs --small               four pages in place of 16 and 32, to see that all works
//
// Every peer has a page, and so a process, of its own in headless Chromium. A contender has the machine to itself, with a
// fresh browser and tracker for each row, and the settings that its documentation gives for a tracker of one's own.

import { existsSync } from 'node:fs'
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'

import { build } from 'esbuild'

import { bounded, inTurns, launch, median, Site, Tracker } from '../../tests/e2e/harness.mjs'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const { values: options, positionals: wanted } = parseArgs({ allowPositionals: true, options: { small: { type: 'boolean', default: false } } })

/** What is on loopback in place of public servers: a tracker for all but one. */
const tracker = () => Tracker.start()
const CONTENDERS = {
  bare: { title: 'bare WebRTC', server: tracker },
  easypeers: { title: 'Easypeers', server: tracker },
  trystero: { title: 'trystero', server: tracker },
  p2pt: { title: 'p2pt', server: tracker },
  gossipsub: { title: 'libp2p gossipsub', server: async () => (await import('./relay.mjs')).relay() },
  original: { title: 'JavaScript Easypeers', server: tracker, missing: process.env.ORIGINAL ? null : 'ORIGINAL names no file' },
}

const PAIRS = options.small ? 2 : 10
const CROWD = options.small ? 4 : 16
const LARGE = options.small ? 4 : 32
const CRASHES = options.small ? 1 : 5
const BROADCASTS = options.small ? 20 : 100
const DIRECTS = options.small ? 8 : 64
const TEXT_BYTES = 100
const EVERY_MS = 100
const JOINING_MS = 1_000
const FORMING_MS = { [CROWD]: 20_000, [LARGE]: 30_000 }
const ARRIVING_MS = 10_000
const AFTER_CRASH_MS = 35_000
/** A pair that has not met by then does not count. */
const PAIR_MS = 30_000
/** A row that takes longer than this hangs. */
const PATIENCE = 180_000
const SEED = 1

const ROWS = [
  {
    titles: ['2 pages: constructor to connect, p50'],
    async measure(world) {
      const times = []
      for (let i = 0; i < PAIRS; i++) {
        const pages = await world.open(2)
        const joined = Promise.all(pages.map(page => page.join(`pair ${i}`, 2)))
        times.push(...await bounded(Promise.all([joined, ...pages.map(page => page.connects())]), 'a pair', PAIR_MS).then(([, ...times]) => times, () => [NaN, NaN]))
        await Promise.all(pages.map(page => page.close()))
      }
      const met = times.filter(time => !isNaN(time))
      world.raw('2 pages: ms to connect', times.map(Math.round).join(' '))
      return [met.length ? `${count(median(met))} ms` : '–']
    },
  },
  {
    titles: [
      `${CROWD} pages, 10 broadcasts/s: delivered`,
      'same, latency p50 / p99, ms',
      `${CROWD} pages, ${CRASHES} crash, tracker dead: survivors reached after 35 s`,
    ],
    async measure(world) {
      const pages = await world.crowd(CROWD)
      const sent = await broadcasts(pages, BROADCASTS)
      await pause(ARRIVING_MS)
      const latencies = []
      for (const { page, heard } of await world.heard(pages)) {
        for (const [text, at] of heard) if (sent.has(text) && sent.get(text).page !== page) latencies.push(at - sent.get(text).at)
      }
      latencies.sort((a, b) => a - b)
      const at = share => count(latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))])
      world.raw(`${CROWD} pages: broadcasts delivered`, `${latencies.length} of ${BROADCASTS * (CROWD - 1)}`)
      world.raw(`${CROWD} pages: latency p50, p90, p99, longest`, [0.5, 0.9, 0.99, 1].map(at).join(', '))

      await world.server.stop()
      for (const page of pages.slice(0, CRASHES)) await page.crash()
      await pause(AFTER_CRASH_MS)
      const alive = pages.slice(CRASHES)
      const last = await broadcasts(alive, alive.length)
      await pause(ARRIVING_MS)
      const reached = (await world.heard(alive)).flatMap(({ page, heard }) => heard.filter(([text]) => last.has(text) && last.get(text).page !== page)).length
      world.raw('survivors reached', `${reached} of ${alive.length * (alive.length - 1)}`)
      return [
        percent(latencies.length, BROADCASTS * (CROWD - 1)),
        latencies.length ? `${at(0.5)} / ${at(0.99)}` : '–',
        percent(reached, alive.length * (alive.length - 1)),
      ]
    },
  },
  {
    titles: [`${LARGE} pages: broadcast / direct delivered`],
    async measure(world) {
      const pages = await world.crowd(LARGE)
      const sent = await broadcasts(pages, LARGE)
      const random = dice(SEED)
      const directs = new Map()
      await every(EVERY_MS, DIRECTS, async i => {
        const from = random(LARGE)
        const to = (from + 1 + random(LARGE - 1)) % LARGE
        directs.set(text(`direct ${i}`), pages[to])
        await pages[from].send(text(`direct ${i}`), pages[to].id)
      })
      await pause(ARRIVING_MS)
      const all = await world.heard(pages)
      const broadcast = all.flatMap(({ page, heard }) => heard.filter(([text]) => sent.has(text) && sent.get(text).page !== page)).length
      const direct = all.flatMap(({ page, heard }) => heard.filter(([text]) => directs.get(text) === page)).length
      world.raw(`${LARGE} pages: broadcasts, direct messages delivered`, `${broadcast} of ${LARGE * (LARGE - 1)}, ${direct} of ${DIRECTS}`)
      return [`${share(broadcast, LARGE * (LARGE - 1))} / ${share(direct, DIRECTS)} %`]
    },
  },
]
/** The order of the README's rows: the crash is the last. */
const ORDER = [0, 1, 2, 4, 3]

// ---------------------------------------------------------------- the pages

/** A page with one peer in it. */
class Page {
  constructor(page, server) {
    Object.assign(this, { page, server })
  }

  async join(topic, size) {
    this.id = await this.page.evaluate(([topic, url, size]) => beside.join(topic, url, size), [topic, this.server.url, size])
  }

  connects() {
    return this.page.evaluate(() => beside.connects)
  }

  neighbors() {
    return this.page.evaluate(() => beside.neighbors())
  }

  send(text, to) {
    return this.page.evaluate(([text, to]) => beside.send(text, to), [text, to])
  }

  heard() {
    return this.page.evaluate(() => beside.heard())
  }

  async crash() {
    const session = await this.page.context().newCDPSession(this.page)
    // No answer comes from a page that has crashed.
    session.send('Page.crash').catch(() => {})
  }

  close() {
    return this.page.context().close()
  }
}

/** What one row of one contender has opened. */
class World {
  errors = []

  static async start(name, script) {
    const world = new World()
    world.name = name
    world.site = await Site.start()
    world.site.pages.set('/', `<!doctype html><meta charset="utf-8"><title>${name}</title><script>${script}</script>`)
    world.server = await CONTENDERS[name].server()
    world.browser = await launch()
    return world
  }

  open(number) {
    return inTurns(Array.from({ length: number }), 4, async () => {
      const page = await (await this.browser.browser.newContext()).newPage()
      page.on('pageerror', error => this.errors.push(error.message))
      await page.goto(this.site.url)
      return new Page(page, this.server)
    })
  }

  /** So many pages that joined within a second, and have had their time to form a mesh. */
  async crowd(size) {
    const pages = await this.open(size)
    const joined = Promise.all(pages.map(async (page, i) => {
      await pause(i * JOINING_MS / size)
      await page.join(`crowd of ${size}`, size)
    }))
    await Promise.all([joined, pause(JOINING_MS + FORMING_MS[size])])
    this.raw(`${size} pages: neighbors each`, (await Promise.all(pages.map(page => page.neighbors()))).join(' '))
    return pages
  }

  async heard(pages) {
    return Promise.all(pages.map(async page => ({ page, heard: await page.heard() })))
  }

  raw(what, value) {
    console.log(`${this.name}: ${what}: ${value}`)
  }

  async end() {
    if (this.errors.length > 0) this.raw('uncaught errors in pages', `${this.errors.length}, the first: ${this.errors[0].split('\n')[0].slice(0, 200)}`)
    await Promise.allSettled([this.browser?.kill(), this.server?.stop(), this.site?.stop()])
  }
}

/** Sends so many broadcasts from the pages by turns; a map from each text to whose it was and when. */
async function broadcasts(pages, number) {
  const sent = new Map()
  const series = Math.random().toString(36).slice(2, 8)
  await every(EVERY_MS, number, async i => {
    const page = pages[i % pages.length]
    const message = text(`broadcast ${series} ${i}`)
    sent.set(message, { page, at: await page.send(message) })
  })
  return sent
}

/** Calls `f` at a steady pace, however long each call takes, and resolves when all have ended. */
async function every(milliseconds, times, f) {
  const began = performance.now()
  const calls = []
  for (let i = 0; i < times; i++) {
    await pause(Math.max(0, began + i * milliseconds - performance.now()))
    calls.push(f(i))
    // Whoever gave up on this row meanwhile has no use for it.
    calls[i].catch(() => {})
  }
  await Promise.all(calls)
}

const text = words => words.padEnd(TEXT_BYTES, '.')
const pause = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds))
const count = number => Math.round(number).toLocaleString('en-US')
/** In whole percents; "100 %" is said of all only. */
const share = (part, whole) => part === whole ? '100' : Math.min(99.9, Math.round(1000 * part / whole) / 10).toFixed(part / whole > 0.99 ? 1 : 0)
const percent = (part, whole) => `${share(part, whole)} %`

/** A generator of whole numbers below what it is asked for (mulberry32). */
function dice(seed) {
  return below => {
    seed = seed + 0x6d2b79f5 | 0
    let x = Math.imul(seed ^ seed >>> 15, seed | 1)
    x ^= x + Math.imul(x ^ x >>> 7, x | 61)
    return Math.floor(((x ^ x >>> 14) >>> 0) / 2 ** 32 * below)
  }
}

// ---------------------------------------------------------------- the run

/** The contender and what the page does with it, as one script. */
async function bundle(name) {
  const { outputFiles: [{ text }] } = await build({
    stdin: { contents: `import { join } from './${name}.mjs'\nimport { stage } from './page.mjs'\nstage(join)`, resolveDir: HERE },
    alias: process.env.ORIGINAL ? { original: process.env.ORIGINAL } : {},
    bundle: true, format: 'iife', platform: 'browser', write: false, minify: true, logLevel: 'error',
    // What some were written for and pages do not have.
    define: { global: 'globalThis' },
  })
  return text
}

async function measure(name) {
  const script = await bundle(name)
  const cells = []
  for (const { titles, measure } of ROWS) {
    let world
    try {
      world = await World.start(name, script)
      const measured = measure(world)
      // Once it has taken too long nobody hears of its end.
      measured.catch(() => {})
      cells.push(...await bounded(measured, titles[0], PATIENCE))
    } catch (error) {
      console.log(`${name}: ${titles[0]}: not measured: ${error.message.split('\n')[0]}`)
      cells.push(...titles.map(() => '–'))
    } finally {
      await world?.end()
    }
  }
  return cells
}

const unknown = wanted.filter(name => !(name in CONTENDERS))
if (unknown.length > 0) {
  console.error(`there is no ${unknown.join(', ')}: there are ${Object.keys(CONTENDERS).join(', ')}`)
  process.exit(2)
}
if (!existsSync(`${HERE}node_modules`)) {
  console.error('first: npm ci --prefix benches/beside')
  process.exit(2)
}

const columns = []
for (const [name, { title, missing }] of Object.entries(CONTENDERS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  if (missing) {
    console.log(`${name}: left out: ${missing}`)
    continue
  }
  console.log(`${name}: load of the machine before: ${loadavg()[0].toFixed(1)}`)
  columns.push({ title, cells: await measure(name) })
}
const titles = ROWS.flatMap(row => row.titles)
console.log(`\n| | ${columns.map(({ title }) => title).join(' | ')} |\n|${'---|'.repeat(columns.length + 1)}`)
for (const row of ORDER) console.log(`| ${titles[row]} | ${columns.map(({ cells }) => cells[row]).join(' | ')} |`)
