// What the tests need on this machine: each tool is looked for, installed where that is possible without
// asking, and otherwise named with the command that installs it.
import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { bindgenVersion } from './versions.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const WASM_PACK = '0.15.1'
const AQUATIC = '0.9.0'

/** Compiling these takes longer than what they do: they need not be fast. */
const QUICKLY = { CARGO_PROFILE_RELEASE_OPT_LEVEL: '0', CARGO_PROFILE_RELEASE_DEBUG: '0' }

/** One per need: whether it is there, how to get it, and what to tell who cannot get it that way. Those come first that
 *  are soon there. */
const TOOLS = {
  rust: {
    there: () => works('cargo', ['--version']) && works('cargo', ['fmt', '--version']) && works('cargo', ['clippy', '--version']),
    install: say => works('rustup', ['--version']) && run(say, 'rustup', ['component', 'add', 'rustfmt', 'clippy']),
    hint: 'install Rust with rustup, see https://rustup.rs',
  },
  npm: {
    there: () => works(npm, ['ls', '--depth=0']),
    install: say => run(say, npm, ['ci', '--no-audit', '--no-fund']),
    hint: 'npm ci',
  },
  chromium: {
    there: () => works(chromium(), ['--version']) && works('chromedriver', ['--version']),
    install: say => apt(say, 'chromium', 'chromium-driver'),
    hint: 'install Chromium and its chromedriver (Debian: apt-get install chromium chromium-driver); ' +
      'a browser in another place is named by CHROMIUM=/path/to/it',
  },
  firefox: {
    there: () => works(firefox(), ['--version']),
    install: say => apt(say, 'firefox-esr'),
    hint: 'install Firefox (Debian: apt-get install firefox-esr); a browser in another place is named by FIREFOX=/path/to/it',
  },
  faketime: {
    there: () => works('faketime', ['--version']),
    install: say => apt(say, 'faketime'),
    hint: 'install faketime (Debian: apt-get install faketime)',
  },
  network: {
    there: () => works('ip', ['-V']),
    install: say => apt(say, 'iproute2'),
    hint: 'install ip of iproute2 (Debian: apt-get install iproute2)',
  },
  valgrind: {
    there: () => works('valgrind', ['--version']),
    install: say => apt(say, 'valgrind'),
    hint: 'install Valgrind (Debian: apt-get install valgrind)',
  },
  wasm: {
    there: () => works('rustup', ['target', 'list', '--installed'], 'wasm32-unknown-unknown'),
    install: say => run(say, 'rustup', ['target', 'add', 'wasm32-unknown-unknown']),
    hint: 'rustup target add wasm32-unknown-unknown',
  },
  // The build makes its own standard library.
  source: {
    there: () => works('rustup', ['component', 'list', '--installed'], 'rust-src'),
    install: say => run(say, 'rustup', ['component', 'add', 'rust-src']),
    hint: 'rustup component add rust-src',
  },
  // Without --locked: the lock of the tool may name crate versions that were taken back.
  bindgen: {
    there: () => works('wasm-bindgen', ['--version'], ` ${bindgenVersion()}\n`),
    install: say => run(say, 'cargo', ['install', 'wasm-bindgen-cli', '--version', bindgenVersion(), '--force'], QUICKLY),
    get hint() {
      return `cargo install wasm-bindgen-cli --version ${bindgenVersion()}`
    },
  },
  wasmPack: {
    there: () => works('wasm-pack', ['--version']),
    install: say => run(say, 'cargo', ['install', 'wasm-pack', '--version', WASM_PACK], QUICKLY),
    hint: `cargo install wasm-pack --version ${WASM_PACK}`,
  },
  // The tracker for millions. Linux only, for it needs io_uring.
  aquatic: {
    there: () => works('aquatic_ws', ['--help']),
    install: say => run(say, 'cargo', ['install', 'aquatic_ws', '--version', AQUATIC], QUICKLY),
    hint: `cargo install aquatic_ws --version ${AQUATIC}`,
  },
}

const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'

/** The browser of the tests. */
export function chromium() {
  return process.env.CHROMIUM ?? '/usr/bin/chromium'
}

/** The other browser of the tests. */
export function firefox() {
  return process.env.FIREFOX ?? '/usr/bin/firefox-esr'
}

/**
 * Sees that every need is met, one after another.
 * @param {Iterable<keyof typeof TOOLS>} needs
 * @param {(text: string) => void} say what is being done, and what comes of it
 * @returns {Record<keyof typeof TOOLS, Promise<string | undefined>>} when each is there, or a sentence about why it is not
 */
export function provide(needs, say) {
  const wanted = new Set(needs)
  let before = Promise.resolve()
  const provided = Object.entries(TOOLS).filter(([name]) => wanted.has(name)).map(([name, tool]) => {
    const there = before.then(async () => {
      if (tool.there()) return undefined
      say(`${name} is missing: installing it`)
      await tool.install(say)
      return tool.there() ? undefined : `${name} is not here and could not be installed: ${tool.hint}`
    })
    before = there
    return [name, there]
  })
  return Object.fromEntries(provided)
}

async function apt(say, ...packages) {
  if (!works('apt-get', ['--version'])) return false
  const root = process.getuid?.() === 0
  if (!root && !works('sudo', ['-n', 'true'])) return false
  const command = (...args) => (root ? run(say, 'apt-get', args) : run(say, 'sudo', ['-n', 'apt-get', ...args]))
  return await command('update', '-q') && await command('install', '-q', '-y', '--no-install-recommends', ...packages)
}

/** Whether the command ends well and, if given, says `expected`. */
function works(command, args, expected = '') {
  const { status, stdout } = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8' })
  return status === 0 && stdout.includes(expected)
}

/** Runs a command, and tells what it said if it failed. */
function run(say, command, args, env = {}) {
  const line = `$ ${command} ${args.join(' ')}`
  say(line)
  return new Promise(resolve => {
    // A target directory that others work in would make it wait for them.
    const { CARGO_TARGET_DIR, ...rest } = process.env
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], env: { ...rest, ...env } })
    const end = () => child.kill()
    process.once('exit', end)
    const said = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', data => said.push(data))
    child.on('error', error => said.push(error.message))
    child.on('close', code => {
      process.off('exit', end)
      if (code !== 0) say(`${line}\n${Buffer.concat(said.map(data => Buffer.from(data)))}`)
      resolve(code === 0)
    })
  })
}
