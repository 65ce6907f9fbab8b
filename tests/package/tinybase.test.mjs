// `easypeers/tinybase` of the packed package: bundled without a line of configuration, and imported and required in Node.
import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import esbuild from 'esbuild'
import * as vite from 'vite'
import { manifest, project, say } from './installed.mjs'
import { EXPECTED, open } from './page.mjs'

const PACKAGES = [`tinybase@${manifest.devDependencies.tinybase}`]
const APP = `
import { createMergeableStore } from 'tinybase'
import { createEasypeersSynchronizer } from 'easypeers/tinybase'
const synchronizer = createEasypeersSynchronizer(createMergeableStore(), 'package', { trackers: [] })
const easypeers = synchronizer.getEasypeers()
const { address } = easypeers
let refused
try { createEasypeersSynchronizer() } catch (error) { refused = error instanceof TypeError }
await synchronizer.destroy()
globalThis.report = { name: easypeers.constructor.name, addressed: /^[0-9a-f]{40}$/.test(address), closed: easypeers.closed, errors: refused }
`
const FILES = { 'app.js': APP, 'index.html': '<!doctype html><meta charset="utf-8"><title>tinybase</title><script type="module" src="/app.js"></script>' }

test('vite builds it', async t => {
  const dir = await project(t, FILES, PACKAGES)
  await vite.build({ root: dir, configFile: false, logLevel: 'error' })
  assert.deepEqual(await open({ dir: path.join(dir, 'dist') }), EXPECTED)
})

test('esbuild builds it, with one copy of what it adapts', async t => {
  const dir = await project(t, FILES, PACKAGES)
  const { metafile } = await esbuild.build({
    absWorkingDir: dir, entryPoints: ['app.js'], bundle: true, format: 'esm', outfile: 'app.js', allowOverwrite: true, metafile: true, logLevel: 'error',
  })
  assert.deepEqual(Object.keys(metafile.inputs).filter(file => /synchronizers\/index\.js$/.test(file)), ['node_modules/tinybase/synchronizers/index.js'])
  assert.deepEqual(await open({ dir }), EXPECTED)
})

test('Node imports it and requires it, and importing does nothing', async t => {
  const dir = await project(t, {
    'app.mjs': `import { createEasypeersSynchronizer } from 'easypeers/tinybase'\nconsole.log(typeof createEasypeersSynchronizer)`,
    'app.cjs': `console.log(typeof require('easypeers/tinybase').createEasypeersSynchronizer)`,
  }, PACKAGES)
  for (const file of ['app.mjs', 'app.cjs']) assert.equal(await say('node', [file], { cwd: dir }), 'function\n')
})
