// `npm start`: a tracker and the demo pages on this machine, with nothing installed but Node.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { startTracker } from './tracker.mjs'

process.on('SIGINT', () => process.exit(0))
process.on('SIGTERM', () => process.exit(0))

await installWhatIsMissing(['bittorrent-tracker', 'sirv'])
// Not before: it imports one of them.
const { serve } = await import('./static.mjs')

const tracker = await startTracker({ port: 8000 })
if (tracker.port !== 8000) console.log(`Port 8000 is taken: the tracker uses ${tracker.port}.`)
const pages = await serve({ port: 3000, config: { tracker: tracker.url } })
if (pages.port !== 3000) console.log(`Port 3000 is taken: the pages use ${pages.port}.`)

console.log(`
  Pages    ${pages.url}
  Tracker  ${tracker.url}

Open ${pages.url} in two tabs: they find each other and talk, browser to browser.
Ctrl-C ends everything.
`)

/** Installs these development dependencies alone, at the versions of package.json, if any is not there. */
async function installWhatIsMissing(names) {
  const root = new URL('..', import.meta.url)
  const missing = names.filter(name => !existsSync(new URL(`node_modules/${name}/package.json`, root)))
  if (missing.length === 0) return
  const { devDependencies } = JSON.parse(await readFile(new URL('package.json', root), 'utf8'))
  console.log(`Installing ${missing.join(', ')} ...`)
  const wanted = missing.map(name => `${name}@${devDependencies[name]}`)
  const args = ['install', '--no-save', '--save-prod', '--omit=dev', '--ignore-scripts', '--loglevel=error', ...wanted]
  const { status } = spawnSync('npm', args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' })
  if (status !== 0) {
    console.error(`npm could not install ${missing.join(', ')}: is the network there? Try \`npm install\`.`)
    process.exit(1)
  }
}
