// Repositories of Automerge in pages: easypeers/automerge as it is in pkg/. What is said, and to whom, is tested in tests/automerge, in
// virtual time.

import assert from 'node:assert/strict'

import { behavior, Peer } from './harness.mjs'
import { bundle } from './documents.mjs'

const SIDE = `
import { automergeWasmBase64 } from '@automerge/automerge/automerge.wasm.base64'
import { initializeBase64Wasm, Repo } from '@automerge/automerge-repo/slim'
import { EasypeersNetworkAdapter } from 'easypeers/automerge'

window.side = {
  ready: initializeBase64Wasm(automergeWasmBase64),
  open (name, topic, options) {
    const adapter = new EasypeersNetworkAdapter(topic, options)
    const met = []
    adapter.on('peer-candidate', ({ peerId }) => { met.push(peerId); probe.poke() })
    adapter.on('peer-disconnected', probe.poke)
    adapter.easypeers.on('address', probe.poke)
    const repo = new Repo({ network: [adapter], peerId: adapter.easypeers.address })
    return Object.assign(probe.watch(name, adapter.easypeers), { adapter, repo, met })
  },
  hold (peer, handle) {
    handle.on('change', probe.poke)
    return Object.assign(peer, { handle }).handle.url
  },
}`

let side
/** A repository in a page of its own. Its PeerId is the address of its peer. */
async function open (world, name, topic, { beside, ...options } = {}) {
  const page = await world.page({ beside })
  side ??= bundle(SIDE)
  await page.addScriptTag({ content: await side })
  await page.evaluate(async ({ name, topic, options }) => {
    await side.ready
    side.open(name, topic, options)
  }, { name, topic, options: { trackers: world.trackers.map(({ url }) => url), ...options } })
  const peer = new Peer(world, page, name)
  peer.address = await peer.get('address')
  world.peers.push(peer)
  return peer
}

const create = (peer, value) => peer.run((p, value) => side.hold(p, p.repo.create(value)), value)
const find = (peer, url) => peer.run(async (p, url) => side.hold(p, await p.repo.find(url)), url)
const push = (peer, word) => peer.run((p, word) => p.handle.change(doc => { doc.words.push(word) }), word)
const has = (peer, words) => peer.until(`the words ${words}`, (p, words) => p.handle.doc().words.toSorted().join() === words, words)
const wires = peer => peer.run(p => Object.keys(p.easypeers.wires).sort())

behavior('four pages in a ring have one document, though each talks with its neighbors alone', async world => {
  await world.tracker()
  const pages = []
  for (const name of ['a', 'b', 'c', 'd']) pages.push(await open(world, name, 'ring', { maxPeers: 2 }))
  await Promise.all(pages.map(page => page.neighbors(2)))
  const [a, ...others] = pages
  const url = await create(a, { words: [] })
  await Promise.all(others.map(page => find(page, url)))
  for (const page of pages) await push(page, page.name)
  await Promise.all(pages.map(page => has(page, 'a,b,c,d')))
  for (const page of pages) {
    await page.until('its neighbors as peers', p => p.repo.peers.toSorted().join() === Object.keys(p.easypeers.wires).sort().join())
    assert.equal((await wires(page)).length, 2)
    assert.deepEqual(await page.run(p => p.adapter.stats().dropped), {})
  }
})

behavior('a page that leaves and comes again has its address, and what was written meanwhile', async world => {
  await world.tracker()
  const [a, b] = [await open(world, 'a', 'leaving'), await open(world, 'b', 'leaving')]
  await a.neighbors()
  const url = await create(a, { words: ['before'] })
  await find(b, url)
  await b.run(p => p.adapter.disconnect())
  await a.until('nobody', p => p.repo.peers.length === 0)
  await push(a, 'meanwhile')
  await push(b, 'alone')
  await b.run(p => {
    p.adapter.connect(p.repo.peerId)
    probe.watch('b', p.adapter.easypeers)
    probe.peers.b = Object.assign({}, p, probe.peers.b)
  })
  await Promise.all([a, b].map(page => has(page, 'alone,before,meanwhile')))
  assert.equal(await b.get('address'), b.address)
  assert.deepEqual(await a.run(p => p.repo.peers), [b.address])
})

behavior('two tabs of one identity, whose repositories are named by it, write one document, and the second has its name when the first is gone', async world => {
  await world.tracker()
  const identity = '5'.repeat(64)
  const third = await open(world, 'third', 'tabs')
  const first = await open(world, 'first', 'tabs', { identity })
  await first.connectedTo(third.address)
  const second = await open(world, 'second', 'tabs', { identity, beside: first.page })
  await second.until('an address of its own', (p, wanted) => p.easypeers.address !== wanted, first.address)
  const own = await second.get('address')
  const peers = (peer, addresses) => peer.until(`the peers ${addresses}`, (p, wanted) => p.repo.peers.toSorted().join() === wanted, addresses.toSorted().join())
  await Promise.all([peers(third, [first.address, own]), peers(first, [third.address, own]), peers(second, [third.address, own])])
  const url = await create(first, { words: [] })
  await Promise.all([second, third].map(page => find(page, url)))
  const all = [first, second, third]
  for (const page of all) await push(page, page.name)
  await Promise.all(all.map(page => has(page, 'first,second,third')))
  for (const page of all) assert.deepEqual(await page.run(p => p.adapter.stats().dropped), {})

  await first.page.close()
  await second.until('its address', (p, wanted) => p.easypeers.address === wanted, first.address)
  await Promise.all([peers(third, [first.address]), peers(second, [third.address])])
  await push(third, 'fourth')
  await push(second, 'fifth')
  await Promise.all([second, third].map(page => has(page, 'fifth,first,fourth,second,third')))
  // Met three times: the first tab, the second under its own address, and that again under the name of both.
  assert.deepEqual(await third.run(p => p.met), [first.address, own, first.address])
})
