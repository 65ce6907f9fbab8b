// What Yjs tests itself with: its random tests by changes like its own, and its `compare` for documents of this provider.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as prng from 'lib0/prng'
import { applyRandomTests } from 'yjs/testHelper'
import { change, MODS } from './mods.mjs'
import { closeAll, Network, open, pass } from './network.mjs'
import { compareGathered, gathered, tested } from './upstream.mjs'

test('the changes pass the random tests of Yjs without a provider', () => {
  for (const seed of [1, 2, 3]) applyRandomTests({ prng: prng.create(seed) }, MODS, 300)
})

for (const seed of [1, 2, 3]) {
  test(`documents are equal by the tests of Yjs after parts of them were apart, seed ${seed}`, async () => {
    const { all, parts, network } = await apart(seed)
    for (const { easypeers } of parts[0]) network.link(easypeers, parts[1][0].easypeers)
    await pass(130_000)
    compareGathered(all.map(({ doc }) => gathered(doc)))
    closeAll(all)
  })
}

test('documents that differ are not equal by the tests of Yjs', async t => {
  // It says on the console what does not fit.
  for (const method of ['log', 'error']) t.mock.method(console, method, () => {})
  const { all } = await apart(4)
  const [one, ...others] = all.map(({ doc }) => gathered(doc))
  assert.throws(() => compareGathered([one, ...others]))
  compareGathered([one, one])
  assert.throws(() => compareGathered([one, { ...one, updates: one.updates.slice(0, -1) }]), 'without the last update that it got')
  closeAll(all)
})

/** Six documents that all change, linked in two parts that know nothing of each other. */
async function apart (seed) {
  const network = new Network(seed)
  const gen = prng.create(seed)
  const all = Array.from({ length: 6 }, () => open(network, { doc: tested() }))
  const parts = [all.slice(0, 3), all.slice(3)]
  for (const part of parts) network.mesh(part.map(({ easypeers }) => easypeers))
  await pass(1_000)
  for (let i = 0; i < 200; i++) {
    change(prng.oneOf(gen, all).doc, gen)
    await pass(prng.int32(gen, 0, 100))
  }
  await pass(10_000)
  return { all, parts, network }
}
