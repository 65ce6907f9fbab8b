// Stores of TinyBase in pages: easypeers/tinybase as it is in pkg/. What is said, and to whom, is tested in tests/tinybase, in virtual
// time.

import assert from 'node:assert/strict'

import { behavior, Peer } from './harness.mjs'
import { bundle } from './documents.mjs'

const SIDE = `
import { createMergeableStore } from 'tinybase'
import { createEasypeersSynchronizer } from 'easypeers/tinybase'

window.side = {
  open (name, topic, options) {
    const store = createMergeableStore(name)
    store.addDidFinishTransactionListener(probe.poke)
    const synchronizer = createEasypeersSynchronizer(store, topic, options)
    synchronizer.startSync()
    return Object.assign(probe.watch(name, synchronizer.getEasypeers()), { store, synchronizer })
  },
}`

let side
/** A store in a page of its own, or in this one. */
async function open (world, name, topic, options, page) {
  page ??= await world.page()
  side ??= bundle(SIDE)
  await page.addScriptTag({ content: await side })
  await page.evaluate(({ name, topic, options }) => { side.open(name, topic, options) },
    { name, topic, options: { trackers: world.trackers.map(({ url }) => url), ...options } })
  const peer = new Peer(world, page, name)
  peer.address = await peer.get('address')
  world.peers.push(peer)
  return peer
}

const set = (peer, name) => peer.run((p, name) => { p.store.setCell('pages', name, 'here', true) }, name)
const has = (peer, names) => peer.until(`the rows ${names}`, (p, names) => p.store.getRowIds('pages').sort().join() === names, names)

behavior('four pages in a ring have one store, and each change is broadcast once', async world => {
  await world.tracker()
  const pages = []
  for (const name of ['a', 'b', 'c', 'd']) pages.push(await open(world, name, 'ring', { maxPeers: 2 }))
  await Promise.all(pages.map(page => page.neighbors(2)))
  for (const page of pages) await set(page, page.name)
  await Promise.all(pages.map(page => has(page, 'a,b,c,d')))
  await pages[0].run(p => { p.store.delRow('pages', 'd').setValue('done', null) })
  await Promise.all(pages.map(page => page.until('the end', p => p.store.hasValue('done') && !p.store.hasRow('pages', 'd'))))
  for (const page of pages) assert.deepEqual(await page.run(p => p.synchronizer.getEasypeersStats().dropped), {})
})

behavior('a page that comes again has what was changed meanwhile, and gives what it has', async world => {
  await world.tracker()
  const [a, b] = [await open(world, 'a', 'leaving'), await open(world, 'b', 'leaving')]
  await a.neighbors()
  await set(a, 'before')
  await has(b, 'before')
  await b.run(p => p.synchronizer.destroy())
  await a.disconnectedFrom(b.address)
  await set(a, 'meanwhile')
  const again = await open(world, 'again', 'leaving', {}, b.page)
  await set(again, 'alone')
  await Promise.all([a, again].map(page => has(page, 'alone,before,meanwhile')))
})
