// What is open while one contender is measured: a browser of its own, a server to meet on, a page for each peer.
import { bounded, inTurns, launch, Site, slowDown } from '../../tests/e2e/harness.mjs'

import { CONTENDERS } from './contenders.mjs'
import { processorTime, watch } from './machine.mjs'
import { installMeter } from './meter.mjs'

/** So many pages are opened at a time. */
const AT_A_TIME = 4
/** Between the word to join and the joining, so that every page has heard it: for each page, in milliseconds. */
const WORD_MS = 15
const ENDING_MS = 10_000
/** A browser that uses a smaller share of a processor rests; it is looked at so often, and given so long. */
const [RESTING, LOOK_MS, RESTING_MS] = [0.1, 300, 8_000]

/** A page with one peer in it. */
export class Page {
  constructor(page, server) {
    Object.assign(this, { page, server })
  }

  /** Calls a function of `window.beside` in the page. */
  beside(name, ...args) {
    // JSON has no `undefined`: it stands for no argument.
    return this.page.evaluate(([name, args]) => typeof beside[name] === 'function' ? beside[name](...args) : beside[name], [name, args])
  }

  async join(topic, size, at) {
    this.id = await this.beside('join', topic, this.server.url, size, at)
  }

  /** What installMeter has counted. */
  meter() {
    return this.page.evaluate(() => meter)
  }

  slowDown(times) {
    return slowDown(this.page, times)
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

/** What one contender has open for one scene. */
export class World {
  /** Uncaught errors of pages. */
  errors = []

  static async start(name, script) {
    const world = new World()
    try {
      await world.begin(name, script)
    } catch (error) {
      await world.end()
      throw error
    }
    return world
  }

  async begin(name, script) {
    this.site = await Site.start()
    this.site.pages.set('/', `<!doctype html><meta charset="utf-8"><title>${name}</title><script>${script}</script>`)
    this.server = await CONTENDERS[name].server()
    this.browser = await launch()
    this.machine = watch(this.browser.pid)
  }

  /** Pages with nothing in common but the browser, each in a process of its own, that have come to rest. */
  async open(number) {
    const pages = await inTurns(Array.from({ length: number }), AT_A_TIME, async () => {
      const context = await this.browser.browser.newContext()
      await context.addInitScript(installMeter)
      const page = await context.newPage()
      page.on('pageerror', error => this.errors.push(error.message.split('\n')[0].slice(0, 200)))
      await page.goto(this.site.url)
      return new Page(page, this.server)
    })
    await this.rest()
    return pages
  }

  /** All pages join at once: when that is, by the clock that pages agree on, and the promise that they have. */
  join(pages, topic) {
    const at = Date.now() + WORD_MS * (pages.length + 1)
    const joined = Promise.all(pages.map(page => page.join(topic, pages.length, at)))
    // Who waits for something else meanwhile hears of a failure there.
    joined.catch(() => {})
    return { at, joined }
  }

  /** Waits until the browser does nothing any more: it goes on for a while after its pages are there. */
  async rest() {
    const until = performance.now() + RESTING_MS
    let before
    do {
      before = this.processorTime()
      await new Promise(resolve => setTimeout(resolve, LOOK_MS))
    } while (this.processorTime() - before > RESTING * LOOK_MS / 1_000 && performance.now() < until)
  }

  /** Seconds of processor time that all processes of the browser have used. */
  processorTime() {
    return processorTime(this.browser.pid)
  }

  async end() {
    const ends = [this.browser?.kill(), this.server?.stop(), this.site?.stop()].filter(Boolean)
    await Promise.allSettled(ends.map(end => bounded(end, 'an end', ENDING_MS)))
  }
}
