// The package in Node: with node-datachannel, without it, however it is imported.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { manifest, project, say } from './installed.mjs'
import { startTracker } from '../../scripts/tracker.mjs'

const WEBRTC = [`node-datachannel@${manifest.devDependencies['node-datachannel']}`]
const BOT = /```js\n([^]*?)```/.exec(await readFile(fileURLToPath(new URL('../../docs/node.md', import.meta.url)), 'utf8'))[1]

/** Beside the bot of the documentation in one process: somebody who writes to it, and ends both. */
const visitor = url => `
const visitor = new Easypeers('my bots', { trackers: ['${url}'] })
const about = [typeof globalThis.RTCPeerConnection, typeof globalThis.WebSocket === typeof WebSocket]
visitor.on('message', ({ message }) => {
  console.log('answer:', message, ...about)
  visitor.close()
  easypeers.close()
})
visitor.ready.then(address => visitor.send(address, 'hello'))
`

async function tracker(t) {
  const { url, close } = await startTracker({ port: 0 })
  t.after(close)
  return url
}

const MODULES = {
  'an ES module': { file: 'app.mjs', of: code => code },
  'CommonJS': { file: 'app.cjs', of: code => code.replace("import Easypeers from 'easypeers'", "const Easypeers = require('easypeers')") },
}
for (const [what, { file, of }] of Object.entries(MODULES)) {
  test(`the bot of the documentation, as ${what}, talks, leaves nothing on globalThis, and ends by itself`, async t => {
    const url = await tracker(t)
    const code = of(BOT).replace(/wss:[^']+/, url) + visitor(url)
    const dir = await project(t, { [file]: code }, WEBRTC)
    const said = (await say('node', [file], { cwd: dir, timeout: 60_000 })).split('\n')
    assert.ok(said.includes('answer: hello, too undefined true'), said.join('\n'))
  })
}

test('import and require give one class', async t => {
  const dir = await project(t, {
    'app.mjs': `import { createRequire } from 'node:module'
import Easypeers, { Easypeers as named, EasypeersError, DeliveryError, RequestError, ClosedError } from 'easypeers'
const required = createRequire(import.meta.url)('easypeers')
console.log(required === Easypeers, named === Easypeers, [EasypeersError, DeliveryError, RequestError, ClosedError].every(error => Easypeers[error.name] === error))`,
  })
  assert.equal(await say('node', ['app.mjs'], { cwd: dir }), 'true true true\n')
})

const CONSTRUCT = `import Easypeers from 'easypeers'
try { new Easypeers('package', { trackers: [] }) } catch ({ code, message }) { console.log(code, message) }`

test('without node-datachannel, the error is the command that mends it', async t => {
  const dir = await project(t, { 'app.mjs': CONSTRUCT })
  assert.match(await say('node', ['app.mjs'], { cwd: dir }), /^ERR_NO_WEBRTC .*: npm install node-datachannel\n$/)
  // The command says the same, and how with npx.
  await assert.rejects(say(path.join(dir, 'node_modules/.bin/easypeers'), ['topic'], { cwd: dir }), /npm install node-datachannel\n.*npx -p/)
})

test('a node-datachannel that cannot be loaded is no reason to install it again', async t => {
  const dir = await project(t, { 'app.mjs': CONSTRUCT }, WEBRTC)
  const binding = path.join(dir, 'node_modules/node-datachannel/dist/cjs/lib/node-datachannel.cjs')
  const { writeFile } = await import('node:fs/promises')
  await writeFile(binding, "throw new Error('of another system')")
  assert.match(await say('node', ['app.mjs'], { cwd: dir }), /^ERR_NO_WEBRTC .*cannot be loaded: of another system\n$/)
})

test('where WebRTC is there, as in a renderer of Electron, it is what a peer in Node takes', async t => {
  const page = `
let made = 0
globalThis.RTCPeerConnection = class {
  constructor() { made++ }
  createDataChannel() { return {} }
  createOffer() {}
  createAnswer() {}
  setLocalDescription() {}
  setRemoteDescription() {}
  addIceCandidate() {}
  close() {}
}
const peer = new Easypeers('package', { trackers: [] })
console.log(peer.address.length, made)
peer.close()`
  const dir = await project(t, { 'app.cjs': `const Easypeers = require('easypeers')${page}`, 'app.mjs': `import Easypeers from 'easypeers'${page}` })
  for (const file of ['app.cjs', 'app.mjs']) assert.equal(await say('node', [file], { cwd: dir }), '40 1\n')
})

test('TypeScript knows it under node16 and bundler, as an ES module and as CommonJS', async t => {
  const files = {
    'app.mts': "import Easypeers, { EasypeersError } from 'easypeers'\nconst peer: Easypeers = new Easypeers('topic')\npeer.on('connect', address => address.length)\nexport { EasypeersError }\n",
    'app.cts': "import Easypeers = require('easypeers')\nconst peer: Easypeers = new Easypeers('topic', { rtc: { RTCPeerConnection: class {}, WebSocket: class {} } })\npeer.send('hi').id.length\nexport = Easypeers.EasypeersError\n",
  }
  const dir = await project(t, files)
  const tsc = fileURLToPath(new URL('../../node_modules/.bin/tsc', import.meta.url))
  const strict = ['--strict', '--noEmit', '--target', 'es2022', '--lib', 'es2022', '--types', '']
  await say(tsc, [...strict, '--module', 'node16', '--moduleResolution', 'node16', 'app.mts', 'app.cts'], { cwd: dir })
  await say(tsc, [...strict, '--module', 'esnext', '--moduleResolution', 'bundler', 'app.mts'], { cwd: dir })
})
