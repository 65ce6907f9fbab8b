// `easypeers/yjs` of the packed package: bundled without a line of configuration, and imported and required in Node.
import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import esbuild from 'esbuild'
import * as vite from 'vite'
import { manifest, project, say } from './installed.mjs'
import { EXPECTED, open } from './page.mjs'

const PACKAGES = ['yjs', 'y-protocols'].map(name => `${name}@${manifest.devDependencies[name]}`)
const APP = `
import * as Y from 'yjs'
import { EasypeersProvider } from 'easypeers/yjs'
const doc = new Y.Doc()
const provider = new EasypeersProvider('package', doc, { trackers: [] })
const { easypeers } = provider
const { address } = easypeers
let refused
try { new EasypeersProvider('package') } catch (error) { refused = error instanceof TypeError }
doc.destroy()
globalThis.report = {
  name: easypeers.constructor.name,
  addressed: /^[0-9a-f]{40}$/.test(address),
  closed: easypeers.closed && !provider.connected,
  errors: refused && EasypeersProvider.name === 'EasypeersProvider',
}
`
const FILES = { 'app.js': APP, 'index.html': '<!doctype html><meta charset="utf-8"><title>yjs</title><script type="module" src="/app.js"></script>' }

test('vite builds it', async t => {
  const dir = await project(t, FILES, PACKAGES)
  await vite.build({ root: dir, configFile: false, logLevel: 'error' })
  assert.deepEqual(await open({ dir: path.join(dir, 'dist') }), EXPECTED)
})

test('esbuild builds it, with one copy of Yjs', async t => {
  const dir = await project(t, FILES, PACKAGES)
  const { metafile } = await esbuild.build({
    absWorkingDir: dir, entryPoints: ['app.js'], bundle: true, format: 'esm', outfile: 'app.js', allowOverwrite: true, metafile: true, logLevel: 'error',
  })
  assert.deepEqual(Object.keys(metafile.inputs).filter(file => /node_modules\/yjs\//.test(file)), ['node_modules/yjs/dist/yjs.mjs'])
  assert.deepEqual(await open({ dir }), EXPECTED)
})

test('Node imports it and requires it, and importing does nothing', async t => {
  const dir = await project(t, {
    'app.mjs': `import { EasypeersProvider } from 'easypeers/yjs'\nconsole.log(EasypeersProvider.name)`,
    'app.cjs': `console.log(require('easypeers/yjs').EasypeersProvider.name)`,
  }, PACKAGES)
  for (const file of ['app.mjs', 'app.cjs']) assert.equal(await say('node', [file], { cwd: dir }), 'EasypeersProvider\n')
})

test('who does not use it needs neither yjs nor y-protocols', async t => {
  const dir = await project(t, { 'app.mjs': `import Easypeers from 'easypeers'\nconsole.log(Easypeers.name)` })
  assert.equal(await say('node', ['app.mjs'], { cwd: dir }), 'Easypeers\n')
})
