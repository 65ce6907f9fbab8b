// WebKitGTK's own browser, by its WebDriver, on a screen that nobody sees.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { test } from 'node:test'

import { bounded, Site, Tracker } from '../e2e/harness.mjs'

const DRIVER = process.env.WEBKIT_DRIVER ?? '/usr/bin/WebKitWebDriver'
const BROWSER = process.env.WEBKIT ?? '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser'
/** There need be neither a graphics card nor what its sandbox is made of; all pages are ours. */
const ENV = {
  WEBKIT_DISABLE_DMABUF_RENDERER: '1', WEBKIT_DISABLE_COMPOSITING_MODE: '1', LIBGL_ALWAYS_SOFTWARE: '1',
  WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
}
/** Where WebRTC is built in, it is off. */
const ARGS = ['--automation', '--enable-webrtc=true', '--enable-media-stream=true']

/** A test with a tracker and a page, in a browser of its own, that has the package loaded. */
export function behavior(sentence, play) {
  test(sentence, { timeout: 120_000 }, async t => {
    const ends = []
    try {
      const site = await Site.start()
      ends.push(() => site.stop())
      const tracker = await Tracker.start()
      ends.push(() => tracker.stop())
      site.pages.set('/blank', '<!doctype html><title>blank</title><script src="/pkg/easypeers.dist.js"></script>')
      const page = await open(t, ends)
      await page.goto(`${site.url}/blank`)
      await play({ page, site, tracker, t })
    } finally {
      for (const end of ends.reverse()) await end()
    }
  })
}

/** What is opened is closed by `ends`, from the last to the first. */
async function open(t, ends) {
  const start = (command, args, options) => {
    const child = spawn(command, args, options)
    const gone = new Promise(resolve => child.once('exit', resolve).once('error', resolve))
    ends.push(() => {
      child.kill()
      return gone
    })
    return child
  }
  // The screen says its number when it is there.
  const screen = start('Xvfb', ['-displayfd', '1', '-nolisten', 'tcp'], { stdio: ['ignore', 'pipe', 'ignore'] })
  const [number] = await bounded(once(screen.stdout, 'data'), 'Xvfb')
  const port = await freePort()
  start(DRIVER, [`--port=${port}`], { stdio: 'ignore', env: { ...process.env, ...ENV, DISPLAY: `:${String(number).trim()}` } })
  await listens(port)

  const call = async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}/session${path}`, { method, body: body && JSON.stringify(body) })
    const { value } = await response.json()
    if (!response.ok) throw new Error(`${value.error}: ${value.message}`)
    return value
  }
  const capabilities = { alwaysMatch: { 'webkitgtk:browserOptions': { binary: BROWSER, args: ARGS }, timeouts: { script: 90_000 } } }
  const { sessionId, capabilities: { browserName, browserVersion } } = await call('POST', '', { capabilities })
  ends.push(() => call('DELETE', `/${sessionId}`))
  t.diagnostic(`${browserName} ${browserVersion}`)
  return {
    goto: url => call('POST', `/${sessionId}/url`, { url }),
    /** Runs `f(arg)` in the page, and gives what becomes of it. */
    async evaluate(f, arg = null) {
      const script = `
        const [arg, done] = arguments
        Promise.resolve(arg).then(${f}).then(value => done({ value }), error => done({ error: String(error) + '\\n' + error.stack }))`
      const { value, error } = await call('POST', `/${sessionId}/execute/async`, { script, args: [arg] })
      if (error) throw new Error(`in the page: ${error}`)
      return value
    },
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  return port
}

/** The driver does not say when it does, so this asks. */
async function listens(port) {
  for (let tries = 0; ; tries++) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch (error) {
      if (tries === 100) throw error
      await new Promise(resolve => setTimeout(resolve, 100))
    } finally {
      socket.destroy()
    }
  }
}
