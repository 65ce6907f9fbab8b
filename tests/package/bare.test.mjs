// Without any tool: the script tag, Node, and the checks of the manifest.
import assert from 'node:assert/strict'
import { cp } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { manifest, project, say } from './installed.mjs'
import { EXPECTED, open, SCRIPT } from './page.mjs'

test('the class is there on the line after the script tag', async t => {
  const dir = await project(t, {
    'index.html': '<!doctype html><script src="easypeers.dist.js"></script><script src="app.js"></script>',
    'app.js': SCRIPT,
  })
  await cp(path.join(dir, 'node_modules/easypeers', manifest.unpkg), path.join(dir, 'easypeers.dist.js'))
  assert.deepEqual(await open({ dir }), EXPECTED)
})

// With `nodeIntegration`; without, a renderer is a page as any.
test('the script tag gives the class to a page that has what Node has, as a renderer of Electron', async t => {
  const dir = await project(t, {
    'index.html': '<!doctype html><script src="globals.js"></script><script src="easypeers.dist.js"></script><script src="app.js"></script>',
    'globals.js': `
var global = window, module = { exports: {} }, exports = module.exports
var require = name => { throw new Error('required ' + name) }
var process = { type: 'renderer', platform: 'linux', versions: { node: '24.0.0', electron: '42.0.0' }, env: {}, argv: [] }`,
    'app.js': SCRIPT,
  })
  await cp(path.join(dir, 'node_modules/easypeers', manifest.unpkg), path.join(dir, 'easypeers.dist.js'))
  assert.deepEqual(await open({ dir }), EXPECTED)
})

// A getter that throws: whoever looks for a page while being loaded fails.
const PAGE = ['window', 'document', 'location', 'localStorage']
const NO_PAGE = PAGE.map(name =>
  `Object.defineProperty(globalThis, '${name}', { configurable: true, get() { throw new Error('touched ${name}') } })`).join('\n')
// The constructor may look.
const CONSTRUCT = `
${PAGE.map(name => `delete globalThis.${name}`).join('\n')}
try { new Easypeers('package', { trackers: [] }); console.log('constructed') }
catch (error) { console.log(error.code, error instanceof EasypeersError, error.message.length > 20) }`

test('Node imports it without touching a page, and is told why it cannot be a peer', async t => {
  const dir = await project(t, {
    'page.mjs': NO_PAGE,
    'app.mjs': `import './page.mjs'\nimport Easypeers, { EasypeersError } from 'easypeers'\n${CONSTRUCT}`,
  })
  assert.equal(await say('node', ['app.mjs'], { cwd: dir }), 'ERR_NO_WEBRTC true true\n')
})

test('Node requires it, and the class is the module', async t => {
  const dir = await project(t, {
    'app.cjs': `${NO_PAGE}\nconst Easypeers = require('easypeers')\nconst { default: same, EasypeersError } = Easypeers\n` +
      `if (same !== Easypeers || Easypeers.Easypeers !== Easypeers) throw new Error('not the class')\n${CONSTRUCT}`,
  })
  assert.equal(await say('node', ['app.cjs'], { cwd: dir }), 'ERR_NO_WEBRTC true true\n')
})

test('it is imported where texts cannot be decoded, as in jsdom, and says so when it is constructed', async t => {
  const dir = await project(t, {
    'bare.mjs': 'delete globalThis.TextDecoder\ndelete globalThis.TextEncoder',
    'app.mjs': `import './bare.mjs'
import Easypeers, { EasypeersError } from 'easypeers'
for (const act of [() => new Easypeers('package'), () => Easypeers.createIdentity()]) {
  try { act() } catch (error) { console.log(error.code, error instanceof EasypeersError, error.message.includes('TextDecoder')) }
}`,
  })
  assert.equal(await say('node', ['app.mjs'], { cwd: dir }), 'ERR_UNSUPPORTED true true\n'.repeat(2))
})

test('the package holds what it names, needs nothing but WebSocket for Node, and leaves the workshop at home', async t => {
  const dir = await project(t)
  const files = JSON.parse(await say('npm', ['pack', '--dry-run', '--json']))[0].files.map(file => file.path)
  const names = ['easypeers.dist.js', 'easypeers.mjs', 'easypeers.cjs', 'easypeers.d.ts', 'easypeers.d.mts', 'slim.mjs', 'slim.d.mts', 'easypeers.wasm', 'node.mjs', 'node.cjs', 'cli.mjs', ...['yjs', 'automerge', 'tinybase'].flatMap(name => ['mjs', 'cjs', 'd.mts', 'd.ts'].map(ending => `${name}.${ending}`))]
  for (const name of names.map(name => `pkg/${name}`)) {
    assert.ok(files.includes(name), name)
  }
  assert.deepEqual(files.filter(file => /^(src|scripts|tests|www|target)\//.test(file)), [])
  assert.deepEqual(Object.keys(manifest.dependencies), ['ws'])
  assert.match(await say('npm', ['ls', '--all', '--parseable'], { cwd: dir }), /^[^\n]+\n[^\n]+easypeers\n[^\n]+ws\n$/)
})

test('publint has nothing to say', () => say('npx', ['publint', '--strict']))

test('the types resolve as the code does, however they are imported', async () => {
  await say('npx', ['attw', '--pack', '.', '--entrypoints', '.'])
  // Below a package, what knows no `exports` finds nothing.
  await say('npx', ['attw', '--pack', '.', '--entrypoints', './yjs', './automerge', './tinybase', '--profile', 'node16'])
  // It awaits, and so is a module.
  await say('npx', ['attw', '--pack', '.', '--entrypoints', './slim', '--profile', 'esm-only'])
})
