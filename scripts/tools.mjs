// What the tests need on this machine: each tool is looked for, installed where that is possible without
// asking, and otherwise named with the command that installs it.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { bindgenVersion } from './versions.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const WASM_PACK = '0.15.1'

/** One per need: whether it is there, how to get it, and what to tell who cannot get it that way. */
const TOOLS = {
  rust: {
    there: () => works('cargo', ['--version']) && works('cargo', ['fmt', '--version']) && works('cargo', ['clippy', '--version']),
    install: () => works('rustup', ['--version']) && run('rustup', ['component', 'add', 'rustfmt', 'clippy']),
    hint: 'install Rust with rustup, see https://rustup.rs',
  },
  wasm: {
    there: () => works('rustup', ['target', 'list', '--installed'], 'wasm32-unknown-unknown'),
    install: () => run('rustup', ['target', 'add', 'wasm32-unknown-unknown']),
    hint: 'rustup target add wasm32-unknown-unknown',
  },
  // The build makes its own standard library.
  source: {
    there: () => works('rustup', ['component', 'list', '--installed'], 'rust-src'),
    install: () => run('rustup', ['component', 'add', 'rust-src']),
    hint: 'rustup component add rust-src',
  },
  // Without --locked: the lock of the tool may name crate versions that were taken back.
  bindgen: {
    there: () => works('wasm-bindgen', ['--version'], ` ${bindgenVersion()}\n`),
    install: () => run('cargo', ['install', 'wasm-bindgen-cli', '--version', bindgenVersion(), '--force']),
    get hint() {
      return `cargo install wasm-bindgen-cli --version ${bindgenVersion()}`
    },
  },
  wasmPack: {
    there: () => works('wasm-pack', ['--version']),
    install: () => run('cargo', ['install', 'wasm-pack', '--version', WASM_PACK]),
    hint: `cargo install wasm-pack --version ${WASM_PACK}`,
  },
  chromium: {
    there: () => works(chromium(), ['--version']) && works('chromedriver', ['--version']),
    install: () => apt('chromium', 'chromium-driver'),
    hint: 'install Chromium and its chromedriver (Debian: apt-get install chromium chromium-driver); ' +
      'a browser in another place is named by CHROMIUM=/path/to/it',
  },
  npm: {
    there: () => works(npm, ['ls', '--depth=0']),
    install: () => run(npm, ['ci', '--no-audit', '--no-fund']),
    hint: 'npm ci',
  },
}

const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'

/** The browser of the tests. */
export function chromium() {
  return process.env.CHROMIUM ?? '/usr/bin/chromium'
}

/**
 * Sees that every need is met.
 * @param {Iterable<keyof typeof TOOLS>} needs
 * @returns {string[]} what is still missing, one sentence each
 */
export function provide(needs) {
  const missing = []
  for (const [name, tool] of Object.entries(TOOLS)) {
    if (![...needs].includes(name) || tool.there()) continue
    console.log(`${name} is missing: installing it`)
    tool.install()
    if (!tool.there()) missing.push(`${name}: ${tool.hint}`)
  }
  return missing
}

function apt(...packages) {
  if (!works('apt-get', ['--version'])) return false
  const root = process.getuid?.() === 0
  if (!root && !works('sudo', ['-n', 'true'])) return false
  const command = (...args) => (root ? run('apt-get', args) : run('sudo', ['-n', 'apt-get', ...args]))
  return command('update', '-q') && command('install', '-q', '-y', '--no-install-recommends', ...packages)
}

/** Whether the command ends well and, if given, says `expected`. */
function works(command, args, expected = '') {
  const { status, stdout } = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8' })
  return status === 0 && stdout.includes(expected)
}

function run(command, args) {
  console.log(`$ ${command} ${args.join(' ')}`)
  return spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' }).status === 0
}
