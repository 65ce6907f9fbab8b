// The module in a file of its own, compiled while it comes in; bundlers.test.mjs has it in bundles.
import assert from 'node:assert/strict'
import { cp, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { project, say } from './installed.mjs'
import { EXPECTED, open } from './page.mjs'

const html = script => `<!doctype html><meta charset="utf-8"><title>slim</title>${script}`
/** A page without a bundler, with the two files of the package beside it. */
async function served(t, script) {
  const dir = await project(t, { 'index.html': html('<script type="module" src="/app.js"></script>'), 'app.js': script })
  for (const name of ['slim.mjs', 'easypeers.wasm']) await cp(path.join(dir, 'node_modules/easypeers/pkg', name), path.join(dir, name))
  return dir
}

const FAILURES = `
import Easypeers, { EasypeersError, init } from './slim.mjs'
const failure = async attempt => {
  try { await attempt(); return 'nothing thrown' }
  catch (error) { return [error.name, error.code, error instanceof EasypeersError, error.message] }
}
`

test('a page of HTML in place of the module is called one, whatever its type, and another attempt may follow', async t => {
  const dir = await served(t, `${FAILURES}
globalThis.report = {
  missing: await failure(() => init('/nowhere.wasm')),
  disguised: await failure(() => init('/page.wasm')),
  text: await failure(() => init('/app.js')),
  then: await init('/easypeers.wasm') ?? new Easypeers('slim', { trackers: [] }).closed,
}`)
  await writeFile(path.join(dir, 'page.wasm'), html(''))
  const { missing, disguised, text, ...rest } = await open({ dir, missing: 'index.html' })
  for (const [what, name] of [[missing, 'nowhere'], [disguised, 'page']]) {
    assert.deepEqual(what.slice(0, 3), ['EasypeersError', 'ERR_LOAD_FAILED', true])
    assert.match(what[3], new RegExp(`^http://localhost/${name}.wasm is a page of HTML, not easypeers.wasm.*give its URL to init`))
  }
  assert.match(text[3], /app.js is not WebAssembly: it begins with/)
  assert.deepEqual(rest, { then: false })
})

test('a server without the file, and another module than that of the package, are told', async t => {
  const dir = await served(t, `${FAILURES}
const empty = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)
globalThis.report = [
  await failure(() => init('/nowhere.wasm')),
  await failure(() => init(empty)),
  await failure(() => init(empty.subarray(0, 7))),
  await failure(() => init('http://nobody.invalid/easypeers.wasm')),
  await failure(() => init(7)),
]`)
  const said = await open({ dir })
  assert.deepEqual(said.map(([name, code]) => `${name} ${code}`), [...Array(4).fill('EasypeersError ERR_LOAD_FAILED'), 'TypeError ERR_INVALID_ARG_TYPE'])
  const sentences = [/answered 404/, /not that of easypeers/, /cannot be compiled/, /cannot be fetched/, /takes a URL/]
  for (const [i, sentence] of sentences.entries()) assert.match(said[i][3], sentence)
})

test('it is loaded once, however often it is asked for, and nothing is constructed before', async t => {
  const dir = await served(t, `${FAILURES}
const early = [await failure(() => new Easypeers('slim')), await failure(() => Easypeers.createIdentity())]
const all = [init(), init(), init()]
await Promise.all(all)
await init()
class Chat extends Easypeers {}
const chat = new Chat('slim', { trackers: [] })
globalThis.report = {
  early,
  requests: performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.wasm')).length,
  chat: [chat instanceof Easypeers, chat.constructor.name, Easypeers.name, Easypeers.createIdentity().length, chat.on('x', () => {}) === chat],
}`)
  const { early, ...rest } = await open({ dir })
  for (const [name, code, typed, message] of early) {
    assert.deepEqual([name, code, typed], ['EasypeersError', 'ERR_NOT_READY', true])
    assert.match(message, /await init\(\) first/)
  }
  assert.deepEqual(rest, { requests: 1, chat: [true, 'Chat', 'Easypeers', 64, true] })
})

test('Node takes the bytes, or a promise of them', async t => {
  const dir = await project(t, {
    'app.mjs': `import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import Easypeers, { init } from 'easypeers/slim'
await init(readFile(fileURLToPath(import.meta.resolve('easypeers/easypeers.wasm'))))
console.log(Easypeers.createIdentity().length)
try { new Easypeers('slim') } catch (error) { console.log(error.code) }`,
  })
  assert.equal(await say('node', ['app.mjs'], { cwd: dir }), '64\nERR_NO_WEBRTC\n')
})
