// Where the time of a page's thread goes, by the profiler of Chromium: `node benches/beside/profile.mjs [CONTENDER] [--named FILE] [--size BYTES]`.
//
// It shows what two pages do from the constructor to their link, and while one sends messages of 100 bytes, or as many as are
// asked for, to the other as fast as it may. The module in pkg/ has no names for its functions, and those of WebAssembly are numbers then; `npm run build --
// --named FILE` writes one that has, and with it the page takes that. "(program)" is the browser itself, WebRTC included.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

import { bundle } from './contenders.mjs'
import { print, profiled } from './profiler.mjs'
import { World } from './world.mjs'

const { values: { named, size }, positionals: [contender = 'easypeers'] } = parseArgs({
  allowPositionals: true, options: { named: { type: 'string' }, size: { type: 'string', default: '100' } },
})

/** Pairs whose profiles are added up, and how long one of them sends. */
const [PAIRS, FLOOD_MS] = [10, 4_000]
/** Messages of a flood, in bytes. */
const SIZE = Number(size)

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
