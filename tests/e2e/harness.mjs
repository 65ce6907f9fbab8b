// The stage of the end-to-end tests: a browser, a tracker, a web server and pages, all on loopback.
//
// `behavior(sentence, play)` is a test with a `World` of its own; what a world opened is closed after it, a failure
// prints what every page knew, and a page that had an uncaught error fails the test even if nothing else did.

import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import { after, test } from 'node:test'

import TrackerServer from 'bittorrent-tracker/server'
import { chromium } from 'playwright-core'

import { serve } from '../../scripts/static.mjs'
import { installProbe } from './probe.mjs'

/** Another script tag than that of pkg/. */
const PACKAGE = process.env.EASYPEERS_DIST
const LOOPBACK = '127.0.0.1'

export const CHROMIUM = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync',
    // Pages of one machine meet on plain addresses: there is no multicast DNS here. And a window that nobody sees needs no
    // suggestions under its address bar, which are a page in a process of its own for each of ours.
    '--disable-features=WebRtcHideLocalIpsWithMdns,WebUIOmniboxPopup,WebUIOmniboxAimPopup',
    // Nothing outside this machine is reachable, public trackers and STUN servers included.
    `--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE ${LOOPBACK} , EXCLUDE localhost`,
  ],
}

/** The longest task of any page's thread while `play` goes on, in milliseconds of processor time: what the machine does
 *  for others meanwhile does not count. Still a figure of this machine, to be printed. Tasks in which an event named
 *  `but` occurs are left out. */
export async function longestTask(page, play, but) {
  const browser = page.context().browser()
  await browser.startTracing(page, { categories: ['disabled-by-default-devtools.timeline'] })
  await play()
  const { traceEvents } = JSON.parse(await browser.stopTracing())
  const thread = event => `${event.pid} ${event.tid}`
  const mains = new Set(traceEvents.filter(event => event.name === 'thread_name' && event.args.name === 'CrRendererMain').map(thread))
  const tasks = traceEvents.filter(event => event.name === 'RunTask' && event.ph === 'X' && mains.has(thread(event)))
  assert.ok(tasks.length > 0 && tasks.every(task => task.tdur >= 0), 'the browser tells of its tasks')
  const left = traceEvents.filter(event => event.name === but)
  const has = (task, event) => thread(task) === thread(event) && event.ts >= task.ts && event.ts <= task.ts + task.dur
  const counted = tasks.filter(task => !left.some(event => has(task, event)))
  return Math.max(...counted.map(task => task.tdur)) / 1000
}

/** Makes a page's thread so many times slower, as on a phone. */
export async function slowDown(page, times) {
  const session = await page.context().newCDPSession(page)
  await session.send('Emulation.setCPUThrottlingRate', { rate: times })
}

/** After so long a wait is given up, and a test after a few of them, in milliseconds: what was waited for does not come. It
 *  promises nothing about how fast it comes. That is promised, and tested, in virtual time, where no machine is busy. */
export const PATIENCE = 120_000

// ---------------------------------------------------------------- the tracker

/** A real tracker; it can die and come back on its port, and say things a tracker should not say. */
export class Tracker {
  sockets = new Set()
  /** What the clients said, parsed, newest last; bounded. */
  heard = []
  waiting = new Set()

  static async start({ port = 0, ...options } = {}) {
    const tracker = new Tracker()
    tracker.options = options
    tracker.port = port
    await tracker.start()
    return tracker
  }

  get url() {
    return `ws://${LOOPBACK}:${this.port}`
  }

  async start() {
    const server = new TrackerServer({ udp: false, http: false, ws: true, stats: false, ...this.options })
    server.on('error', () => {})
    server.on('warning', () => {})
    server.ws.on('connection', socket => {
      this.sockets.add(socket)
      socket.on('close', () => this.sockets.delete(socket))
      socket.on('message', data => {
        try {
          this.heard.push(JSON.parse(data))
          if (this.heard.length > 1000) this.heard.shift()
          for (const look of this.waiting) look()
        } catch { /* the server answers for that */ }
      })
    })
    await new Promise((resolve, reject) => {
      server.http.once('error', reject)
      server.listen(this.port, LOOPBACK, resolve)
    })
    this.port = server.http.address().port
    this.server = server
  }

  /** Dies at once: no close frame, nothing. */
  async stop() {
    if (!this.server) return
    const { server } = this
    this.server = null
    const closed = new Promise(resolve => server.close(resolve))
    for (const socket of this.sockets) socket.terminate()
    server.http.closeAllConnections()
    await closed
  }

  /** Resolves with the first message, heard before or from now on, that `wanted` is true of. */
  hears(wanted) {
    return bounded(new Promise(resolve => {
      const look = () => {
        const message = this.heard.find(wanted)
        if (!message) return
        this.waiting.delete(look)
        resolve(message)
      }
      this.waiting.add(look)
      look()
    }), 'such a message to the tracker')
  }

  /** Says this to every client, whatever it is. */
  say(data) {
    for (const socket of this.sockets) socket.send(typeof data === 'string' || Buffer.isBuffer(data) ? data : JSON.stringify(data))
  }
}

// ---------------------------------------------------------------- the web server

/** The demo pages and the package as `npm start` serves them, and pages that exist only in tests. */
export class Site {
  pages = new Map()
  /** Pages that a browser may keep: what is not to be stored is not kept for the back button either. */
  kept = new Set()
  config = {}

  static async start() {
    const site = new Site()
    const { port, close } = await serve({ port: 0, config: site.config, first: (path, response) => site.answer(path, response) })
    site.url = `http://${LOOPBACK}:${port}`
    site.stop = close
    return site
  }

  answer(path, response) {
    if (this.kept.has(path)) response.setHeader('cache-control', 'max-age=60')
    // A browser asks for it by itself, and writes a 404 to the console.
    if (path === '/favicon.ico') response.writeHead(204).end()
    else if (this.pages.has(path)) response.setHeader('content-type', 'text/html').end(this.pages.get(path))
    else if (PACKAGE && path === '/pkg/easypeers.dist.js') createReadStream(PACKAGE).pipe(response.setHeader('content-type', 'text/javascript'))
    else return false
    return true
  }
}

// ---------------------------------------------------------------- browsers

/** A browser of its own process group; `kill` ends it as a crash would. */
export async function launch({ flags = [], ...options } = {}) {
  const server = await chromium.launchServer({ ...CHROMIUM, args: [...CHROMIUM.args, ...flags], ...options })
  const browser = await chromium.connect(server.wsEndpoint())
  return { browser, pid: server.process().pid, kill: () => server.kill(), close: () => server.close() }
}

let shared
/** One browser serves all tests of a file; pages are kept apart by contexts. */
function sharedBrowser() {
  shared ??= launch()
  return shared
}
/** Closes it; who needs one later starts another. */
export async function closeShared() {
  const open = shared
  shared = undefined
  await (await open)?.close()
}
let closes = false
/** Closes it after the file's last test. Not where there is no test: a bench has no runner of tests that would say so. */
function closeAfterTests() {
  if (closes) return
  closes = true
  after(closeShared)
}

// ---------------------------------------------------------------- peers and pages

/** An instance in a page. */
export class Peer {
  constructor(world, page, name) {
    Object.assign(this, { world, page, name })
  }

  /** Runs `f(record, arg)` in the page; `record` is what the probe keeps of this instance. */
  run(f, arg) {
    return this.page.evaluate(({ name, source, arg }) => (0, eval)(`(${source})`)(probe.peers[name], arg), { name: this.name, source: f.toString(), arg })
  }

  /** Resolves when `f(record, arg)` is truthy in the page; `what` says what was waited for when it never is. */
  until(what, f, arg) {
    const happened = this.page.evaluate(({ name, source, arg }) => {
      const predicate = (0, eval)(`(${source})`)
      return probe.until(() => predicate(probe.peers[name], arg))
    }, { name: this.name, source: f.toString(), arg })
    return bounded(happened, `${this.name}: ${what}`)
  }

  neighbors(count = 1) {
    return this.until(`${count} neighbors`, (peer, count) => peer.easypeers.wireCount >= count, count)
  }

  connectedTo(address) {
    return this.until(`a link to ${address}`, (peer, address) => address in peer.easypeers.wires, address)
  }

  disconnectedFrom(address) {
    return this.until(`the end of the link to ${address}`, (peer, address) => peer.disconnects.includes(address), address)
  }

  /** Keeps the page's thread busy for so long; resolves when that is over. */
  block(milliseconds) {
    return this.run((_, milliseconds) => {
      const until = performance.now() + milliseconds
      while (performance.now() < until);
    }, milliseconds)
  }

  send(...args) {
    return this.run((peer, args) => { peer.easypeers.send(...args) }, args)
  }

  /** Resolves when a message of this value has come. */
  hears(message) {
    return this.until(`the message ${JSON.stringify(message).slice(0, 60)}`, (peer, message) => peer.messages.some(m => m.message === message), message)
  }

  /** How often each string message came. */
  heard() {
    return this.run(peer => {
      const counts = {}
      for (const { message } of peer.messages) counts[message] = (counts[message] ?? 0) + 1
      return counts
    })
  }

  get(property) {
    return this.run((peer, property) => peer.easypeers[property], property)
  }

  set(property, value) {
    return this.run((peer, [property, value]) => { peer.easypeers[property] = value }, [property, value])
  }
}

/** Everything one test opened. */
export class World {
  pages = []
  peers = []
  trackers = []
  browsers = []
  consoles = new Map()
  contexts = []
  /** Pages whose uncaught errors are part of the test. */
  troubled = new Set()

  constructor(t) {
    this.t = t
  }

  async tracker(options) {
    const tracker = await Tracker.start(options)
    this.trackers.push(tracker)
    return tracker
  }

  async launch(options) {
    const browser = await launch(options)
    this.browsers.push(browser)
    return browser
  }

  /**
   * An empty page with the package loaded, in a context (and so in a process) of its own, or in another tab `beside` a page;
   * before anything runs `before(given)`.
   */
  async page({ path = '/blank', url = this.site.url + path, ...options } = {}) {
    const page = await this.tab(options)
    const lines = []
    this.consoles.set(page, lines)
    page.on('console', message => lines.push(`${message.type()}: ${message.text()}`))
    page.on('crash', () => lines.push('crashed'))
    this.pages.push(page)
    await page.goto(url)
    return page
  }

  /** A tab in which nothing is yet, but what runs before each page. */
  async tab({ browser, viewport, before, given, beside }) {
    const context = beside?.context() ?? await this.context(browser, viewport)
    if (before) await context.addInitScript(before, given)
    return context.newPage()
  }

  /** Pages of one context share what a browser keeps for an origin, and no other page does. */
  async context(browser, viewport = { width: 800, height: 600 }) {
    const context = await (browser ?? (await sharedBrowser()).browser).newContext({ viewport })
    this.contexts.push(context)
    await context.addInitScript(installProbe)
    return context
  }

  /** An instance in `page`, or in a page of its own. */
  async join(name, topic, options = {}, page) {
    page ??= await this.page()
    const peer = new Peer(this, page, name)
    await page.evaluate(({ name, topic, options }) => {
      probe.cap = options.maxPeers ?? 6
      probe.join(name, topic, options)
    }, { name, topic, options: { trackers: this.trackers.map(t => t.url), ...options } })
    peer.address = await peer.get('address')
    this.peers.push(peer)
    return peer
  }

  /** `count` pages with one instance each, all joining at the same time. */
  async crowd(count, topic, options = {}) {
    const pages = await inTurns(Array.from({ length: count }, (_, i) => i), 4, () => this.page())
    return Promise.all(pages.map((page, i) => this.join(`p${i}`, topic, options, page)))
  }

  /** A measured figure: printed, never judged. */
  measured(what, value) {
    this.t.diagnostic(`${what}: ${typeof value === 'number' ? Math.round(value * 10) / 10 : value}`)
  }

  async noUncaughtErrors() {
    for (const page of this.pages) {
      if (page.isClosed() || this.troubled.has(page) || this.consoles.get(page).includes('crashed')) continue
      assert.deepEqual(await page.evaluate(() => window.probe?.errors ?? []).catch(() => []), [], 'uncaught errors in a page')
    }
  }

  async describe() {
    const lines = this.trackers.map(t => `tracker ${t.url} ${t.server ? 'up' : 'down'}, ${t.sockets.size} sockets, ${t.heard.length} messages heard`)
    for (const peer of this.peers) {
      const told = bounded(peer.page.evaluate(name => probe.describe(name), peer.name), 'no answer', 10_000).catch(error => error.message.split('\n')[0])
      lines.push(`${peer.name} ${peer.page.isClosed() ? '(closed)' : await told}`)
    }
    for (const [page, said] of this.consoles) {
      const times = new Map()
      for (const line of said) times.set(line, (times.get(line) ?? 0) + 1)
      const name = this.peers.filter(peer => peer.page === page).map(peer => peer.name).join(' ') || page.url()
      for (const [line, count] of [...times].slice(-15)) lines.push(`console of ${name}: ${line.slice(0, 1000)}${count > 1 ? ` (${count} times)` : ''}`)
    }
    return lines.join('\n').slice(0, 60_000)
  }

  async end() {
    await Promise.allSettled(this.contexts.map(context => bounded(context.close(), 'closing a context', 10_000)))
    await Promise.allSettled(this.browsers.map(browser => bounded(browser.kill(), 'killing a browser', 10_000)))
    await Promise.allSettled(this.trackers.map(tracker => tracker.stop()))
    await this.site?.stop()
  }
}

/** A test: a sentence about behavior and the play that shows it. */
export function behavior(sentence, play) {
  stage(sentence, play)
}
let stage = perform
/** From now on another stage takes the behaviors that are told of: another browser. */
export function playOn(other) {
  stage = other
}

/** Makes a test of a behavior, in a world of this kind. Resolves at its end, or when it is left out; in a suite, at once. */
export function perform(sentence, play, Kind = World, options = {}) {
  closeAfterTests()
  return test(sentence, { timeout: 4 * PATIENCE, ...options }, async t => {
    const world = new Kind(t)
    try {
      world.site = await Site.start()
      world.site.pages.set('/blank', '<!doctype html><title>blank</title><script src="/pkg/easypeers.dist.js"></script>')
      await bounded(play(world), sentence, 3 * PATIENCE)
      await world.noUncaughtErrors()
    } catch (error) {
      t.diagnostic(await world.describe())
      throw error
    } finally {
      await world.end()
    }
  })
}

/** The promise's value, or an error that says what did not happen in time. */
export async function bounded(promise, what, milliseconds = PATIENCE) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${milliseconds / 1000} s in vain: ${what}`)), milliseconds)
    timer.unref()
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Maps with at most `width` at work at once. */
export async function inTurns(items, width, f) {
  const results = new Array(items.length)
  let next = 0
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, async () => {
    while (next < items.length) {
      const i = next++
      results[i] = await f(items[i], i)
    }
  }))
  return results
}

export const median = values => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]

/** Resolves when every peer's neighbors, taken together, make one connected mesh; returns the milliseconds it took. */
export async function oneMesh(peers) {
  const began = performance.now()
  await Promise.all(peers.map(peer => peer.neighbors()))
  let parts = []
  while (performance.now() - began < PATIENCE) {
    const wires = await Promise.all(peers.map(peer => peer.run(p => [p.connects.length + p.disconnects.length, Object.keys(p.easypeers.wires)])))
    parts = connectedParts(new Map(peers.map((peer, i) => [peer.address, wires[i][1]])))
    if (parts.length === 1) return performance.now() - began
    // Look again when any peer's links change.
    await Promise.race(peers.map((peer, i) => peer.until('a change', (p, seen) => p.connects.length + p.disconnects.length > seen, wires[i][0])))
  }
  throw new Error(`no one mesh, but parts of ${parts.map(part => part.size)}`)
}

/** Each peer, alone in its page, has kept to its cap: never more links, and at most one more connection, while a link is
 *  handed over; and every hand-over ends. How soon, `check_cap` in src/proto/peer/tests/world.rs sees to. */
export async function keptTo(maxPeers, peers, world) {
  await Promise.all(peers.map(peer => peer.until('the end of a hand-over', (_, most) => probe.connected() <= most, maxPeers)))
  const counts = await Promise.all(peers.map(peer => peer.run(p => ({
    wires: p.mostWires, connected: probe.mostConnected, most: probe.most, over: probe.over,
  }))))
  world.measured('most connections connected at once', Math.max(...counts.map(c => c.connected)))
  world.measured('hand-overs above maxPeers', counts.flatMap(c => c.over).length)
  world.measured('longest of them, ms', Math.max(0, ...counts.flatMap(c => c.over)))
  for (const { wires, connected, most } of counts) {
    assert.ok(wires <= maxPeers, `wireCount was ${wires}`)
    assert.ok(connected <= maxPeers + 1, `${connected} connections were connected at once: ${most.join('; ')}`)
  }
}

/** The connected parts of a graph of addresses; an edge counts when both ends list it. */
export function connectedParts(graph) {
  const left = new Set(graph.keys())
  const parts = []
  while (left.size) {
    const part = new Set()
    const reached = [left.values().next().value]
    while (reached.length) {
      const address = reached.pop()
      if (!left.delete(address)) continue
      part.add(address)
      for (const next of graph.get(address)) if (left.has(next) && graph.get(next).includes(address)) reached.push(next)
    }
    parts.push(part)
  }
  return parts
}
