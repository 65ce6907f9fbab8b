// Where the processor time of a crowd goes, thread by thread: `node benches/beside/threads.mjs [CONTENDER] [--pages NUMBER] [--talk]`.
// With `--named FILE` (see profile.mjs) also what its pages' own threads do of it; the profiler takes more of all than what it looks at.
//
// Pages join at once, and it ends when each has as many links as it will have; with --talk that is not looked at, but what
// comes then: a hundred broadcasts, ten a second. Chromium gives WebRTC threads of its own:
// `WebRTC_W_and_N` and `WebRTC_Signalin` of each page's process make connections and carry their packets, and
// `ThreadPoolForeg` compiles.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

import { bundle } from './contenders.mjs'
import { threadTimes } from './machine.mjs'
import { print, profiled } from './profiler.mjs'
import { FULL, talk } from './scenes.mjs'
import { World } from './world.mjs'

const { values: { named, pages: number, talk: talks }, positionals: [contender = 'easypeers'] } = parseArgs({
  allowPositionals: true, options: { named: { type: 'string' }, pages: { type: 'string', default: '16' }, talk: { type: 'boolean', default: false } },
})
/** A crowd that has changed nothing for so long has formed. */
const [STILL_MS, LOOK_MS] = [4_000, 500]
const ROWS = 14

const world = await World.start(contender, await bundle(named ? 'named' : contender, { minify: false }))
if (named) world.site.pages.set('/named.wasm', readFileSync(named))
try {
  const pages = await world.open(Number(number))
  const join = async () => {
    await world.join(pages, 'crowd').joined
    await formed(pages)
  }
  if (talks) await join()
  const before = threadTimes(world.browser.pid)
  const play = talks ? () => talk(world, pages, FULL.broadcasts) : join
  const profiles = named ? await profiled(pages, play) : []
  if (!named) await play()
  const after = threadTimes(world.browser.pid)
  const rows = new Map()
  for (const [id, { kind, name, seconds }] of after) {
    const row = `${kind}: ${name}`
    rows.set(row, (rows.get(row) ?? 0) + seconds - (before.get(id)?.seconds ?? 0))
  }
  const meters = await Promise.all(pages.map(page => page.meter()))
  const neighbors = await Promise.all(pages.map(page => page.beside('neighbors')))
  const sum = numbers => numbers.reduce((a, b) => a + b, 0)
  console.log(`${number} pages: ${sum([...rows.values()]).toFixed(2)} s of processor time, ${sum(meters.map(({ made }) => made))} connections made for ${sum(neighbors)} ends of links, ${sum(meters.map(({ sent }) => sent))} messages`)
  for (const [row, time] of [...rows].sort(([, a], [, b]) => b - a).slice(0, ROWS)) console.log(`${time.toFixed(2).padStart(8)} s  ${row}`)
  if (named && talks) print('a page, for each broadcast that it hears', profiles, FULL.broadcasts * profiles.length)
  else if (named) print('a page, from the word to join until nothing changes', profiles, profiles.length)
} finally {
  await world.end()
}
process.exit()

async function formed(pages) {
  let last = { at: performance.now(), state: '' }
  while (performance.now() - last.at < STILL_MS) {
    await new Promise(resolve => setTimeout(resolve, LOOK_MS))
    const state = JSON.stringify(await Promise.all(pages.map(page => page.beside('neighbors'))))
    if (state !== last.state) last = { at: performance.now(), state }
  }
}
