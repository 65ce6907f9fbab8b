// `node scripts/guard.mjs`: what the core does and what a visitor downloads, beside what is committed in benches/guard.json.
// `node scripts/guard.mjs --accept`: what it is now is what is wanted.
//
// Instructions are counted by Valgrind, in seconds of simulated swarms as `npm test` compiles them: they are the same, to a
// thousandth, on a machine that is busy or slow, where times are not. The simulated network is in them, too.
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import zlib from 'node:zlib'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const BASELINE = path.join(ROOT, 'benches/guard.json')
/** What may be more than it was. */
const MORE = { instructions: 0.05, bytes: 0.02 }
/** A scenario, and how many peers: what they do is in the file of that name. */
const SWARMS = { 'real-proofs': 12, busy: 50, requests: 12 }

const now = { instructions: instructions(), bytes: bytes() }
if (process.argv.includes('--accept')) writeFileSync(BASELINE, `${JSON.stringify(now, null, 2)}\n`)
const before = JSON.parse(readFileSync(BASELINE, 'utf8'))
let above = 0
for (const [kind, figures] of Object.entries(now)) {
  for (const [name, value] of Object.entries(figures)) {
    const was = before[kind][name]
    const change = value / was - 1
    const said = `${name}: ${value.toLocaleString('en')} ${kind}, ${(change * 100).toFixed(2)} % from ${was?.toLocaleString('en')}`
    // What is not in the baseline is no number to compare with, and above it.
    const much = !(change <= MORE[kind])
    if (much) above++
    console.log(`${much ? 'FAILED' : 'ok'} ${said}${change < -MORE[kind] ? ': better; --accept it, so that it stays' : ''}`)
  }
}
if (above > 0) {
  console.error(`more than ${MORE.instructions * 100} % of instructions or ${MORE.bytes * 100} % of bytes above what is committed: mend it, or say why in the commit that accepts it`)
  process.exit(1)
}

/** Of each swarm. */
function instructions() {
  execFileSync('cargo', ['build', '--quiet', '--locked', '--features=sim', '--bin=sim'], { cwd: ROOT, stdio: 'inherit' })
  const target = JSON.parse(execFileSync('cargo', ['metadata', '--format-version=1', '--no-deps'], { cwd: ROOT, maxBuffer: 1 << 26 })).target_directory
  return Object.fromEntries(Object.entries(SWARMS).map(([name, peers]) => {
    const { stdout, stderr } = spawnSync('valgrind', [
      '--tool=cachegrind', '--cache-sim=no', '--cachegrind-out-file=/dev/null', path.join(target, 'debug/sim'),
      'run', `simulations/${name}.toml`, '--peers', String(peers), '--seed', '1',
    ], { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 26 })
    const refs = /I +refs: +([\d,]+)/.exec(stderr)?.[1]
    // That it falls short of what is expected of larger swarms is not looked at here; that it has figures is.
    if (!/^\| \w+\.\w+ \|/m.test(stdout) || !refs) throw new Error(`${name} did not run: ${stderr}`)
    return [name, Number(refs.replaceAll(',', ''))]
  }))
}

/** Of what a visitor downloads, gzipped. */
function bytes() {
  const gzipped = file => zlib.gzipSync(readFileSync(path.join(ROOT, 'pkg', file)), { level: 9 }).length
  return Object.fromEntries(['easypeers.dist.js', 'easypeers.mjs', 'easypeers.wasm', 'yjs.mjs'].map(file => [file, gzipped(file)]))
}
