// `npm run docs`: from docs/, README.md and the types to www/docs/ and www/llms.txt, which `npm start` serves and any server of
// files can. Committed, as pkg/ is; `--check` fails when they do not match.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { site } from './docs/site.mjs'

const WWW = fileURLToPath(new URL('../www', import.meta.url))

/** Writes them, in the place of what was there. */
export function writeDocs() {
  rmSync(path.join(WWW, 'docs'), { recursive: true, force: true })
  for (const [name, text] of Object.entries(site())) {
    mkdirSync(path.dirname(path.join(WWW, name)), { recursive: true })
    writeFileSync(path.join(WWW, name), text)
  }
}

/** The names of those that are not what they should be. */
export function staleDocs() {
  const made = site()
  const there = readdirSync(path.join(WWW, 'docs'), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile()).map(entry => path.relative(WWW, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'))
  return [...new Set([...Object.keys(made), ...there])]
    .filter(name => !existsSync(path.join(WWW, name)) || readFileSync(path.join(WWW, name), 'utf8') !== made[name])
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  if (!process.argv.includes('--check')) {
    writeDocs()
  } else if (staleDocs().length > 0) {
    console.error(`www/ does not match the documentation (${staleDocs().join(', ')}): npm run docs, and commit it`)
    process.exitCode = 1
  }
}
