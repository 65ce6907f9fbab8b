// What README.md, docs/ and the types show compiles as it stands there, against the types; the tracker of docs/deployment.md runs.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { ADAPTERS } from '../../scripts/adapters.mjs'
import { declarations } from '../../scripts/docs/api.mjs'
import { PATIENCE, peer, ROOT } from './peers.mjs'

const at = name => path.join(ROOT, name)
const TEXTS = ['README.md', ...readdirSync(at('docs')).filter(name => name.endsWith('.md')).map(name => `docs/${name}`)]

/** What the snippets take as given. */
const GIVEN = `
import type E from 'easypeers'
import type * as T from 'easypeers'
import type { EasypeersProvider as P } from 'easypeers/yjs'
import type { Doc } from 'yjs'
declare global {
  const Easypeers: typeof E
  const easypeers: E
  const channel: T.Channel, controller: AbortController
  const address: string, to: string, secret: string, room: string
  const prices: { get (article: number): Promise<number> }, draw: (from: string, message: any) => void
  const show: (address: string, name: string) => void, hide: (address: string) => void, useAnotherPeer: () => void
  const listener: (data?: any) => void, message: any, input: HTMLInputElement, doc: Doc, notesDoc: Doc, boardDoc: Doc
  const EasypeersError: typeof T.EasypeersError, EasypeersProvider: typeof P
  const data: T.Message & T.Presence, wire: T.Wire, warning: T.Warning, estimate: T.Estimate, topology: T.Topology
  const link: T.Topology['links'][number], diagnosis: T.Diagnosis, finding: T.Diagnosis['findings'][number], stats: T.Stats
  const candidates: NonNullable<T.Diagnosis['candidates']>, attempt: T.Diagnosis['attempts'][number], server: T.Diagnosis['servers'][number]
  const progress: T.Progress, delivery: T.Delivery, bars: Map<string, { set (share: number): void }>
  const receipt: T.Receipt, error: any, url: any, friends: Set<string>
  const useEffect: (effect: () => () => void, given: unknown[]) => void
  interface Window { [own: string]: any }
}
declare module 'bittorrent-tracker/server' { const Server: any; export default Server }
`

test('every snippet of the documentation, and every example of the types, compiles', () => {
  const snippets = [...TEXTS.flatMap(snippetsOf), ...examples()]
  assert.ok(snippets.filter(({ from }) => from === 'README.md').length >= 6)
  assert.ok(snippets.filter(({ from }) => from.startsWith('docs/')).length >= 15)
  assert.ok(snippets.length > 150, `${snippets.length} snippets`)
  const found = compile(snippets)
  assert.deepEqual(found, [])
})

test('a snippet with a mistake does not compile', () => {
  const found = compile([
    { from: 'a', code: 'easypeers.sned(1)' }, { from: 'b', code: "easypeers.on('message', ({ form }) => form)" }, { from: 'c', code: 'easypeers.send(1)' },
  ])
  assert.deepEqual(found.map(line => line[0]), ['a', 'b'])
})

test('the tracker of docs/deployment.md takes its own swarms, and no others', { timeout: PATIENCE }, async t => {
  const { code } = snippetsOf('docs/deployment.md').find(({ code }) => code.includes('tracker.listen'))
  const told = code.replace("tracker.listen(8000, 'localhost')", "tracker.listen(0, '127.0.0.1', () => console.log('port', tracker.http.address().port))")
  assert.notEqual(told, code)
  const child = spawn(process.execPath, ['--input-type=module', '--eval', told], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  let said = ''
  const hears = pattern => new Promise(resolve => {
    const look = () => { const found = pattern.exec(said); if (found) resolve(found[1]) }
    child.stdout.on('data', look)
    look()
  })
  child.stdout.on('data', data => { said += data })
  const url = `ws://127.0.0.1:${await hears(/port (\d+)/)}`
  const [a, b] = [peer(t, 'lobby', url), peer(t, 'lobby', url)]
  assert.deepEqual(await Promise.all([a.ready, b.ready]), [b.address, a.address])
  peer(t, 'another', url)
  await hears(/(not here)/)
})

/** The code blocks of a text that are JavaScript, and the scripts of those that are pages. */
function snippetsOf (from) {
  const blocks = [...readFileSync(at(from), 'utf8').matchAll(/^```(\w*)\n([^]*?)^```/gm)]
  return blocks.flatMap(([, language, code]) => {
    if (language === 'js') return [{ from, code }]
    if (language === 'html') return [...code.matchAll(/<script>([^]*?)<\/script>/g)].map(([, script]) => ({ from, code: script }))
    return []
  })
}

function examples () {
  const list = []
  const collect = (name, { signatures, members = [] }) => {
    for (const { example } of signatures) {
      if (example === undefined) continue
      const [owner] = name.split('.')
      const code = owner === 'EasypeersOptions' && example.startsWith('{') ? `new Easypeers('topic', ${example})` : example.startsWith('{') ? `(${example})` : example
      list.push({ from: `types.d.ts: ${name}`, code: `export async function example (name: string, status: import('easypeers').TrackerStatus) {\n${code}\n}` })
    }
    for (const member of members) collect(`${name}.${member.name}`, member)
  }
  for (const { name, members, ...told } of declarations()) collect(name, { signatures: [told], members })
  return list
}

/** Compiles each as a module of its own, and returns what is wrong, with where it is from. */
function compile (snippets) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'easypeers-snippets-'))
  try {
    const adapters = Object.fromEntries(Object.keys(ADAPTERS).map(name => [`easypeers/${name}`, [at(`src/${name}/types.d.ts`)]]))
    const names = snippets.map(({ code }, i) => {
      writeFileSync(path.join(folder, `${i}.ts`), `${code}\nexport {}\n`)
      return `${i}.ts`
    })
    writeFileSync(path.join(folder, 'given.d.ts'), GIVEN)
    writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify({
      compilerOptions: {
        target: 'esnext', lib: ['esnext', 'dom', 'dom.iterable'], module: 'esnext', moduleResolution: 'bundler', moduleDetection: 'force', noEmit: true,
        strict: true, noImplicitAny: false, useUnknownInCatchVariables: false, strictNullChecks: false, allowUnreachableCode: true, skipLibCheck: true,
        types: ['node'], typeRoots: [at('node_modules/@types')],
        paths: {
          easypeers: [at('src/web/types.d.ts')], 'easypeers/slim': [at('pkg/slim.d.mts')], ...adapters,
          // What a package says in its `exports` counts for nothing here.
          '@automerge/automerge-repo/slim': [at('node_modules/@automerge/automerge-repo/dist/entrypoints/slim.d.ts')],
          'tinybase/*': [at('node_modules/tinybase/@types/*')], '*': [at('node_modules/*')],
        },
      },
      files: ['given.d.ts', ...names],
    }))
    const tsc = path.join(path.dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')
    const { stdout, status } = spawnSync(process.execPath, [tsc, '--project', folder, '--pretty', 'false'], { cwd: folder, encoding: 'utf8' })
    const wrong = stdout.split('\n').filter(line => /error TS/.test(line))
    assert.equal(status === 0, wrong.length === 0, stdout)
    return wrong.map(line => line.replace(/^.*?(\d+)\.ts\((\d+),\d+\)/, (_, i, row) => `${snippets[i].from}: ${snippets[i].code.split('\n')[row - 1]}`))
  } finally {
    rmSync(folder, { recursive: true })
  }
}
