// How many there are, as a page is told.

import assert from 'node:assert/strict'

import { behavior } from './harness.mjs'

behavior('a page that is alone counts itself, and pages that see all of their swarm count all', async world => {
  await world.tracker()
  const a = await world.join('a', 'count')
  assert.deepEqual(await a.run(p => p.easypeers.estimate()), { peers: 1, low: 1, high: 1 })
  const others = []
  for (const name of ['b', 'c', 'd', 'e']) others.push(await world.join(name, 'count'))
  for (const page of [a, ...others]) {
    await page.until('all five to be counted', ({ easypeers }) => {
      const { peers, low, high } = easypeers.estimate()
      return peers === 5 && low === 5 && high === 5
    })
  }
})
