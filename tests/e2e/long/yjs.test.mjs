// Many pages write one document while pages come, go and crash and the tracker dies: all documents are equal in the end.

import { behavior, bounded, inTurns, oneMesh } from '../harness.mjs'
import { allEqual, openDocument, sidePage } from '../documents.mjs'

/** Rounds, and how many changes each page makes in each. */
const [ROUNDS, CHANGES] = [6, 10]

for (const count of [8, 16]) {
  behavior(`${count} pages write one document while pages come, go and crash and the tracker dies, and all are equal`, async world => {
    const tracker = await world.tracker()
    const pages = await inTurns(Array.from({ length: count + 4 }), 4, () => sidePage(world))
    const all = await Promise.all(pages.slice(0, count).map((page, i) => openDocument(world, `p${i}`, 'many', {}, page)))
    const spare = pages.slice(count)
    await oneMesh(all)
    let alive = all
    for (let round = 0; round < ROUNDS; round++) {
      const writing = Promise.all(alive.map((peer, i) => change(peer, round * 1000 + i)))
      if (round === 1) alive = await leave(alive, 2, peer => peer.run(p => p.provider.destroy()))
      if (round === 2) alive = [...alive, await openDocument(world, 'late', 'many', {}, spare.pop()), await openDocument(world, 'later', 'many', {}, spare.pop())]
      if (round === 3) alive = await leave(alive, 1, crash)
      if (round === 4) await tracker.stop()
      if (round === 5) alive = await leave(alive, 1, crash)
      // A page that crashed has no more to say of its changes.
      await writing
    }
    const began = performance.now()
    await allEqual(alive)
    world.measured('all equal after the last change, ms', performance.now() - began)
    await Promise.all(alive.map(peer => peer.until('nobody but those who are there', (p, count) => p.awareness.states.size === count, alive.length)))
    world.measured('nobody else there after the last change, ms', performance.now() - began)

    // The tracker comes back, and whoever comes then has all of it.
    await tracker.start()
    const newcomer = await openDocument(world, 'newcomer', 'many', {}, spare.pop())
    await newcomer.until('synced', p => p.provider.synced && !p.provider.alone)
    await allEqual([...alive, newcomer])
    const stats = await Promise.all(alive.map(peer => peer.run(p => p.provider.stats())))
    for (const figure of ['sent', 'received', 'pulls', 'checks']) {
      world.measured(`${figure}, of each page`, stats.reduce((sum, one) => sum + one[figure], 0) / stats.length)
    }
  })
}

/** Changes a document at random, some changes in each turn of the page, as quickly as it gets turns. */
function change (peer, seed) {
  return peer.run(async (p, [seed, changes]) => {
    const random = side.seeded(seed)
    for (let i = 0; i < changes; i++) {
      side.edit(p.doc, random)
      await new Promise(resolve => setTimeout(resolve, random.below(100)))
    }
  }, [seed, CHANGES]).catch(() => {})
}

/** Some leave, in one way or another, and the rest is returned. */
async function leave (peers, count, how) {
  await Promise.all(peers.slice(0, count).map(how))
  return peers.slice(count)
}

async function crash (peer) {
  const session = await peer.page.context().newCDPSession(peer.page)
  // No answer comes from a page that has crashed.
  session.send('Page.crash').catch(() => {})
  await bounded(new Promise(resolve => peer.page.once('crash', resolve)), 'a crash')
}
