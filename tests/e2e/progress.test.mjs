// How far large messages have come, and what becomes of one that is taken back on its way.

import assert from 'node:assert/strict'

import { behavior } from './harness.mjs'

const SIZE = 6_000_000

/** A ring of four, and of the first one who is opposite to it. */
async function ring (world) {
  await world.tracker()
  const pages = []
  for (const name of ['a', 'b', 'c', 'd']) pages.push(await world.join(name, 'large', { maxPeers: 2 }))
  await Promise.all(pages.map(page => page.neighbors(2)))
  for (const page of pages) {
    await page.run(({ easypeers }) => {
      globalThis.steps = []
      easypeers.on('progress', step => globalThis.steps.push(step))
    })
  }
  const near = await pages[0].run(({ easypeers }) => Object.keys(easypeers.wires))
  return { pages, a: pages[0], far: pages.slice(1).find(page => !near.includes(page.address)) }
}

const send = (page, to) => page.run(({ easypeers }, [to, size]) => {
  globalThis.controller = new AbortController()
  const delivery = easypeers.send(to, new Uint8Array(size).fill(7), { signal: globalThis.controller.signal })
  globalThis.ended = delivery.then(() => 'arrived', error => error.code)
  return delivery.id
}, [to, SIZE])

behavior('both ends are told how far a large message has come', async world => {
  const { pages, a, far } = await ring(world)
  for (const to of [null, far.address]) {
    const id = await send(a, to)
    assert.equal(await a.run(() => globalThis.ended), 'arrived')
    const ends = to ? [a, far] : pages
    for (const page of ends) {
      await page.until('all of it', (_, id) => globalThis.steps.some(step => step.id === id && step.bytes === step.size), id)
    }
    for (const page of pages) {
      const steps = await page.run((_, id) => globalThis.steps.filter(step => step.id === id), id)
      if (!ends.includes(page)) {
        assert.deepEqual(steps, [], 'who passes it on is not told')
        continue
      }
      assert.ok(steps.length > 3, `${steps.length} steps`)
      assert.ok(steps.every(({ bytes }, i) => i === 0 || bytes > steps[i - 1].bytes), 'never fewer')
      const { size } = steps[0]
      // A box of 256 KiB is 40 bytes longer than what is in it.
      assert.ok(size > SIZE && size < SIZE * 1.001 && steps.every(step => step.size === size), `${size} bytes`)
      assert.ok(steps.every(({ from, to: named }) => from === a.address && (named ?? null) === to))
    }
  }
})

behavior('a large message that is taken back ends on its way, and the next one passes', async world => {
  const { pages, a, far } = await ring(world)
  await a.run(({ easypeers }) => { easypeers.once('progress', () => globalThis.controller.abort()) })
  const id = await send(a, null)
  assert.equal(await a.run(() => globalThis.ended), 'ERR_ABORTED')
  const next = await send(a, far.address)
  assert.equal(await a.run(() => globalThis.ended), 'arrived')
  for (const page of pages) {
    const [heard, steps] = await page.run((p, id) => [p.messages.some(message => message.id === id), globalThis.steps.filter(step => step.id === id)], id)
    assert.ok(!heard, 'it arrives nowhere')
    assert.ok(page === a || steps.length === 0 || steps.at(-1).bytes === null, `${page.name}: ${JSON.stringify(steps.at(-1))}`)
  }
  assert.ok(await far.run((p, id) => p.messages.some(message => message.id === id), next))
})
