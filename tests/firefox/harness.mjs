// The stage of the end-to-end tests in Firefox: that of ../e2e, with another browser.
//
// A behavior that a browser may take otherwise is written once, in ../e2e; here `borrow` plays it again. Firefox speaks
// WebDriver BiDi, as Puppeteer does, whose pages have what the tests use of Playwright's.

import assert from 'node:assert/strict'

import puppeteer from 'puppeteer-core'

import { closeShared, PATIENCE, perform, playOn, World } from '../e2e/harness.mjs'
import { installProbe } from '../e2e/probe.mjs'

const FIREFOX = {
  browser: 'firefox',
  executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
  headless: true,
}
const PREFS = {
  // Pages of one machine meet on plain addresses: there is no multicast DNS here.
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  // Nothing outside this machine is reachable, public trackers and STUN servers included: no name has an address.
  'network.dns.disabled': true,
}

/** A Firefox, with these preferences too. */
export async function launch({ prefs = {} } = {}) {
  const browser = await puppeteer.launch({ ...FIREFOX, extraPrefsFirefox: { ...PREFS, ...prefs } })
  const close = () => browser.close()
  return { browser, pid: browser.process().pid, kill: close, close }
}

let shared
/** One Firefox serves all tests of a file; pages are kept apart by containers. */
async function sharedBrowser() {
  shared ??= launch()
  return (await shared).browser
}
let left = 0
/** Closes both browsers after the last test: the runner's own `after` is not called where that one was left out. */
async function isOver() {
  left--
  if (left > 0) return
  const open = shared
  shared = undefined
  await Promise.all([closeShared(), open?.then(({ close }) => close())])
}

/** A world whose pages are in Firefox, but for those that are to be in `chromium`. */
export class FirefoxWorld extends World {
  async launch(options) {
    const browser = await launch(options)
    this.browsers.push(browser)
    return browser
  }

  async tab({ chromium, ...options }) {
    if (chromium) return super.tab(options)
    const { browser, before, given, beside, probed = true } = options
    const page = await (beside?.browserContext() ?? await this.container(browser)).newPage()
    // Puppeteer's own patience is shorter than that of the tests on a busy machine.
    page.setDefaultTimeout(PATIENCE)
    if (probed) await page.evaluateOnNewDocument(installProbe)
    if (before) await page.evaluateOnNewDocument(before, given)
    return page
  }

  async container(browser) {
    const context = await (browser ?? await sharedBrowser()).createBrowserContext()
    this.contexts.push(context)
    return context
  }
}

/** A test in Firefox. */
export function behavior(sentence, play, options) {
  left++
  perform(sentence, play, FirefoxWorld, options).then(isOver)
}

/** Plays behaviors of a file of ../e2e in Firefox, those of these sentences. `options` are by sentence, for the test runner. */
export async function borrow(file, sentences, options = {}) {
  const left = new Set(sentences)
  playOn((sentence, play) => {
    if (left.delete(sentence)) behavior(sentence, play, options[sentence])
  })
  await import(`../e2e/${file}.test.mjs`)
  assert.deepEqual([...left], [], `no such behavior in ${file}`)
}
