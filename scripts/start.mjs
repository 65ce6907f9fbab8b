// `npm start`: a tracker and the demo pages on this machine, and a peer in this terminal, with nothing installed but Node.
// `npm run serve`: the same without the peer.
import { parseArgs } from 'node:util'
import { run } from '../src/node/cli.mjs'
import { codeAfter, finish, untilSignal } from '../src/node/leave.mjs'
import { endWithNpm } from '../src/node/npm-parent.mjs'
import { provide } from './install.mjs'
import { startTracker } from './tracker.mjs'

/** Where the pages meet. */
const TOPIC = 'lobby'

const { values: options } = parseArgs({ options: { 'no-peer': { type: 'boolean', default: false } } })

const { signal } = untilSignal()
let end = () => process.exit(0) // before there is anything to close
signal.then(name => end(name))
endWithNpm()

await provide(['bittorrent-tracker', 'sirv'], options['no-peer'] ? [] : ['node-datachannel', 'ws'])
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

const Easypeers = options['no-peer'] ? undefined : await peerClass()
const ended = new Promise(resolve => { end = resolve })
// In a pipe, the end of the input is not the end of the pages.
const code = Easypeers
  ? await run(Easypeers, [TOPIC, '--tracker', tracker.url], { stay: true })
  : codeAfter(await ended, process)
await Promise.all([pages.close(), tracker.close()])
finish(code)

/** The class for Node; without it the pages are served all the same, after a line that says why there is no peer. */
async function peerClass() {
  try {
    await import('node-datachannel')
    return (await import('../pkg/node.cjs')).default
  } catch (error) {
    console.error(`There is no peer in this terminal: ${error.message.split('\n', 1)[0]}`)
  }
}
