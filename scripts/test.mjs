// `npm test`: everything the project promises, in one command, on a machine that need not be prepared.
//   npm test -- --only e2e       one step (repeat --only for more)
//   npm test -- --keep-going     the other steps too when one fails
import { spawn, spawnSync } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chromium, provide } from './tools.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const WASM32 = '--target=wasm32-unknown-unknown'
/** A step that takes longer than this hangs. */
const PATIENCE = 20 * 60 * 1000

const nextest = spawnSync('cargo', ['nextest', '--version'], { cwd: ROOT }).status === 0

/**
 * In the order of what fails soonest. `needs` are names in tools.mjs; a step with `tests` fails when it ran none.
 * Everything is built in one target directory and in as few flavors as can be: the native tests run with the
 * simulator only, which holds all the others.
 */
const STEPS = [
  { name: 'fmt', needs: ['rust'], run: 'cargo fmt --all --check' },
  { name: 'clippy', needs: ['rust'], run: 'cargo clippy --locked --workspace --all-targets -- -D warnings' },
  { name: 'clippy-sim', needs: ['rust'], run: 'cargo clippy --locked --all-targets --features sim -- -D warnings' },
  { name: 'clippy-wasm', needs: ['rust', 'wasm'], run: `cargo clippy --locked --lib --tests ${WASM32} -- -D warnings` },
  { name: 'doc', needs: ['rust'], run: 'cargo doc --locked --no-deps --features sim', env: { RUSTDOCFLAGS: '-Dwarnings' } },
  { name: 'doc-wasm', needs: ['rust', 'wasm'], run: `cargo doc --locked --no-deps --document-private-items ${WASM32}`, env: { RUSTDOCFLAGS: '-Dwarnings' } },
  {
    name: 'native', needs: ['rust'], tests: true,
    run: `cargo ${nextest ? 'nextest run' : 'test --lib --bins --tests'} --locked --workspace --features sim`,
  },
  // At most three files of JavaScript beside the module (`module = ` in src/web): the server of the test runner has four
  // threads to begin with, gives each connection one for as long as it is kept alive, and may leave a connection
  // without any when more come at once than it has idle.
  { name: 'wasm', needs: ['rust', 'wasm', 'bindgen', 'wasmPack', 'chromium', 'npm'], tests: true, run: 'wasm-pack test --headless --chrome --mode no-install' },
  { name: 'types', needs: ['npm'], run: 'tsc --project tests/types' },
  { name: 'pkg', needs: ['rust', 'wasm', 'source', 'bindgen', 'npm'], run: 'node scripts/build.mjs --check' },
  { name: 'package', needs: ['npm', 'chromium'], tests: true, run: 'npm run test:package' },
  { name: 'e2e', needs: ['npm', 'chromium'], tests: true, run: 'npm run test:e2e' },
]

const { values: options } = parseArgs({
  options: { only: { type: 'string', multiple: true }, 'keep-going': { type: 'boolean', default: false } },
})
const unknown = (options.only ?? []).filter(name => !STEPS.some(step => step.name === name))
if (unknown.length > 0) {
  console.error(`no step is called ${unknown.join(', ')}: there are ${STEPS.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}
const steps = STEPS.filter(({ name }) => !options.only || options.only.includes(name))

const missing = provide(new Set(steps.flatMap(({ needs }) => needs)))
if (missing.length > 0) {
  console.error(`\nThe tests need what is not here and could not be installed:\n  ${missing.join('\n  ')}`)
  process.exit(1)
}

const total = { passed: 0, failed: 0 }
for (const step of steps) {
  console.log(`\n── ${step.name}: ${step.run}`)
  const begin = process.hrtime.bigint()
  const { ok, output } = await perform(step)
  const seconds = (Number(process.hrtime.bigint() - begin) / 1e9).toFixed(1)
  const { passed, failed } = count(output)
  const vacuous = ok && step.tests && passed === 0
  if (vacuous) console.log('no test ran')
  total.passed += passed
  // A step can fail without a test that does: a lint, a compiler error, a browser that does not start.
  total.failed += ok && !vacuous ? failed : Math.max(failed, 1)
  console.log(`── ${step.name}: ${ok && !vacuous ? 'ok' : 'FAILED'} in ${seconds} s`)
  if (total.failed > 0 && !options['keep-going']) break
}
console.log(`\n${total.passed} passed, ${total.failed} failed`)
process.exitCode = total.failed > 0 ? 1 : 0

/** Runs a step in a process group of its own, shows what it says, and ends the whole group when it hangs. */
function perform({ run, env }) {
  return new Promise(resolve => {
    const child = spawn(run, {
      cwd: ROOT,
      shell: true,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        CARGO_TERM_COLOR: process.stdout.isTTY ? 'always' : 'never',
        CHROMIUM: chromium(),
        // wasm-pack takes whatever wasm-opt it meets first, and an old one breaks the module without a word.
        PATH: [path.join(ROOT, 'node_modules/.bin'), process.env.PATH].join(path.delimiter),
        WASM_BINDGEN_TEST_TIMEOUT: '120',
        WASM_BINDGEN_TEST_DRIVER_TIMEOUT: '30',
        ...env,
      },
    })
    const end = () => process.kill(-child.pid, 'SIGKILL')
    const watchdog = setTimeout(() => {
      console.log(`no end after ${PATIENCE / 60_000} minutes`)
      end()
    }, PATIENCE)
    const interrupted = () => {
      end()
      process.exit(130)
    }
    process.once('SIGINT', interrupted)
    process.once('SIGTERM', interrupted)
    const said = []
    for (const [from, to] of [[child.stdout, process.stdout], [child.stderr, process.stderr]]) {
      from.on('data', data => {
        said.push(data)
        to.write(data)
      })
    }
    child.on('close', code => {
      clearTimeout(watchdog)
      process.off('SIGINT', interrupted)
      process.off('SIGTERM', interrupted)
      resolve({ ok: code === 0, output: Buffer.concat(said).toString().replace(/\x1b\[[0-9;]*m/g, '') })
    })
  })
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
