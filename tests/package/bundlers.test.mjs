// No bundler needs a line of configuration, and what each of them makes runs.
import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { nodeResolve } from '@rollup/plugin-node-resolve'
import esbuild from 'esbuild'
import { rollup } from 'rollup'
import * as vite from 'vite'
import webpack from 'webpack'
import { project } from './installed.mjs'
import { APP, EXPECTED, open, SLIM } from './page.mjs'

const html = script => `<!doctype html><meta charset="utf-8"><title>package</title>${script}`
const files = script => ({ 'app.js': script, 'index.html': html('<script type="module" src="/app.js"></script>') })
const FILES = files(APP)
const modules = async folder => (await readdir(folder, { recursive: true })).filter(name => name.endsWith('.wasm')).length

// Slim has its module in a file of its own, which the bundler finds and brings along.
for (const [name, script, ownModules] of [['easypeers', APP, 0], ['easypeers/slim', SLIM, 1]]) {
  test(`vite builds ${name}`, async t => {
    const dir = await project(t, files(script))
    await vite.build({ root: dir, configFile: false, logLevel: 'error' })
    assert.equal(await modules(path.join(dir, 'dist')), ownModules)
    assert.deepEqual(await open({ dir: path.join(dir, 'dist') }), EXPECTED)
  })

  test(`vite serves ${name} in development`, async t => {
    const dir = await project(t, files(script))
    const server = await vite.createServer({ root: dir, configFile: false, logLevel: 'error', server: { host: '127.0.0.1', port: 0 } })
    t.after(() => server.close())
    await server.listen()
    const { port } = server.httpServer.address()
    assert.deepEqual(await open({ url: `http://127.0.0.1:${port}/` }), EXPECTED)
  })

  test(`webpack builds ${name}`, async t => {
    const dir = await project(t, files(script))
    const stats = await new Promise((resolve, reject) => {
      webpack({ context: dir, entry: './app.js', mode: 'production', output: { path: path.join(dir, 'out') } },
        (error, stats) => (error ? reject(error) : resolve(stats)))
    })
    assert.ok(!stats.hasErrors(), stats.toString({ errors: true, all: false }))
    assert.equal(await modules(path.join(dir, 'out')), ownModules)
    await writeFile(path.join(dir, 'out/index.html'), html('<script defer src="main.js"></script>'))
    assert.deepEqual(await open({ dir: path.join(dir, 'out') }), EXPECTED)
  })
}

for (const format of ['esm', 'iife']) {
  test(`esbuild builds it as ${format}`, async t => {
    const dir = await project(t, FILES)
    await esbuild.build({ absWorkingDir: dir, entryPoints: ['app.js'], bundle: true, minify: true, format, outfile: 'out/app.js', logLevel: 'error' })
    await writeFile(path.join(dir, 'out/index.html'), FILES['index.html'])
    assert.deepEqual(await open({ dir: path.join(dir, 'out') }), EXPECTED)
  })
}

test('rollup builds it', async t => {
  const dir = await project(t, FILES)
  const bundle = await rollup({ input: path.join(dir, 'app.js'), plugins: [nodeResolve()], onwarn: warning => assert.fail(warning.message) })
  await bundle.write({ dir: path.join(dir, 'out'), format: 'es' })
  await bundle.close()
  await writeFile(path.join(dir, 'out/index.html'), FILES['index.html'])
  assert.deepEqual(await open({ dir: path.join(dir, 'out') }), EXPECTED)
})
