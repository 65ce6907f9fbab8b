// Where the processor time of a crowd goes, thread by thread, and what its pages' own threads do of it: `node benches/beside/threads.mjs
// [CONTENDER] [--pages NUMBER] [--named FILE]`.
//
// Pages join at once, and it ends when each has as many links as it will have. Chromium gives WebRTC threads of its own:
// `WebRTC_Network` and `WebRTC_Signaling` of each page's process make connections and carry their packets, and
// `ThreadPoolForeg` compiles and stretches.
import { readdirSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

import { bundle } from './contenders.mjs'
import { print, profiled } from './profiler.mjs'
import { World } from './world.mjs'

const { values: { named, pages: number }, positionals: [contender = 'easypeers'] } = parseArgs({
  allowPositionals: true, options: { named: { type: 'string' }, pages: { type: 'string', default: '16' } },
})
/** A crowd that has changed nothing for so long has formed. */
const STILL_MS = 4_000
const TICKS = 100
const ROWS = 14

const world = await World.start(contender, await bundle(named ? 'named' : contender, { minify: false }))
if (named) world.site.pages.set('/named.wasm', readFileSync(named))
try {
  const pages = await world.open(Number(number))
  const before = threads(world.browser.pid)
  const profiles = await profiled(pages, async () => {
    await world.join(pages, 'crowd').joined
    await formed(pages)
  })
  const after = threads(world.browser.pid)
  const rows = new Map()
  for (const [key, { name, time }] of after) {
    rows.set(name, (rows.get(name) ?? 0) + time - (before.get(key)?.time ?? 0))
  }
  const meters = await Promise.all(pages.map(page => page.meter()))
  const neighbors = await Promise.all(pages.map(page => page.beside('neighbors')))
  const sum = numbers => numbers.reduce((a, b) => a + b, 0)
  console.log(`${number} pages: ${sum([...rows.values()]).toFixed(2)} s of processor time, ${sum(meters.map(({ made }) => made))} connections made for ${sum(neighbors)} ends of links, ${sum(meters.map(({ sent }) => sent))} messages`)
  for (const [name, time] of [...rows].sort(([, a], [, b]) => b - a).slice(0, ROWS)) console.log(`${time.toFixed(2).padStart(8)} s  ${name}`)
  print('a page, from the word to join until nothing changes', profiles, profiles.length)
} finally {
  await world.end()
}
process.exit()

async function formed(pages) {
  let last = { at: performance.now(), state: '' }
  while (performance.now() - last.at < STILL_MS) {
    await new Promise(resolve => setTimeout(resolve, 500))
    const state = JSON.stringify(await Promise.all(pages.map(page => page.beside('neighbors'))))
    if (state !== last.state) last = { at: performance.now(), state }
  }
}

/** Seconds of processor time of each thread of a process and all below it, and what it and its process are called. */
function threads(root) {
  const parents = new Map()
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    const fields = stat(`/proc/${pid}/stat`)
    if (fields) parents.set(Number(pid), fields.parent)
  }
  const below = pid => pid === root || parents.has(pid) && below(parents.get(pid))
  const times = new Map()
  for (const pid of [...parents.keys()].filter(below)) {
    let command = ''
    try { command = readFileSync(`/proc/${pid}/cmdline`, 'utf8') } catch { continue }
    const kind = /--type=([a-z-]+)/.exec(command)?.[1] ?? 'browser'
    let ids = []
    try { ids = readdirSync(`/proc/${pid}/task`) } catch { continue }
    for (const id of ids) {
      const fields = stat(`/proc/${pid}/task/${id}/stat`)
      if (fields) times.set(`${pid}/${id}`, { name: `${kind}: ${fields.name.replace(/[/\d]+$/, '')}`, time: fields.time })
    }
  }
  return times
}

function stat(path) {
  try {
    const text = readFileSync(path, 'utf8')
    const end = text.lastIndexOf(')')
    const fields = text.slice(end + 2).split(' ')
    return { name: text.slice(text.indexOf('(') + 1, end), parent: Number(fields[1]), time: (Number(fields[11]) + Number(fields[12])) / TICKS }
  } catch {
    return null
  }
}
