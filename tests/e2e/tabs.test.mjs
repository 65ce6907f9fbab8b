// Tabs of one browser meet by themselves: no tracker, no server.

import assert from 'node:assert/strict'

import { behavior, oneMesh } from './harness.mjs'

const ALONE = { trackers: [] }

behavior('tabs of one browser are one swarm without any tracker', async world => {
  const page = await world.page()
  const a = await world.join('a', 'tabs', ALONE, page)
  const b = await world.join('b', 'tabs', ALONE, await world.page({ beside: page }))
  const c = await world.join('c', 'tabs', ALONE, await world.page({ beside: page }))
  await Promise.all([a, b, c].map(tab => tab.neighbors(2)))
  await a.send('to all tabs')
  await Promise.all([b.hears('to all tabs'), c.hears('to all tabs')])
  assert.deepEqual(await a.run(() => probe.sockets.length), 0)
  // A tab that closes is missed, and one that opens is found by those that are left.
  await a.page.close()
  for (const tab of [b, c]) await tab.disconnectedFrom(a.address)
  const d = await world.join('d', 'tabs', ALONE, await world.page({ beside: b.page }))
  await oneMesh([b, c, d])
})

behavior('tabs of a private swarm meet those who know the secret, and no others', async world => {
  const page = await world.page()
  const [a, b] = [
    await world.join('a', 'private', { ...ALONE, secret: 'of two' }, page),
    await world.join('b', 'private', { ...ALONE, secret: 'of two' }, await world.page({ beside: page })),
  ]
  const other = await world.join('other', 'private', { ...ALONE, secret: 'of another' }, await world.page({ beside: page }))
  await oneMesh([a, b])
  assert.equal(await other.get('wireCount'), 0)
})

behavior('a tab that is in the swarm brings the other tabs in', async world => {
  const tracker = await world.tracker()
  const [far, page] = [await world.join('far', 'bridge'), await world.page()]
  const bridge = await world.join('bridge', 'bridge', { trackers: [tracker.url] }, page)
  await bridge.connectedTo(far.address)
  const tab = await world.join('tab', 'bridge', ALONE, await world.page({ beside: page }))
  await oneMesh([far, bridge, tab])
  await far.send('from afar')
  await tab.hears('from afar')
})
