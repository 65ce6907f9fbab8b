// Many pages write one document, and by what Yjs tests itself with all documents are equal in the end. upstream.test.mjs has eight
// pages, and long/upstream.test.mjs sixteen.

import assert from 'node:assert/strict'

import { compareGathered } from '../yjs/upstream.mjs'
import { part } from './apart.mjs'
import { allEqual, openDocument, sidePage, synced } from './documents.mjs'
import { behavior, bounded, inTurns, oneMesh } from './harness.mjs'

/** Changes of each page in each round. */
const CHANGES = 12
/** Pages that come later. */
const SPARE = 4

export const converge = count => behavior(`${count} pages that write while some come, go and crash, the tracker dies and the swarm is parted have one document by the tests of Yjs`, async world => {
  const tracker = await world.tracker()
  const pages = await inTurns(Array.from({ length: count + SPARE }), 4, () => sidePage(world))
  const open = name => openDocument(world, name, 'upstream', { isTested: true }, pages.pop())
  let alive = await Promise.all(Array.from({ length: count }, (_, i) => open(`p${i}`)))
  await oneMesh(alive)
  await Promise.all(alive.map(synced))
  let round = 0
  const write = peers => Promise.all(peers.map((peer, i) => change(peer, 1_000 * ++round + i)))

  await write(alive)

  // Two go, in one way and the other, and two come.
  const [left, closed, ...stay] = alive
  const leaving = [left, closed].map((peer, i) => change(peer, i).then(() => (i ? peer.page.close({ runBeforeUnload: true }) : peer.run(p => p.provider.destroy()))))
  alive = stay
  await Promise.all([write(stay), ...leaving, Promise.all([open('late'), open('later')]).then(late => { alive = [...stay, ...late] })])
  await write(alive)
  await allEqual(alive)

  // What a page says as it crashes may be half of what it wrote: this one says nothing then, and passes on what others say.
  const [crashed, ...others] = alive
  alive = others
  await Promise.all([write(alive), crash(crashed)])
  await allEqual(alive)

  // Nobody new is met, and then half of them are not reached any more.
  await tracker.stop()
  await write(alive)
  await oneMesh(alive)
  const half = Math.floor(alive.length / 2)
  const began = performance.now()
  const parting = part(alive.slice(0, half), alive.slice(half))
  await write(alive)
  const parts = await parting
  world.measured('from the partition to the last link over it, ms', performance.now() - began)
  world.measured('pages of each part', parts.map(({ length }) => length).join(' + '))
  await write(alive)
  const texts = await Promise.all(parts.map(allEqual))
  assert.equal(new Set(texts).size, parts.length, 'nothing gets from part to part')
  assert.ok(parts.length >= 2)

  const healed = performance.now()
  await tracker.start()
  await oneMesh(alive)
  world.measured('from the tracker that is back to one mesh, ms', performance.now() - healed)
  // Nothing is written meanwhile that would tell of what is missing.
  await allEqual(alive)
  world.measured('from the tracker that is back to one document, ms', performance.now() - healed)

  const writing = write(alive)
  const newcomers = [await open('newcomer'), await open('last')]
  await writing
  alive = [...alive, ...newcomers]
  await Promise.all(newcomers.map(peer => peer.until('synced with others', p => p.provider.synced && !p.provider.alone)))
  await allEqual(alive)

  const documents = await Promise.all(alive.map(peer => peer.run(p => side.gathered(p.doc))))
  compareGathered(documents)
  world.measured('pages at the end, and kB of a document', `${alive.length} and ${Math.round(documents[0].whole.length / 2_000)}`)
  // Everybody sees everybody, and nobody who is gone.
  await Promise.all(alive.map(peer => peer.until('who is there', (p, count) => p.awareness.states.size === count, alive.length)))
})

/** Changes a document at random, some changes in each turn of the page. */
function change (peer, seed) {
  return peer.run(async (p, [seed, changes]) => {
    const gen = side.prng.create(seed)
    for (let i = 0; i < changes; i++) {
      side.change(p.doc, gen, side.prng.int32(gen, 1, 3))
      await new Promise(resolve => setTimeout(resolve, side.prng.int32(gen, 0, 60)))
    }
  }, [seed, CHANGES])
}

async function crash (peer) {
  const session = await peer.page.context().newCDPSession(peer.page)
  // No answer comes from a page that has crashed.
  session.send('Page.crash').catch(() => {})
  await bounded(new Promise(resolve => peer.page.once('crash', resolve)), 'a crash')
}
