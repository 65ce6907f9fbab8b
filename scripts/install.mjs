// Installs what a script needs and is not there, at the versions of package.json, without the rest of the workshop.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

const ROOT = new URL('..', import.meta.url)
const isThere = name => existsSync(new URL(`node_modules/${name}/package.json`, ROOT))

/**
 * Ends the process when one of `needed` cannot be installed; of `wanted` it only tries.
 * @param {string[]} needed development dependencies
 * @param {string[]} wanted more of them
 */
export async function provide(needed, wanted) {
  const all = [...needed, ...wanted]
  const missing = all.filter(name => !isThere(name))
  if (missing.length === 0) return
  const { devDependencies } = JSON.parse(await readFile(new URL('package.json', ROOT), 'utf8'))
  // npm takes away what it is not told of: all of the names, and where more has been installed, everything.
  const more = Object.keys(devDependencies).some(name => !all.includes(name) && isThere(name))
  const install = names => npm(more ? [] : ['--save-prod', '--omit=dev', ...names.map(name => `${name}@${devDependencies[name]}`)])
  console.log(`Installing ${missing.join(', ')} ...`)
  if (install(all) || (wanted.length > 0 && install(needed))) return
  if (needed.every(isThere)) return
  console.error(`npm could not install ${missing.join(', ')}: is the network there? Try \`npm install\`.`)
  process.exit(1)
}

function npm(args) {
  const all = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...args]
  return spawnSync('npm', all, { cwd: ROOT, stdio: 'inherit', shell: process.platform === 'win32' }).status === 0
}
