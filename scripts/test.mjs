// `npm test`: everything the project promises, in one command, on a machine that need not be prepared.
//   npm test -- --only e2e       one step (repeat --only for more)
//   npm test -- --keep-going     the other steps too when one fails
// `npm run test:long`: what takes too long for every day.
import { spawn, spawnSync } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chromium, firefox, provide } from './tools.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const WASM32 = '--target=wasm32-unknown-unknown'
/** A step that takes longer than this hangs. */
const PATIENCE = 40 * 60 * 1000

const nextest = spawnSync('cargo', ['nextest', '--version'], { cwd: ROOT }).status === 0

/**
 * Two lanes at once: one compiles, and in the other a browser runs its pages. Each in the order of what fails soonest, and of
 * what is there soonest on a bare machine; who is at the end of its own lane takes what is left of the other's, the last step first. `needs` are names in tools.mjs; a step with `tests`
 * fails when it ran none. Everything is built in one target directory and in as few flavors as can be: natively only with
 * the simulator, and for wasm32 without.
 */
const STEPS = [
  { lane: 1, name: 'fmt', needs: ['rust'], run: 'cargo fmt --all --check' },
  {
    lane: 1, name: 'clippy', needs: ['rust', 'wasm'],
    run: [
      'cargo clippy --locked --workspace --all-targets --features sim -- -D warnings',
      `cargo clippy --locked --lib --tests ${WASM32} -- -D warnings`,
      `cargo clippy --locked --package=pack --lib ${WASM32} -- -D warnings`,
    ],
  },
  {
    lane: 1, name: 'native', needs: ['rust'], tests: true,
    run: `cargo ${nextest ? 'nextest run' : 'test --lib --bins --tests'} --locked --features sim`,
  },
  { lane: 1, name: 'guard', needs: ['rust', 'valgrind', 'npm'], run: 'node scripts/guard.mjs' },
  { lane: 1, name: 'pkg', needs: ['rust', 'wasm', 'source', 'bindgen', 'npm'], run: 'node scripts/build.mjs --check' },
  // At most three files of JavaScript beside the module (`module = ` in src/web): the server of the test runner has four
  // threads to begin with, gives each connection one for as long as it is kept alive, and may leave a connection
  // without any when more come at once than it has idle.
  {
    lane: 1, name: 'wasm', needs: ['rust', 'wasm', 'bindgen', 'wasmPack', 'chromium', 'npm'], tests: true,
    run: 'wasm-pack test --headless --chrome --mode no-install --lib',
  },
  {
    lane: 1, name: 'doc', needs: ['rust', 'wasm'], env: { RUSTDOCFLAGS: '-Dwarnings' },
    run: ['cargo doc --locked --no-deps --features sim', `cargo doc --locked --no-deps --document-private-items ${WASM32}`],
  },
  { lane: 2, name: 'types', needs: ['npm'], run: 'tsc --project tests/types' },
  { lane: 2, name: 'package', needs: ['npm', 'chromium'], tests: true, run: 'npm run test:package' },
  { lane: 2, name: 'node', needs: ['npm'], tests: true, run: 'npm run test:node' },
  { lane: 2, name: 'yjs', needs: ['npm'], tests: true, run: ['npm run test:yjs', 'npm run test:sync'] },
  { lane: 2, name: 'e2e', needs: ['npm', 'chromium'], tests: true, run: 'npm run test:e2e' },
]

const LONG_STEPS = [
  {
    lane: 1, name: 'attacks', needs: ['rust'], tests: true,
    run: 'cargo test --locked --profile sim --features sim attacks -- --ignored',
  },
  { lane: 1, name: 'long node', needs: ['npm'], tests: true, run: 'node --expose-gc --test tests/node/long/*.test.mjs' },
  // Not beside the others: what it prints are times.
  { lane: 1, name: 'long e2e', needs: ['npm', 'chromium', 'faketime', 'network', 'aquatic'], tests: true, run: 'npm run test:e2e -- long' },
  { lane: 1, name: 'firefox', needs: ['npm', 'chromium', 'firefox'], tests: true, run: 'npm run test:firefox' },
]

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    'keep-going': { type: 'boolean', default: false },
    long: { type: 'boolean', default: false },
  },
})
const all = options.long ? LONG_STEPS : STEPS
const unknown = (options.only ?? []).filter(name => !all.some(step => step.name === name))
if (unknown.length > 0) {
  console.error(`no step is called ${unknown.join(', ')}: there are ${all.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}
const steps = all.filter(({ name }) => !options.only || options.only.includes(name))

const begin = performance.now()
const seconds = since => `${((performance.now() - since) / 1000).toFixed(1)} s`
const total = { passed: 0, failed: 0 }
const running = new Set()
/** Nothing more begins, and what has begun is ended. */
let over = false

const provided = provide(steps.flatMap(({ needs }) => needs), text => console.log(`── tools: ${text}`))
const lanes = [1, 2].map(lane => steps.filter(step => step.lane === lane)).filter(({ length }) => length > 0)
process.once('SIGINT', () => stop(130))
process.once('SIGTERM', () => stop(143))
await Promise.all(lanes.map(travel))
console.log(`\nall in ${seconds(begin)}`)
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exit(total.failed > 0 ? 1 : 0)

async function travel(lane) {
  const other = lanes.find(another => another !== lane) ?? []
  for (let step; (step = lane.shift() ?? other.pop());) {
    const missing = (await Promise.all(step.needs.map(need => provided[need]))).filter(Boolean)
    if (over) return
    await take(step, missing)
  }
}

/** Takes a step, and shows what it said: at once when it is alone, at its end when another goes on meanwhile. */
async function take({ name, run, env, tests }, missing) {
  const command = [run].flat().join(' && ')
  const began = performance.now()
  const alone = lanes.length === 1
  console.log(`${alone ? '\n' : ''}── ${name}: ${command}`)
  const { ok, output } = missing.length > 0 ? { ok: false, output: `${missing.join('\n')}\n` } : await perform(command, env, alone)
  if (over) return console.log(`── ${name}: ended after ${seconds(began)}, for another step failed`)
  if (!alone || missing.length > 0) console.log(`\n── ${name} said:\n${output.trim()}`)
  const { passed, failed } = count(output)
  const vacuous = ok && tests && passed === 0
  if (vacuous) console.log('no test ran')
  total.passed += passed
  // A step can fail without a test that does: a lint, a compiler error, a browser that does not start.
  total.failed += ok && !vacuous ? failed : Math.max(failed, 1)
  console.log(`── ${name}: ${ok && !vacuous ? 'ok' : 'FAILED'} in ${seconds(began)}${alone ? '' : '\n'}`)
  if (total.failed > 0 && !options['keep-going']) stop()
}

/** Runs a command in a process group of its own, and ends the whole group when it hangs. */
function perform(command, env, aloud) {
  return new Promise(resolve => {
    const child = spawn(command, {
      cwd: ROOT,
      shell: true,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        CARGO_TERM_COLOR: process.stdout.isTTY ? 'always' : 'never',
        CHROMIUM: chromium(),
        FIREFOX: firefox(),
        // wasm-pack takes whatever wasm-opt it meets first, and an old one breaks the module without a word.
        PATH: [path.join(ROOT, 'node_modules/.bin'), process.env.PATH].join(path.delimiter),
        WASM_BINDGEN_TEST_TIMEOUT: '120',
        WASM_BINDGEN_TEST_DRIVER_TIMEOUT: '30',
        ...env,
      },
    })
    running.add(child)
    const said = []
    const watchdog = setTimeout(() => {
      said.push(Buffer.from(`no end after ${PATIENCE / 60_000} minutes\n`))
      end(child)
    }, PATIENCE)
    for (const [from, to] of [[child.stdout, process.stdout], [child.stderr, process.stderr]]) {
      from.on('data', data => {
        said.push(data)
        if (aloud) to.write(data)
      })
    }
    child.on('close', code => {
      clearTimeout(watchdog)
      running.delete(child)
      resolve({ ok: code === 0, output: Buffer.concat(said).toString().replace(/\x1b\[[0-9;]*m/g, '') })
    })
  })
}

function end(child) {
  process.kill(-child.pid, 'SIGKILL')
}

function stop(code) {
  over = true
  running.forEach(end)
  if (code) process.exit(code)
}

/** Adds up what the test runners say: cargo test and wasm-bindgen-test, nextest, and Node's in both its dialects. */
function count(output) {
  const sum = pattern => [...output.matchAll(pattern)].reduce((all, [, number]) => all + Number(number), 0)
  return {
    passed: sum(/^test result: .*?(\d+) passed/gm) + sum(/^ *Summary .*?(\d+) passed/gm) + sum(/^(?:#|ℹ) pass (\d+)$/gm),
    failed: sum(/^test result: .*?(\d+) failed/gm) + sum(/^ *Summary .*?(\d+) failed/gm) +
      sum(/^(?:#|ℹ) fail (\d+)$/gm) + sum(/^(?:#|ℹ) cancelled (\d+)$/gm),
  }
}
