// `npm start`: its peer meets those of the pages, and nothing of it stays behind, however it ends.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { listen } from '../../scripts/listen.mjs'
import { next, PATIENCE, peer, ROOT, TERMINAL, terminal } from './peers.mjs'

const LOBBY = 'lobby'
const portOf = url => Number(new URL(url).port)

/** Whether nobody listens there any more. */
async function isFree(port) {
  const { port: taken, close } = await listen(port, () => {})
  await close()
  return taken === port
}

test('its terminal is a peer of the lobby; Ctrl-C ends the peer, the pages and the tracker', TERMINAL, async t => {
  const { shows, type, exit } = terminal(t, 'npm start')
  const [, pages, url] = await shows(/Pages +(\S+)\n +Tracker +(\S+)/)
  assert.deepEqual(await (await fetch(`${pages}/config.json`)).json(), { tracker: url })
  const other = peer(t, LOBBY, url)
  await shows(/Swarm lobby\./)
  await other.ready
  type('hello pages\r')
  assert.equal((await next(other, 'message')).message, 'hello pages')
  other.send('hello terminal')
  await shows(/\d\d:\d\d [0-9a-f]{6} hello terminal/)

  const gone = next(other, 'disconnect')
  type('\x03')
  await gone
  assert.equal(await exit, 0)
  assert.deepEqual(await Promise.all([pages, url].map(portOf).map(isFree)), [true, true])
})

test('without a peer it serves and says nothing more', { timeout: PATIENCE }, async t => {
  const { found, child } = await start(t, ['run', 'serve'])
  assert.equal((await fetch(found.Pages)).status, 200)
  child.kill('SIGTERM')
  await Promise.all([found.Pages, found.Tracker].map(url => freed(t, portOf(url))))
})

// npm passes SIGTERM on to a shell that does not, and the others to nobody.
for (const signal of ['SIGTERM', 'SIGHUP', 'SIGKILL']) {
  test(`a ${signal} for npm alone ends what npm started, and the swarm is told`, { timeout: PATIENCE, skip: process.platform === 'win32' }, async t => {
    const { found, child } = await start(t, ['start'])
    const other = peer(t, LOBBY, found.Tracker)
    await other.ready
    const gone = next(other, 'disconnect')
    child.kill(signal)
    await gone
    await Promise.all([found.Pages, found.Tracker].map(url => freed(t, portOf(url))))
  })
}

/** npm in the background, its input at its end, until it says where everything is. */
async function start(t, args) {
  const child = spawn('npm', args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL')) // what it started ends with it
  await once(child, 'spawn')
  const found = {}
  for await (const line of createInterface({ input: child.stdout })) {
    const [, what, url] = /^ +(Pages|Tracker) +(\S+)$/.exec(line) ?? []
    if (what) found[what] = url
    if (line.startsWith('Ctrl-C')) break
  }
  return { child, found }
}

/** Resolves when nobody listens there any more. */
async function freed(t, port) {
  while (!t.signal.aborted && !(await isFree(port))) await new Promise(resolve => setImmediate(resolve))
}
