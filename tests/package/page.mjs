// A page in headless Chromium whose files come from a folder; nothing else is reachable.
import { existsSync } from 'node:fs'
import path from 'node:path'
import { chromium } from 'playwright-core'

const ORIGIN = 'http://localhost'

/** What each bundle runs: a swarm is joined and left, and all that the package exports is there. */
export const APP = `
import Easypeers, { Easypeers as named, EasypeersError, DeliveryError, RequestError, ClosedError } from 'easypeers'
${report(`named === Easypeers && [EasypeersError, DeliveryError, RequestError, ClosedError]`)}
`

/** The same with the module in a file of its own. */
export const SLIM = `
import Easypeers, { Easypeers as named, EasypeersError, DeliveryError, RequestError, ClosedError, init } from 'easypeers/slim'
await init()
${report(`named === Easypeers && [EasypeersError, DeliveryError, RequestError, ClosedError]`)}
`

/** The same with the script tag alone. */
export const SCRIPT = report(`[Easypeers.EasypeersError, Easypeers.DeliveryError, Easypeers.RequestError, Easypeers.ClosedError]`)

/** What both report. */
export const EXPECTED = { name: 'Easypeers', addressed: true, closed: true, errors: true }

function report(errors) {
  return `
const peer = new Easypeers('package', { trackers: [] })
const address = peer.address
peer.close()
const [base, ...others] = ${errors}
globalThis.report = {
  name: Easypeers.name,
  addressed: /^[0-9a-f]{40}$/.test(address),
  closed: peer.closed,
  errors: base.prototype instanceof Error && others.every(other => other.prototype instanceof base),
}
`
}

/**
 * Opens index.html of `dir`, or `url`, and returns what its script reported.
 * @param {{ dir?: string, url?: string, missing?: string }} options `missing` is the file that is sent in place of one that
 *   is not there, as a server of a single-page application does
 */
export async function open({ dir, url = `${ORIGIN}/`, missing }) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup',
      '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost',
    ],
  })
  try {
    const page = await browser.newPage()
    if (dir) await page.route(`${ORIGIN}/**`, route => fulfill(route, dir, missing))
    const wrong = []
    page.on('pageerror', error => wrong.push(error.stack))
    await page.goto(url)
    const report = await page.waitForFunction(() => globalThis.report, null, { timeout: 30_000 }).catch(error => {
      throw new Error(`${error.message}\n${wrong.join('\n')}`)
    })
    return await report.jsonValue()
  } finally {
    await browser.close()
  }
}

function fulfill(route, dir, missing) {
  const { pathname } = new URL(route.request().url())
  let file = path.join(dir, pathname === '/' ? 'index.html' : pathname)
  if (!existsSync(file)) {
    if (!missing) return route.fulfill({ status: 404 })
    file = path.join(dir, missing)
  }
  // The strictest policy under which WebAssembly runs.
  const headers = { 'content-security-policy': `script-src 'self' 'wasm-unsafe-eval'` }
  return route.fulfill({ path: file, headers })
}
