// Installs what a script needs and is not there, at the versions of package.json, without the rest of the workshop.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

const ROOT = new URL('..', import.meta.url)
const isThere = name => existsSync(new URL(`node_modules/${name}/package.json`, ROOT))

/**
 * Ends the process when one of `needed` cannot be installed; `wanted` it does without.
 * @param {string[]} needed dependencies, those of the development among them
 * @param {string[]} wanted more of them
 */
export async function provide(needed, wanted) {
  const all = [...needed, ...wanted]
  const missing = all.filter(name => !isThere(name))
  if (missing.length === 0) return
  const { dependencies, devDependencies } = JSON.parse(await readFile(new URL('package.json', ROOT), 'utf8'))
  const versions = { ...dependencies, ...devDependencies }
  // npm takes away what it is not told of: all of the names, and where more has been installed, everything.
  const more = Object.keys(versions).some(name => !all.includes(name) && isThere(name))
  const install = names => npm(more ? [] : ['--save-prod', '--omit=dev', ...names.map(name => `${name}@${versions[name]}`)])
  console.log(`Installing ${missing.join(', ')} ...`)
  let failure = install(all)
  if (!failure || needed.every(isThere)) return
  if (wanted.length > 0) failure = install(needed)
  if (!failure) return
  console.error(`${failure}\nnpm could not install ${needed.join(', ')}: is the network there? Try \`npm install\`.`)
  process.exit(1)
}

/** Runs `npm install`, and returns what it says when it fails. */
function npm(args) {
  const all = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...args]
  const { status, stderr } = spawnSync('npm', all, { cwd: ROOT, encoding: 'utf8', shell: process.platform === 'win32' })
  return status === 0 ? undefined : (stderr ?? 'npm did not start').trim()
}
