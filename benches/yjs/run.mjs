// `npm run bench:yjs`: a document of Yjs in many pages, over Easypeers and over y-webrtc, in the same run on the same machine.
//
//   npm ci --prefix benches/yjs               once: y-webrtc and its signalling server
//   npm run bench:yjs                         2, 8, 16 and 32 pages, some twenty minutes
//   npm run bench:yjs -- --pages 2,8          so many only
//   npm run bench:yjs -- --only mesh          one of them only: easypeers, y-webrtc, mesh, history
//   npm run bench:yjs -- --newcomer           not a key, nor an idle minute: a megabyte that one writes, and a newcomer that gets it
//   npm run bench:yjs -- --quick              as little of all as shows that it works
//
// Every document has a page, and so a process, of its own in headless Chromium; all is on loopback. Messages and bytes are what is
// handed to data channels, of all pages together. Raw figures go into results.json, and report.mjs makes REPORT.md of them.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { build } from 'esbuild'

import { bounded, inTurns, launch, Site, Tracker } from '../../tests/e2e/harness.mjs'
import { describeMachine, watch } from '../beside/machine.mjs'

import { installMeter } from './meter.mjs'
import { report } from './report.mjs'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const AT_A_TIME = 4
/** A mesh is at rest when for so long no connection changed; some never are. In milliseconds. */
const [STILL_MS, STILL_MOST_MS] = [5_000, 60_000]
/** All are joined by then, and everything else has happened. */
const PATIENCE_MS = 120_000
const NEWCOMER_MS = 60_000
/** A large document of one page is in all by then, and a long history in another. */
const [FILLED_MS, HISTORY_MS] = [300_000, 300_000]
/** One key after another, and what one key causes has come by then. */
const [KEY_MS, AFTER_MS] = [150, 1_500]
/** Two that have all have compared by then. */
const QUIET_MS = 10_000

const { values: options } = parseArgs({
  options: {
    pages: { type: 'string', default: '2,8,16,32' },
    only: { type: 'string', default: '' },
    newcomer: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    into: { type: 'string', default: HERE },
  },
})
const much = options.quick ? { keys: 10, idleMs: 5_000, document: 100_000, history: 2_000_000 } : { keys: 60, idleMs: 60_000, document: 1_000_000, history: 50_000_000 }
const sizes = options.pages.split(',').map(Number)
if (!sizes.every(size => Number.isInteger(size) && size >= 2)) fail('--pages wants numbers of two or more, such as 2,8')
if (!existsSync(path.join(HERE, 'node_modules/y-webrtc'))) fail('first: npm ci --prefix benches/yjs')

const SUBJECTS = { easypeers: startTracker, 'y-webrtc': startSignalling, mesh: startTracker }
const subjects = Object.keys(SUBJECTS).filter(name => !options.only || name === options.only)
/** A history of as many bytes in many insertions, of so many letters each, and in few. */
const HISTORIES = options.only && options.only !== 'history' ? [] : [8, 100_000]
if (subjects.length + HISTORIES.length === 0) fail(`--only wants one of ${Object.keys(SUBJECTS).join(', ')}, history`)
const results = { made: new Date().toISOString(), machine: describeMachine(), settings: much, measured: [], histories: [] }
for (const pages of sizes) for (const subject of subjects) keep(results.measured, await take({ subject, pages }, measure))
for (const letters of HISTORIES) keep(results.histories, await take({ subject: 'easypeers', pages: 2, letters }, takeHistory))
report(options.into)
process.exit([...results.measured, ...results.histories].some(({ failed }) => failed) ? 1 : 0)

/** What is there is kept if the run is broken off. */
function keep (list, measured) {
  results.machine.browser ??= measured.browser
  list.push(measured)
  console.log(JSON.stringify(measured))
  writeFileSync(path.join(options.into, 'results.json'), `${JSON.stringify(results, null, 2)}\n`)
}

async function take (taken, play) {
  const { subject, pages: count } = taken
  const closing = []
  try {
    const site = await Site.start()
    closing.push(() => site.stop())
    site.pages.set('/', `<!doctype html><meta charset="utf-8"><title>${subject}</title><script>${await script(subject)}</script>`)
    const server = await SUBJECTS[subject]()
    closing.push(server.stop)
    const browser = await launch()
    closing.push(() => browser.kill())
    taken.browser = `Chromium ${browser.browser.version()}`
    const machine = watch(browser.pid)
    const open = async () => {
      const page = await (await browser.browser.newContext()).newPage()
      await page.addInitScript(installMeter)
      await page.goto(site.url)
      return page
    }
    await play({ subject, open, url: server.url, pages: await inTurns(Array.from({ length: count }), AT_A_TIME, open) }, taken)
    taken.others = machine().others
  } catch (error) {
    taken.failed = error.message.split('\n')[0].slice(0, 200)
  }
  await Promise.allSettled(closing.reverse().map(close => bounded(close(), 'an end', 10_000)))
  return taken
}

async function measure ({ subject, open, url, pages }, taken) {
  const room = `bench ${subject} ${pages.length}`
  await Promise.all(pages.map(page => page.evaluate(([room, url]) => { side.join(room, url) }, [room, url])))
  if (subject !== 'mesh') {
    await pages[0].evaluate(() => side.type(1, 0))
    await bounded(Promise.all(pages.map(page => page.evaluate(() => side.length(1)))), 'one document in all pages', PATIENCE_MS)
  }
  taken.stillMs = await still(pages)
  if (!options.newcomer) await measureTalk({ subject, pages }, taken)
  if (subject !== 'mesh') await newcomer(pages, room, url, open, taken)
}

async function measureTalk ({ subject, pages }, taken) {
  if (subject !== 'mesh') {
    taken.keys = await type(pages, false)
    taken.keysWithCursor = await type(pages, true)
  }
  // What the keys left behind is over.
  await still(pages)
  const before = await meters(pages)
  await pause(much.idleMs)
  taken.idle = perMinute(less(await meters(pages), before))
}

/** One page types, and all get it: what that costs for each key, and how long it takes until the last has it. */
async function type (pages, withCursor) {
  const from = await pages[0].evaluate(() => side.length(0).then(() => Math.max(0, ...side.reached(0).map(([length]) => length))))
  const before = await meters(pages)
  const began = performance.now()
  const typed = await pages[0].evaluate(([count, every, withCursor]) => side.type(count, every, withCursor), [much.keys, KEY_MS, withCursor])
  await bounded(Promise.all(pages.map(page => page.evaluate(length => side.length(length), from + much.keys))), 'all keys in all pages', PATIENCE_MS)
  await pause(AFTER_MS)
  const { messages, bytes } = less(await meters(pages), before)
  const seconds = (performance.now() - began) / 1_000
  const reached = (await all(pages, from => side.reached(from), from)).map(times => new Map(times))
  // A page that got two at once has no time of its own for the first.
  const times = typed.map((at, i) => Math.max(...reached.map(lengths => after(lengths, from + i + 1))) - at).sort((a, b) => a - b)
  return {
    seconds, messages: messages / much.keys, bytes: bytes / much.keys,
    allHaveItMs: times[Math.floor(times.length / 2)], p99Ms: times[Math.floor(times.length * 0.99)],
  }
}

function after (lengths, wanted) {
  return Math.min(...[...lengths].filter(([length]) => length >= wanted).map(([, at]) => at))
}

/** One more page joins: how long it takes until it has a document of some size. */
async function newcomer (pages, room, url, open, taken) {
  const written = performance.now()
  const length = await pages[0].evaluate(characters => side.fill(characters), much.document)
  await bounded(Promise.all(pages.map(page => page.evaluate(length => side.length(length), length))), 'a large document in all pages', FILLED_MS)
  taken.filledMs = Math.round(performance.now() - written)
  await still(pages)
  const page = await open()
  const before = await meters(pages)
  await page.evaluate(() => meter.restart())
  const began = await page.evaluate(([room, url]) => side.join(room, url), [room, url])
  // Whether it ever comes is a result, too.
  const there = await bounded(page.evaluate(length => side.length(length), length), 'the document', NEWCOMER_MS).catch(() => null)
  taken.newcomerMs = there && there - began
  taken.newcomerBytes = less(await meters(pages), before).bytes
  taken.newcomerLongestTaskMs = Math.round(await page.evaluate(() => meter.longestTask))
}

/** One page has a long history, and another comes: how long that takes, and what either page does in one go; and what Yjs takes for it. */
async function takeHistory ({ pages: [here, there], url }, taken) {
  const room = `history ${taken.letters}`
  Object.assign(taken, await here.evaluate(([bytes, letters]) => side.grow(bytes, letters), [much.history, taken.letters]))
  await Promise.all([here, there].map(page => page.evaluate(() => meter.restart())))
  await here.evaluate(([room, url]) => { side.join(room, url) }, [room, url])
  const began = await there.evaluate(([room, url]) => side.join(room, url), [room, url])
  const at = await bounded(there.evaluate(length => side.length(length), taken.length), 'the history', HISTORY_MS)
  taken.newcomerMs = at - began
  // An answer to who asks whether all is the same, after the last piece, is work, too.
  await pause(QUIET_MS)
  const longest = () => Math.round(meter.longestTask)
  ;[taken.hereLongestTaskMs, taken.thereLongestTaskMs] = await all([here, there], longest)
  taken.alone = await here.evaluate(() => side.alone())
}

/** Waits until no connection changes any more; resolves to the milliseconds that took. */
async function still (pages) {
  const began = performance.now()
  let [before, since] = [-1, began]
  while (performance.now() - since < STILL_MS && performance.now() - began < STILL_MOST_MS) {
    const changes = sum(await all(pages, () => meter.changes))
    if (changes !== before) [before, since] = [changes, performance.now()]
    await pause(500)
  }
  return Math.round(performance.now() - began)
}

function all (pages, f, given) {
  return Promise.all(pages.map(page => page.evaluate(f, given)))
}

async function meters (pages) {
  const list = await all(pages, () => ({ messages: meter.messages, bytes: meter.bytes }))
  return { messages: sum(list.map(({ messages }) => messages)), bytes: sum(list.map(({ bytes }) => bytes)) }
}

function less (now, before) {
  return { messages: now.messages - before.messages, bytes: now.bytes - before.bytes }
}

function perMinute ({ messages, bytes }) {
  const minutes = much.idleMs / 60_000
  return { messages: messages / minutes, bytes: bytes / minutes }
}

async function script (subject) {
  const { outputFiles: [{ text }] } = await build({
    stdin: { contents: `import { join } from './${subject}.mjs'\nimport { stage } from './page.mjs'\nstage(join)`, resolveDir: HERE },
    alias: { easypeers: path.join(HERE, '../../pkg/easypeers.mjs') },
    bundle: true, format: 'iife', platform: 'browser', write: false, minify: true, logLevel: 'error',
    define: { global: 'globalThis', 'process.env.NODE_ENV': '"production"' },
  })
  return text
}

function startTracker () {
  return Tracker.start().then(tracker => ({ url: tracker.url, stop: () => tracker.stop() }))
}

/** The server that y-webrtc brings along. */
async function startSignalling () {
  const server = fork(path.join(HERE, 'node_modules/y-webrtc/bin/server.js'), [], {
    execArgv: ['--import', path.join(HERE, 'loopback.mjs')], env: { ...process.env, PORT: '0' }, stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const [port] = await bounded(once(server, 'message'), 'the signalling server', 10_000)
  return { url: `ws://127.0.0.1:${port}`, stop: async () => { server.kill() } }
}

function pause (milliseconds) {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}

function sum (numbers) {
  return numbers.reduce((a, b) => a + b, 0)
}

function fail (why) {
  console.error(why)
  process.exit(2)
}
