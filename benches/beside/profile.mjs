// Where the time of a page's thread goes, by the profiler of Chromium: `node benches/beside/profile.mjs [CONTENDER] [--named FILE] [--size BYTES]`.
//
// It shows what two pages do from the constructor to their link, and while one sends messages of 100 bytes, or as many as are
// asked for, to the other as fast as it may. The module in pkg/ has no names for its functions, and those of WebAssembly are numbers then; `npm run build --
// --named FILE` writes one that has, and with it the page takes that. "(program)" is the browser itself, WebRTC included.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

import { bundle } from './contenders.mjs'
import { World } from './world.mjs'

const { values: { named, size }, positionals: [contender = 'easypeers'] } = parseArgs({
  allowPositionals: true, options: { named: { type: 'string' }, size: { type: 'string', default: '100' } },
})

/** Pairs whose profiles are added up, and how long one of them sends. */
const [PAIRS, FLOOD_MS] = [10, 4_000]
/** Messages of a flood, in bytes. */
const SIZE = Number(size)
const SAMPLE_US = 200
const ROWS = 15
/** What is not the page's work. */
const NO_WORK = ['(idle)', '(root)']

const world = await World.start(contender, await bundle(named ? 'named' : contender, { minify: false }))
if (named) world.site.pages.set('/named.wasm', readFileSync(named))
try {
  const meeting = []
  for (let i = 0; i < PAIRS; i++) {
    const pages = await world.open(2)
    meeting.push(...await profiled(pages, () => meet(pages, `pair ${i}`)))
    await Promise.all(pages.map(page => page.close()))
  }
  print(`from the constructor to the link, both pages, mean of ${PAIRS} pairs`, meeting, PAIRS)

  const pages = await world.open(2)
  await meet(pages, 'flood')
  const [from, to] = pages
  await from.beside('flood', to.id, SIZE, FLOOD_MS / 4)
  let sent
  const [sending, hearing] = await profiled(pages, async () => { ({ sent } = await from.beside('flood', to.id, SIZE, FLOOD_MS)) })
  print(`the page that sends ${SIZE} bytes, each of ${sent} messages`, [sending], sent)
  print(`the page that hears them, each of ${sent} messages`, [hearing], sent)
} finally {
  await world.end()
}
process.exit()

async function meet(pages, topic) {
  await Promise.all([world.join(pages, topic).joined, ...pages.map(page => page.beside('connects'))])
}

/** The profile of each page while `play` goes on. */
async function profiled(pages, play) {
  const sessions = await Promise.all(pages.map(({ page }) => page.context().newCDPSession(page)))
  for (const session of sessions) {
    await session.send('Profiler.enable')
    await session.send('Profiler.setSamplingInterval', { interval: SAMPLE_US })
  }
  await Promise.all(sessions.map(session => session.send('Profiler.start')))
  await play()
  return Promise.all(sessions.map(async session => (await session.send('Profiler.stop')).profile))
}

/** The functions that took longest by themselves, with what is below them. */
function print(what, profiles, times) {
  const functions = new Map()
  for (const profile of profiles) {
    for (const { name, self, below } of costs(profile)) {
      const cost = functions.get(name) ?? { self: 0, total: 0 }
      functions.set(name, { self: cost.self + self, total: cost.total + below })
    }
  }
  const work = [...functions].filter(([name]) => !NO_WORK.includes(name))
  const all = work.reduce((sum, [, { self }]) => sum + self, 0)
  console.log(`\n${what}: ${(all / 1_000 / times).toFixed(3)} ms, the browser's own included`)
  console.log('   self    with what it calls, of that')
  for (const [name, { self, total }] of work.sort(([, a], [, b]) => b.self - a.self).slice(0, ROWS)) {
    console.log(`${percent(self / all)}  ${percent(total / all)}  ${name}`)
  }
}

/** For each function of a profile the microseconds in it alone, and in it and all it calls. */
function * costs({ nodes, samples, timeDeltas }) {
  const self = new Map(nodes.map(({ id }) => [id, 0]))
  samples.forEach((id, i) => self.set(id, self.get(id) + timeDeltas[i]))
  const byId = new Map(nodes.map(node => [node.id, node]))
  const functions = new Map()
  const visit = (node, above) => {
    const name = nameOf(node.callFrame)
    const cost = functions.get(name) ?? { name, self: 0, below: 0 }
    functions.set(name, cost)
    cost.self += self.get(node.id)
    const within = (node.children ?? []).reduce((sum, id) => sum + visit(byId.get(id), above.has(name) ? above : new Set([...above, name])), self.get(node.id))
    // A function that calls itself is counted once.
    if (!above.has(name)) cost.below += within
    return within
  }
  visit(nodes[0], new Set())
  yield * functions.values()
}

function nameOf({ functionName, url, lineNumber }) {
  if (functionName) return functionName.replace(/\[[0-9a-f]{16}\]|::h[0-9a-f]{16}$/g, '')
  return `(nameless) ${url.split('/').pop()}:${lineNumber + 1}`
}

function percent(share) {
  return `${(share * 100).toFixed(1)} %`.padStart(7)
}
