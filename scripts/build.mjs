// `npm run build`: from src/ to pkg/, the same bytes wherever it runs. docs/build.md says how, and what each step gains.
// `npm run build -- --check`: builds beside pkg/ and fails when pkg/ does not match.
// `npm run build -- --named FILE`: writes the module with the names of its functions there, too, for a profiler.
// `npm run build -- --without NAME`: leaves one of the FLAGS out, says what that makes of the sizes, and keeps nothing.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, mkdirSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import zlib from 'node:zlib'
import binaryen from 'binaryen'
import * as esbuild from 'esbuild'
import { adapterFiles, EDITOR, editorParts } from './adapters.mjs'
import { writeDocs } from './docs.mjs'
import { notices } from './notices.mjs'
import { bindgenVersion } from './versions.mjs'
import { weigh } from './weigh.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PKG = path.join(ROOT, 'pkg')
const TARGET = 'wasm32-unknown-unknown'
/** What a visitor may have to download, in bytes of gzip: a promise. */
const SCRIPT_TAG_LIMIT = 225_000

/** What is asked of the compiler beside what everybody asks: docs/build.md says what each gains, and what gained too little. */
const FLAGS = {
  // A panic is a bare trap, and what it would say is left out: in a browser it has nowhere to go. The standard library has
  // to be built like that, too, and all of this is unstable: the pinned compiler is told to take it all the same.
  'immediate-abort': {
    cargo: [
      '-Zpanic-immediate-abort', '--config=profile.release.panic="immediate-abort"',
      '-Zbuild-std=std,panic_abort', '-Zbuild-std-features=optimize_for_size',
    ],
    unstable: true,
  },
  // An address is 20 bytes: copied by one instruction, not by six.
  'max-store-memcpy': { llvm: ['-max-store-memcpy=1', '-max-store-memmove=1'] },
}

const { values: options } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    named: { type: 'string' },
    without: { type: 'string', multiple: true, default: [] },
  },
})
for (const name of options.without) if (!FLAGS[name]) fail(`no flag is called ${name}: there are ${Object.keys(FLAGS).join(', ')}`)
const flags = Object.entries(FLAGS).filter(([name]) => !options.without.includes(name)).map(([, flag]) => flag)

const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'))
const work = mkdtempSync(path.join(os.tmpdir(), 'easypeers-build-'))
try {
  const { wasm, named } = compile(work)
  const files = { ...(await bundles(work, wasm)), 'easypeers.wasm': wasm, ...declarations(), ...(await adapterFiles()), 'NOTICES.txt': Buffer.from(notices()) }
  const sizes = measure(files)
  console.log(`${weigh(named)}\n\n${sizes}`)
  if (options.named) writeFileSync(options.named, named)
  const editor = await editorParts()
  if (options.check) compare(files, editor)
  else if (options.without.length === 0) publish(files, sizes, editor)
} finally {
  rmSync(work, { recursive: true })
}

/** Compiles the crate, writes the glue into `dir`, and returns the module, and the same with the names of its functions. */
function compile(dir) {
  const target = path.join(targetDirectory(), 'pkg')
  const all = list => flags.flatMap(flag => flag[list] ?? [])
  run('cargo', [
    // A library of one kind only: link-time optimization is not for what others may link.
    'rustc', '--locked', '--release', '--lib', '--crate-type=cdylib', `--target=${TARGET}`, `--target-dir=${target}`, ...all('cargo'),
  ], {
    ...(flags.some(flag => flag.unstable) ? { RUSTC_BOOTSTRAP: '1' } : {}),
    CARGO_ENCODED_RUSTFLAGS: [...portablePaths(target), ...all('llvm').map(argument => `-Cllvm-args=${argument}`)].join('\x1f'),
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
  const shrunk = shrink(readFileSync(path.join(dir, 'easypeers_bg.wasm')))
  const foreign = WebAssembly.Module.imports(new WebAssembly.Module(shrunk.wasm)).filter(({ module }) => module === 'env')
  if (foreign.length > 0) fail(`the module wants from "env": ${foreign.map(({ name }) => name).join(', ')}`)
  return shrunk
}

function targetDirectory() {
  return JSON.parse(output('cargo', ['metadata', '--format-version=1', '--no-deps'])).target_directory
}

/** The module as `wasm-opt -Oz` makes it, without and with the names of its functions. */
function shrink(bytes) {
  const module = binaryen.readBinary(bytes)
  binaryen.setOptimizeLevel(2)
  binaryen.setShrinkLevel(2)
  module.optimize()
  const emit = debug => {
    binaryen.setDebugInfo(debug)
    return Buffer.from(module.emitBinary())
  }
  const made = { wasm: emit(false), named: emit(true) }
  module.dispose()
  return made
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

/** The code of the package, by file name. */
async function bundles(dir, wasm) {
  const inline = packed(wasm)
  const all = `export { default, Easypeers, EasypeersError, DeliveryError, RequestError, ClosedError } from`
  return {
    'easypeers.dist.js': await bundle(dir, 'iife', `import Easypeers from './inline.mjs'; globalThis.Easypeers = Easypeers`, inline),
    'easypeers.mjs': await bundle(dir, 'esm', `${all} './inline.mjs'`, inline),
    // `require` gives the class itself, and the names that `import` gives too; the errors are its statics.
    'easypeers.cjs': await bundle(dir, 'cjs', `${all} './inline.mjs'`, inline,
      'module.exports=module.exports.default;module.exports.default=module.exports.Easypeers=module.exports;'),
    'slim.mjs': await bundle(dir, 'esm', `export * from './slim.mjs'; export { default } from './slim.mjs'`, {}),
    'node.cjs': await bundle(dir, 'cjs', `export { default } from './node.mjs'`, {}, 'module.exports=module.exports.default;'),
    'node.mjs': await bundle(dir, 'esm', `export * from './node-import.mjs'; export { default } from './node-import.mjs'`, {}),
    'cli.mjs': await command(),
  }
}

/** What scripts/entry/inline.mjs holds: the module, packed by one half of scripts/pack, and the other half, which unpacks it. */
function packed(wasm) {
  const lzma = output('cargo', ['run', '--locked', '--quiet', '--release', '--package=pack'], { encoding: 'buffer', input: wasm })
  return { SIZE: `${wasm.length}`, PACKED: `'${lzma.toString('base64')}'`, UNPACKER: `'${unpacker().toString('hex')}'` }
}

function unpacker() {
  run('cargo', ['rustc', '--locked', '--release', '--package=pack', '--lib', '--crate-type=cdylib', `--target=${TARGET}`], {
    CARGO_ENCODED_RUSTFLAGS: portablePaths(targetDirectory()).join('\x1f'),
  })
  return shrink(readFileSync(path.join(targetDirectory(), TARGET, 'release', 'pack.wasm'))).wasm
}

async function bundle(dir, format, entry, define, footer = '') {
  const { outputFiles } = await esbuild.build({
    stdin: { contents: entry, resolveDir: path.join(ROOT, 'scripts/entry') },
    // Beside it in pkg/, or a package of its own.
    external: ['./easypeers.cjs', './node.cjs', 'node-datachannel', 'node-datachannel/polyfill', 'ws'],
    alias: { 'easypeers.js': path.join(dir, 'easypeers.js') },
    inject: ['text', 'timers'].map(name => path.join(ROOT, `scripts/entry/${name}.mjs`)),
    bundle: true,
    minify: true,
    // Node prints the whole line that an uncaught error came from.
    lineLimit: format === 'iife' ? 0 : 1000,
    charset: 'utf8',
    // The glue names the one snippet once for each file that imports of it.
    logOverride: { 'duplicate-object-key': 'silent' },
    platform: 'neutral',
    target: 'es2020',
    define: { VERSION: `'${version}'`, ...define },
    banner: { js: `/*! easypeers ${version} | MIT */` },
    footer: { js: footer },
    format,
    write: false,
  })
  return outputFiles[0].contents
}

/** The command of the package: for Node alone, and left readable. */
async function command() {
  const { outputFiles } = await esbuild.build({
    entryPoints: [path.join(ROOT, 'scripts/entry/cli.mjs')],
    external: ['./node.cjs'],
    bundle: true,
    charset: 'utf8',
    platform: 'node',
    target: 'node20',
    define: { VERSION: `'${version}'` },
    banner: { js: `#!/usr/bin/env node\n/*! easypeers ${version} | MIT */` },
    format: 'esm',
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
    // The namespace has them.
    .replace(/^  \/\*\*(?:(?!\*\/)[^])*\*\/\n  static readonly (\w+): typeof \1\n/gm, '')
    .replace(/^export (?:declare )?(?=(abstract class|class|const|function)\b)/gm, 'declare ')
    .replace(/^export (?=(interface|type)\b)/gm, '')
  if (local === written || /^export\b/m.test(local)) {
    fail('src/web/types.d.ts: expected `export default class Easypeers` and exported declarations, one at a time')
  }
  const all = ['Easypeers', 'Easypeers as default', ...new Set(names)].join(', ')
  return {
    'slim.d.mts': readFileSync(path.join(ROOT, 'scripts/entry/slim.d.mts')),
    'easypeers.d.mts': Buffer.from(`${note}${written.trimEnd()}\n\nexport { Easypeers }\n`),
    'easypeers.d.ts': Buffer.from(
      `${note}${local.trimEnd()}\n\ndeclare namespace Easypeers {\n  export { ${all} }\n}\n\nexport = Easypeers\nexport as namespace Easypeers\n`),
  }
}

/** The table of sizes, in kB of 1,000 bytes, and what a browser may check of the script tag. */
function measure(files) {
  const kB = bytes => `${(bytes / 1000).toFixed(1)} kB`
  const row = (what, names) => {
    const sum = size => names.reduce((all, name) => all + size(files[name]), 0)
    const gzip = sum(bytes => zlib.gzipSync(bytes, { level: 9 }).length)
    if (names[0] === 'easypeers.dist.js' && gzip >= SCRIPT_TAG_LIMIT) {
      // What was built can still be tried; nobody takes it for done.
      console.error(`the script tag is ${kB(gzip)} gzipped: the limit is ${kB(SCRIPT_TAG_LIMIT)}`)
      process.exitCode = 1
    }
    const brotli = sum(bytes => zlib.brotliCompressSync(bytes).length)
    return `| ${what}, ${names.map(name => `\`${name}\``).join(' + ')} | ${kB(sum(bytes => bytes.length))} | ${kB(gzip)} | ${kB(brotli)} |`
  }
  return [
    '| | raw | gzip | brotli |', '|---|---|---|---|',
    row('script tag', ['easypeers.dist.js']),
    row('ES module', ['easypeers.mjs']),
    row('CommonJS module', ['easypeers.cjs']),
    row('slim', ['slim.mjs', 'easypeers.wasm']),
    row('provider for Yjs, beside one of these', ['yjs.mjs']),
    row('adapter for Automerge, beside one of these', ['automerge.mjs']),
    row('synchronizer for TinyBase, beside one of these', ['tinybase.mjs']),
    `\nThe \`integrity\` of this script tag, wherever it is loaded from, is \`sha384-${createHash('sha384').update(files['easypeers.dist.js']).digest('base64')}\`.`,
  ].join('\n')
}

function compare(files, editor) {
  const there = existsSync(PKG) ? readdirSync(PKG) : []
  const stale = [...new Set([...Object.keys(files), ...there])].filter(name =>
    !files[name] || !there.includes(name) || !readFileSync(path.join(PKG, name)).equals(Buffer.from(files[name])))
  if (stale.length > 0) fail(`pkg/ does not match src/ (${stale.join(', ')}): npm run build, and commit pkg/`)
  if (!readFileSync(EDITOR).equals(Buffer.from(editor))) fail('www/editor-parts.js does not match src/yjs/: npm run build, and commit it')
  console.log('pkg/ matches src/')
}

function publish(files, sizes, editor) {
  rmSync(PKG, { recursive: true, force: true })
  mkdirSync(PKG)
  for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(PKG, name), bytes)
  // As npm makes what a package has as its `bin`.
  chmodSync(path.join(PKG, 'cli.mjs'), 0o755)
  writeFileSync(EDITOR, editor)
  const readme = path.join(ROOT, 'README.md')
  if (!existsSync(readme)) return
  const text = readFileSync(readme, 'utf8')
  const updated = text.replace(/(<!-- sizes -->\n)[^]*?(<!-- \/sizes -->)/, (_, open, close) => `${open}\n${sizes}\n\n${close}`)
  if (updated !== text) writeFileSync(readme, updated)
  writeDocs() // sizes and types are in there, too
}

function run(command, args, env = {}) {
  try {
    execFileSync(command, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...env } })
  } catch (error) {
    fail(error.code === 'ENOENT' ? `${command} is not installed` : `${command} failed`)
  }
}

function output(command, args, options = {}) {
  try {
    return execFileSync(command, args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 26, ...options })
  } catch (error) {
    fail(error.code === 'ENOENT' ? `${command} is not installed` : `${command} failed`)
  }
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
