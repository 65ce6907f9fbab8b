// `npm run build`: from src/ to pkg/, the same bytes wherever it runs.
// `npm run build -- --check`: builds beside pkg/ and fails when pkg/ does not match.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, mkdirSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import zlib from 'node:zlib'
import binaryen from 'binaryen'
import * as esbuild from 'esbuild'
import { toLetters } from './letters.mjs'
import { modern, shorten } from './names.mjs'
import { bindgenVersion } from './versions.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PKG = path.join(ROOT, 'pkg')
const TARGET = 'wasm32-unknown-unknown'
/** What a visitor may have to download, in bytes of gzip: a promise. */
const SCRIPT_TAG_LIMIT = 100_000

const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'))
const work = mkdtempSync(path.join(os.tmpdir(), 'easypeers-build-'))
try {
  const files = { ...(await bundles(compile(work))), ...declarations() }
  const sizes = measure(files)
  console.log(sizes)
  if (process.argv.includes('--check')) compare(files)
  else publish(files, sizes)
} finally {
  rmSync(work, { recursive: true })
}

/** Compiles the crate, writes the glue and the smallest module into `dir`, and returns `dir`. */
function compile(dir) {
  const target = path.join(targetDirectory(), 'pkg')
  run('cargo', [
    // A library of one kind only: link-time optimization is not for what others may link. 6 kB less.
    'rustc', '--locked', '--release', '--lib', '--crate-type=cdylib', `--target=${TARGET}`, `--target-dir=${target}`,
    // The standard library too is built for size, and a panic is a bare trap: what it would say has nowhere to
    // go in a browser. 5 kB less. Both are unstable: the pinned compiler is told to take them all the same.
    '-Zbuild-std=std,panic_abort', '-Zbuild-std-features=optimize_for_size',
    '-Zpanic-immediate-abort', '--config=profile.release.panic="immediate-abort"',
  ], {
    RUSTC_BOOTSTRAP: '1',
    CARGO_ENCODED_RUSTFLAGS: [
      ...portablePaths(target),
      '-Zlocation-detail=none',
      '-Zfmt-debug=none',
      // The hash functions as loops, not unrolled: 16 kB less.
      '--cfg=sha2_backend_soft="compact"',
      // An address is 20 bytes: copied by one instruction, not by six, 20 kB less; and loops stay as they are.
      // What is tiny is inlined even where only size counts: calling it is no smaller.
      '-Cllvm-args=-max-store-memcpy=1 -max-store-memmove=1 -disable-lsr -inline-threshold=5',
    ].join('\x1f'),
  })
  const found = output('wasm-bindgen', ['--version']).trim().split(' ').pop()
  if (found !== bindgenVersion()) {
    fail(`wasm-bindgen ${found} does not fit the crate: cargo install wasm-bindgen-cli --version ${bindgenVersion()}`)
  }
  const compiled = path.join(target, TARGET, 'release', 'easypeers.wasm')
  run('wasm-bindgen', [
    compiled, '--target=web', '--omit-default-module-path', '--remove-producers-section', '--no-typescript',
    `--out-dir=${dir}`, '--out-name=easypeers',
  ])
  const wasm = path.join(dir, 'easypeers_bg.wasm')
  writeFileSync(wasm, shrink(readFileSync(wasm)))
  const glue = path.join(dir, 'easypeers.js')
  const short = shorten(readFileSync(wasm), readFileSync(glue, 'utf8'))
  writeFileSync(wasm, short.wasm)
  writeFileSync(glue, modern(short.glue))
  const foreign = WebAssembly.Module.imports(new WebAssembly.Module(readFileSync(wasm)))
    .filter(({ module }) => module === 'env')
  if (foreign.length > 0) fail(`the module wants from "env": ${foreign.map(({ name }) => name).join(', ')}`)
  return dir
}

function targetDirectory() {
  return JSON.parse(output('cargo', ['metadata', '--format-version=1', '--no-deps'])).target_directory
}

/** The module, optimized for its size once it is compressed. */
function shrink(wasm) {
  const module = binaryen.readBinary(wasm)
  binaryen.setOptimizeLevel(2)
  binaryen.setShrinkLevel(2)
  // More code than with inlining, and less of it once compressed: what is alike stays alike.
  binaryen.setOneCallerInlineMaxSize(0)
  // The stack ends there, far below where anything lies: an address and its offset become one instruction.
  binaryen.setLowMemoryUnused(true)
  module.optimize()
  // Once more, for what the first time made possible.
  module.optimize()
  // What is alike has names that are alike: side by side it compresses better than by the number of calls.
  module.runPasses(['reorder-functions-by-name'])
  return Buffer.from(module.emitBinary())
}

/** What is compiled may hold file names: those of this machine are replaced, or no two machines would agree. */
function portablePaths(target) {
  const sysroot = output('rustc', ['--print', 'sysroot']).trim()
  const commit = /^commit-hash: (.*)$/m.exec(output('rustc', ['-vV']))[1]
  const cargo = process.env.CARGO_HOME ?? path.join(os.homedir(), '.cargo')
  return [
    `--remap-path-prefix=${ROOT}=/easypeers/`,
    `--remap-path-prefix=${target}=/target`,
    `--remap-path-prefix=${cargo}/registry/src=/cargo`,
    `--remap-path-prefix=${sysroot}/lib/rustlib/src/rust=/rustc/${commit}`,
  ]
}

/** The three shapes of the package, by file name. */
async function bundles(dir) {
  const reexport = `export { default, Easypeers, EasypeersError, DeliveryError, ClosedError } from 'entry.mjs'`
  return {
    'easypeers.dist.js': await bundle(dir, 'iife', `import Easypeers from 'entry.mjs'; globalThis.Easypeers = Easypeers`),
    'easypeers.mjs': await bundle(dir, 'esm', reexport),
    // `require` gives the class itself, and the names that `import` gives too; the errors are its statics.
    'easypeers.cjs': await bundle(dir, 'cjs', reexport,
      'module.exports=module.exports.default;module.exports.default=module.exports.Easypeers=module.exports;'),
  }
}

/**
 * The module as a bundle carries it: its bytes sorted and compressed by one half of scripts/pack, the other half
 * beside it as a module of its own, and both as text that survives any charset. The names are those in entry.mjs.
 */
function packed(wasm) {
  if (packed.made) return packed.made
  const out = output('cargo', ['run', '--locked', '--quiet', '--release', '--package=pack', '--', wasm], {}, 'buffer')
  return (packed.made = {
    SIZE: `${out.readUInt32LE()}`,
    LENGTH: `${readFileSync(wasm).length}`,
    PACKED: JSON.stringify(toLetters(out.subarray(4))),
    // What is small compresses better by whole bytes.
    UNPACKER: `'${unpacker().toString('hex')}'`,
  })
}

/** The module that unpacks the other. */
function unpacker() {
  run('cargo', ['rustc', '--locked', '--release', '--package=pack', '--lib', '--crate-type=cdylib', `--target=${TARGET}`], {
    RUSTC_BOOTSTRAP: '1',
    CARGO_ENCODED_RUSTFLAGS: ['-Zlocation-detail=none', '-Clink-arg=-zstack-size=65536', '-Clink-arg=--export=__heap_base'].join('\x1f'),
  })
  return shrink(readFileSync(path.join(targetDirectory(), TARGET, 'release', 'pack.wasm')))
}

async function bundle(dir, format, entry, footer = '') {
  const { outputFiles } = await esbuild.build({
    stdin: { contents: entry, resolveDir: dir },
    alias: {
      'entry.mjs': path.join(ROOT, 'scripts/entry.mjs'),
      'easypeers.js': path.join(dir, 'easypeers.js'),
    },
    bundle: true,
    minify: true,
    charset: 'utf8',
    // The glue names the one snippet once for each file that imports of it.
    logOverride: { 'duplicate-object-key': 'silent' },
    platform: 'neutral',
    target: 'es2020',
    define: packed(path.join(dir, 'easypeers_bg.wasm')),
    banner: { js: `/*! easypeers ${version} | MIT */` },
    footer: { js: footer },
    format,
    write: false,
  })
  return outputFiles[0].contents
}

/**
 * The hand-written declarations, once for `import` and once for `require` and the script tag, where the
 * class is the module and everything else hangs from it.
 */
function declarations() {
  const written = readFileSync(path.join(ROOT, 'src/web/types.d.ts'), 'utf8')
  const note = '// Made from src/web/types.d.ts by `npm run build`.\n'
  const names = [...written.matchAll(/^export (?:declare )?(?:abstract )?(?:class|interface|type|const|function) (\w+)/gm)]
    .map(([, name]) => name)
  const local = written
    .replace(/^export default class Easypeers\b/m, 'declare class Easypeers')
    .replace(/^export (?:declare )?(?=(abstract class|class|const|function)\b)/gm, 'declare ')
    .replace(/^export (?=(interface|type)\b)/gm, '')
  if (local === written || /^export\b/m.test(local)) {
    fail('src/web/types.d.ts: expected `export default class Easypeers` and exported declarations, one at a time')
  }
  const all = ['Easypeers', 'Easypeers as default', ...new Set(names)].join(', ')
  return {
    'easypeers.d.mts': Buffer.from(`${note}${written.trimEnd()}\n\nexport { Easypeers }\n`),
    'easypeers.d.ts': Buffer.from(
      `${note}${local.trimEnd()}\n\ndeclare namespace Easypeers {\n  export { ${all} }\n}\n\nexport = Easypeers\nexport as namespace Easypeers\n`),
  }
}

/** The table of sizes, in kB of 1,000 bytes. */
function measure(files) {
  const kB = bytes => `${(bytes / 1000).toFixed(1)} kB`
  const rows = [['script tag', 'easypeers.dist.js'], ['ES module', 'easypeers.mjs']].map(([what, name]) => {
    const gzip = zlib.gzipSync(files[name], { level: 9 }).length
    if (name === 'easypeers.dist.js' && gzip >= SCRIPT_TAG_LIMIT) {
      // What was built can still be tried; nobody takes it for done.
      console.error(`${name} is ${kB(gzip)} gzipped: the limit is ${kB(SCRIPT_TAG_LIMIT)}`)
      process.exitCode = 1
    }
    const brotli = zlib.brotliCompressSync(files[name]).length
    return `| ${what}, \`${name}\` | ${kB(files[name].length)} | ${kB(gzip)} | ${kB(brotli)} |`
  })
  return ['| | raw | gzip | brotli |', '|---|---|---|---|', ...rows].join('\n')
}

function compare(files) {
  const there = existsSync(PKG) ? readdirSync(PKG) : []
  const stale = [...new Set([...Object.keys(files), ...there])].filter(name =>
    !files[name] || !there.includes(name) || !readFileSync(path.join(PKG, name)).equals(Buffer.from(files[name])))
  if (stale.length > 0) fail(`pkg/ does not match src/ (${stale.join(', ')}): npm run build, and commit pkg/`)
  console.log('pkg/ matches src/')
}

function publish(files, sizes) {
  rmSync(PKG, { recursive: true, force: true })
  mkdirSync(PKG)
  for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(PKG, name), bytes)
  const readme = path.join(ROOT, 'README.md')
  if (!existsSync(readme)) return
  const text = readFileSync(readme, 'utf8')
  const updated = text.replace(/(<!-- sizes -->\n)[^]*?(<!-- \/sizes -->)/, (_, open, close) => `${open}\n${sizes}\n\n${close}`)
  if (updated !== text) writeFileSync(readme, updated)
}

function run(command, args, env = {}) {
  try {
    execFileSync(command, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...env } })
  } catch (error) {
    fail(error.code === 'ENOENT' ? `${command} is not installed` : `${command} failed`)
  }
}

function output(command, args, env = {}, encoding = 'utf8') {
  try {
    return execFileSync(command, args, { cwd: ROOT, encoding, maxBuffer: 1 << 26, env: { ...process.env, ...env } })
  } catch (error) {
    fail(error.code === 'ENOENT' ? `${command} is not installed` : `${command} failed`)
  }
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
