// What each page says of itself, at all others.

import assert from 'node:assert/strict'

import { behavior } from './harness.mjs'

/** Keeps what a page is told, in order. */
const watch = page => page.run(({ easypeers }) => {
  globalThis.told = []
  easypeers.on('presence', ({ address, state, verified }) => globalThis.told.push([address, state ?? null, verified]))
})
const told = (page, of) => page.run((_, of) => globalThis.told.filter(([address]) => address === of).map(([, state]) => state), of)
const knows = (page, of, state) => page.until(`${JSON.stringify(state)} to be known`, ({ easypeers }, [of, state]) =>
  JSON.stringify(easypeers.presences[of]) === state, [of, JSON.stringify(state)])

behavior('what a page says of itself is known to all, to those who come later, and gone when the page is', async world => {
  await world.tracker()
  const pages = []
  for (const name of ['a', 'b', 'c', 'd']) pages.push(await world.join(name, 'who', { maxPeers: 2 }))
  const [a, b, c, d] = pages
  await Promise.all(pages.map(page => page.neighbors(2)))
  for (const page of pages) await watch(page)
  const cursor = { name: 'Ada', at: new Map([['x', 7n]]), since: new Date(0) }
  await a.run(({ easypeers }) => {
    easypeers.presence = { name: 'A' }
    easypeers.presence = { name: 'Ada', at: new Map([['x', 7n]]), since: new Date(0) }
  })
  for (const page of [b, c, d]) await page.until('Ada', ({ easypeers }, of) => easypeers.presences[of]?.name === 'Ada', a.address)
  assert.equal(await c.run(({ easypeers }, of) => {
    const { at, since } = easypeers.presences[of]
    return `${at instanceof Map} ${at.get('x')} ${since.toISOString()}`
  }, a.address), `true 7 ${cursor.since.toISOString()}`)
  assert.deepEqual(await a.run(({ easypeers }) => [easypeers.presence.name, Object.keys(easypeers.presences)]), ['Ada', []])
  for (const page of [b, c]) await page.run(({ easypeers }, name) => { easypeers.presence = name }, page.name)

  const e = await world.join('e', 'who', { maxPeers: 2 })
  await knows(e, b.address, 'b')
  await knows(e, c.address, 'c')
  await e.until('Ada', ({ easypeers }, of) => easypeers.presences[of]?.name === 'Ada', a.address)

  await b.run(({ easypeers }) => { easypeers.presence = null })
  await d.until('b to say nothing', ({ easypeers }, of) => !(of in easypeers.presences), b.address)
  assert.deepEqual(await told(d, b.address), ['b', null])
  await c.page.close()
  for (const page of [a, b, d, e]) await page.until('c to be gone', ({ easypeers }, of) => !(of in easypeers.presences), c.address)
  assert.deepEqual(await told(a, c.address), ['c', null])
  // Under another address it says the same.
  const { address } = a
  await a.run(({ easypeers }) => { easypeers.identifier = easypeers.identifier.replace(/./, digit => digit === '0' ? '1' : '0') })
  await d.until('a to be gone', ({ easypeers }, of) => !(of in easypeers.presences), address)
  assert.deepEqual(await a.run(({ easypeers }) => [easypeers.presence.name, Object.keys(easypeers.presences).length]), ['Ada', 0])
})

behavior('a page that says too much, or what cannot be sent, is told at once, and nothing changes', async world => {
  await world.tracker()
  const a = await world.join('a', 'alone')
  assert.deepEqual(await a.run(({ easypeers }) => {
    easypeers.presence = 'here'
    const refused = [{ play () {} }, 'x'.repeat(1024), Symbol('x')].map(value => {
      try {
        easypeers.presence = value
      } catch (error) {
        return `${error.name} ${error.code}: ${error.message}`
      }
    })
    easypeers.close()
    try {
      easypeers.presence = 'gone'
    } catch (error) {
      refused.push(error.code)
    }
    return [easypeers.presence, ...refused]
  }), [
    'here',
    'TypeError ERR_INVALID_ARG_TYPE: message.play: a function cannot be sent; it has no meaning elsewhere',
    'RangeError ERR_MESSAGE_TOO_LARGE: a presence has at most 1024 bytes, and this one 1025: send the rest as a message',
    'TypeError ERR_INVALID_ARG_TYPE: message: a symbol cannot be sent; it has no meaning elsewhere',
    'ERR_CLOSED',
  ])
})
