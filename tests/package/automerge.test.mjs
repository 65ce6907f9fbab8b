// `easypeers/automerge` of the packed package: bundled without a line of configuration, and imported and required in Node.
import assert from 'node:assert/strict'
import path from 'node:path'
import { test } from 'node:test'
import esbuild from 'esbuild'
import * as vite from 'vite'
import { manifest, project, say } from './installed.mjs'
import { EXPECTED, open } from './page.mjs'

const PACKAGES = [`@automerge/automerge-repo@${manifest.devDependencies['@automerge/automerge-repo']}`]
const APP = `
import { automergeWasmBase64 } from '@automerge/automerge/automerge.wasm.base64'
import { initializeBase64Wasm, Repo } from '@automerge/automerge-repo/slim'
import { EasypeersNetworkAdapter } from 'easypeers/automerge'
await initializeBase64Wasm(automergeWasmBase64)
const adapter = new EasypeersNetworkAdapter('package', { trackers: [] })
const { easypeers } = adapter
const { address } = easypeers
const repo = new Repo({ network: [adapter] })
repo.create({ words: [] })
let refused
try { new EasypeersNetworkAdapter() } catch (error) { refused = error instanceof TypeError }
await new Promise(setTimeout)
const connected = adapter.peerId === repo.networkSubsystem.peerId
adapter.disconnect()
globalThis.report = {
  name: easypeers.constructor.name,
  addressed: /^[0-9a-f]{40}$/.test(address),
  closed: connected && easypeers.closed && adapter.easypeers === null,
  errors: refused && EasypeersNetworkAdapter.name === 'EasypeersNetworkAdapter',
}
`
const FILES = { 'app.js': APP, 'index.html': '<!doctype html><meta charset="utf-8"><title>automerge</title><script type="module" src="/app.js"></script>' }

test('vite builds it', async t => {
  const dir = await project(t, FILES, PACKAGES)
  await vite.build({ root: dir, configFile: false, logLevel: 'error' })
  assert.deepEqual(await open({ dir: path.join(dir, 'dist') }), EXPECTED)
})

test('esbuild builds it, with one copy of automerge-repo', async t => {
  const dir = await project(t, FILES, PACKAGES)
  const { metafile } = await esbuild.build({
    absWorkingDir: dir, entryPoints: ['app.js'], bundle: true, format: 'esm', outfile: 'app.js', allowOverwrite: true, metafile: true, logLevel: 'error',
  })
  assert.deepEqual(Object.keys(metafile.inputs).filter(file => /NetworkAdapter\.js$/.test(file)), ['node_modules/@automerge/automerge-repo/dist/network/NetworkAdapter.js'])
  assert.deepEqual(await open({ dir }), EXPECTED)
})

test('Node imports it and requires it, and importing does nothing', async t => {
  const dir = await project(t, {
    'app.mjs': `import { EasypeersNetworkAdapter } from 'easypeers/automerge'\nconsole.log(EasypeersNetworkAdapter.name)`,
    'app.cjs': `console.log(require('easypeers/automerge').EasypeersNetworkAdapter.name)`,
  }, PACKAGES)
  for (const file of ['app.mjs', 'app.cjs']) assert.equal(await say('node', [file], { cwd: dir }), 'EasypeersNetworkAdapter\n')
})
