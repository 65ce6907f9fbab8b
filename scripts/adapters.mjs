// The adapters, `easypeers/yjs` and its like: from a folder of src/ to pkg/, and what the editor of www/ is made with: a part of
// `npm run build` that needs no Rust. `node scripts/adapters.mjs` does it alone.
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import * as esbuild from 'esbuild'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Each adapter is a folder of src/ and a subpath of the package. What it adapts is the page's own: of that there may be one copy only. */
export const ADAPTERS = {
  // The few functions of lib0 that write and read bytes come along, for lib0 is a dependency of these two and not of ours.
  yjs: ['yjs', 'y-protocols/*'],
  automerge: ['@automerge/automerge-repo/*'],
  tinybase: ['tinybase/*'],
}

/** The files of all adapters, by name. */
export async function adapterFiles () {
  const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'))
  const files = {}
  for (const name of Object.keys(ADAPTERS)) {
    const types = readFileSync(path.join(ROOT, `src/${name}/types.d.ts`))
    files[`${name}.mjs`] = await bundle(name, 'esm', version)
    files[`${name}.cjs`] = await bundle(name, 'cjs', version)
    files[`${name}.d.mts`] = types
    files[`${name}.d.ts`] = types
  }
  return files
}

/** Where the parts of the editor are, and what is in there: CodeMirror, Yjs, the provider, in `EditorParts`. */
export const EDITOR = path.join(ROOT, 'www/editor-parts.js')
export async function editorParts () {
  const { outputFiles } = await esbuild.build({
    entryPoints: [path.join(ROOT, 'scripts/entry/editor.mjs')],
    // The class of the script tag.
    plugins: [{
      name: 'one class',
      setup (build) {
        build.onResolve({ filter: /^easypeers$/ }, () => ({ path: 'easypeers', namespace: 'global' }))
        build.onLoad({ filter: /.*/, namespace: 'global' }, () => ({ contents: 'export default globalThis.Easypeers' }))
      },
    }],
    bundle: true,
    minify: true,
    lineLimit: 1000,
    charset: 'utf8',
    platform: 'browser',
    target: 'es2022',
    banner: { js: '// Made by `npm run build` of scripts/entry/editor.mjs: CodeMirror, Yjs and y-codemirror.next, all under the MIT license.' },
    legalComments: 'none',
    globalName: 'EditorParts',
    format: 'iife',
    write: false,
  })
  return outputFiles[0].contents
}

async function bundle (name, format, version) {
  const { outputFiles } = await esbuild.build({
    entryPoints: [path.join(ROOT, `src/${name}/index.mjs`)],
    external: ['easypeers', ...ADAPTERS[name]],
    bundle: true,
    minify: true,
    lineLimit: 1000,
    charset: 'utf8',
    platform: 'neutral',
    // lib0 names its files by `exports` alone, and of these the ones for a page.
    conditions: ['import', 'module'],
    target: 'es2022',
    banner: { js: `/*! easypeers ${version} | MIT */` },
    format,
    write: false,
  })
  return outputFiles[0].contents
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const [name, bytes] of Object.entries(await adapterFiles())) writeFileSync(path.join(ROOT, 'pkg', name), bytes)
  writeFileSync(EDITOR, await editorParts())
}
