// `npm start`: the pages and the tracker on this machine.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'ws'
import { serve } from '../../scripts/static.mjs'
import { startTracker } from '../../scripts/tracker.mjs'

const START = fileURLToPath(new URL('../../scripts/start.mjs', import.meta.url))

/** As it is written, dots and all: `fetch` would tidy the path first. */
async function get(port, path, { method = 'GET', host = '127.0.0.1' } = {}) {
  const request = http.request({ host, port, path, method, agent: false }).end()
  const [response] = await once(request, 'response')
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return { status: response.statusCode, type: response.headers['content-type'], text, headers: response.headers }
}

async function site(t, options) {
  const { port, close } = await serve({ port: 0, ...options })
  t.after(close)
  return port
}

test('the pages, the package and the place of the tracker are served, and not kept', async t => {
  const port = await site(t, { config: { tracker: 'ws://localhost:1234' } })
  const types = { '/': 'text/html', '/chat.html': 'text/html', '/pkg/easypeers.dist.js': 'text/javascript', '/style.css': 'text/css', '/docs/': 'text/html', '/llms.txt': 'text/plain' }
  for (const [path, type] of Object.entries(types)) {
    const page = await get(port, path)
    assert.equal(page.status, 200, path)
    assert.ok(page.type.startsWith(type), `${path}: ${page.type}`)
    assert.equal(page.headers['cache-control'], 'no-store')
  }
  assert.deepEqual(JSON.parse((await get(port, '/config.json')).text), { tracker: 'ws://localhost:1234' })
  assert.equal((await get(port, '/docs')).headers.location, '/docs/')
})

test('nothing outside the two folders is served', async t => {
  const port = await site(t)
  const paths = [
    '/../package.json', '/%2e%2e/package.json', '/..%2fpackage.json', '/pkg/../package.json', '/pkg/..%2fpackage.json',
    '/..%5cpackage.json', '/pkg', '/nothing.html', '/%00', '/%', '//etc/passwd', '/.%2e/.%2e/.%2e/etc/passwd',
  ]
  for (const path of paths) assert.equal((await get(port, path)).status, 404, path)
  assert.equal((await get(port, '/', { method: 'POST' })).status, 405)
  assert.equal((await get(port, '/', { method: 'HEAD' })).text, '')
})

test('a port that is taken is passed over', async t => {
  const first = await site(t)
  const second = await site(t, { port: first })
  assert.ok(second > first)
})

test('the tracker answers an announce, and closes its sockets with itself', async () => {
  const tracker = await startTracker({ port: 0 })
  const socket = new WebSocket(tracker.url)
  await once(socket, 'open')
  const said = once(socket, 'message')
  socket.send(JSON.stringify({
    action: 'announce', info_hash: 'i'.repeat(20), peer_id: 'p'.repeat(20), numwant: 0, offers: [],
    uploaded: 0, downloaded: 0, left: 1, event: 'started',
  }))
  const answer = JSON.parse((await said)[0])
  assert.equal(answer.action, 'announce')
  assert.equal(answer.incomplete, 1)
  const closed = once(socket, 'close')
  await tracker.close()
  await closed
})

test('the tracker takes pages of this machine, what is no page, and whom it was told of; no other page', async t => {
  const tracker = await startTracker({ port: 0, origins: ['https://chat.example'] })
  t.after(tracker.close)
  const own = [
    'http://localhost', 'http://localhost:3000', 'https://localhost:3000', 'http://127.0.0.1:1', 'http://[::1]:3000', 'https://chat.example',
  ]
  const others = [
    'https://evil.example', 'http://evil.example:3000', 'http://localhost.evil.example', 'http://evil.example#localhost', 'http://localhost@evil.example',
    'http://127.0.0.1.evil.example', 'http://192.168.1.7:3000', 'http://chat.example', 'https://chat.example:444', 'ftp://localhost',
    'chrome-extension://localhost', 'file://', 'null', 'localhost', '', // what a sandboxed frame of any page says is `null`
  ]
  const status = async origin => {
    const socket = new WebSocket(tracker.url, { headers: origin === undefined ? {} : { origin } })
    const [first] = await Promise.race([
      once(socket, 'open').then(() => [101]),
      once(socket, 'unexpected-response').then(([, response]) => [response.statusCode]),
    ])
    socket.on('error', () => {}) // that it was ended while it was refused
    socket.terminate()
    return first
  }
  for (const origin of [undefined, ...own]) assert.equal(await status(origin), 101, String(origin))
  for (const origin of others) assert.equal(await status(origin), 403, origin)
  // Node's own, where it has one.
  if (globalThis.WebSocket) {
    const socket = new globalThis.WebSocket(tracker.url)
    await once(socket, 'open')
    socket.close()
  }
})

test('npm start says where the pages are, tells them of the tracker, and ends at once', async t => {
  const child = spawn(process.execPath, [START], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const found = {}
  for await (const line of createInterface({ input: child.stdout })) {
    const [, what, url] = /^ +(Pages|Tracker) +(\S+)$/.exec(line) ?? []
    if (what) found[what] = url
    if (line.startsWith('Ctrl-C')) break
  }
  const config = await (await fetch(`${found.Pages}/config.json`)).json()
  assert.equal(config.tracker, found.Tracker)
  const ended = once(child, 'exit')
  child.kill('SIGINT')
  assert.deepEqual(await ended, [0, null])
})
