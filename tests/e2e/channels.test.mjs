// Channels: what is said in one is heard in it, and nowhere else, on the same links.

import assert from 'node:assert/strict'

import { behavior } from './harness.mjs'

behavior('a channel is heard by those who have it open, wherever they are, and by nobody else', async world => {
  await world.tracker()
  const pages = []
  for (const name of ['a', 'b', 'c', 'd']) pages.push(await world.join(name, 'rooms', { maxPeers: 2 }))
  const [a, b, c, d] = pages
  await Promise.all(pages.map(page => page.neighbors(2)))
  const listen = page => page.run(({ easypeers }) => {
    globalThis.room = easypeers.channel('room')
    globalThis.heard = []
    globalThis.room.on('message', function ({ message, from, to, verified }) {
      globalThis.heard.push([message, from, to?.[0] ?? null, verified, this === globalThis.room])
    })
  })
  // `d` has it not, and passes on what comes; `a` and `c`, or `b` and `d`, are no neighbors in a ring of four.
  for (const page of [a, b, c]) await listen(page)
  await a.run(async ({ easypeers }, one) => {
    const other = easypeers.channel('another room')
    await Promise.all([globalThis.room.send({ to: 'all' }), globalThis.room.send(one, 'to one'), other.send('elsewhere'), easypeers.send('last')])
  }, c.address)
  for (const page of [b, c, d]) await page.hears('last')
  await c.page.waitForFunction(() => globalThis.heard.length === 2)
  const all = [{ to: 'all' }, a.address, null, true, true]
  const sorted = heard => heard.sort(([a], [b]) => typeof a < typeof b ? -1 : 1)
  assert.deepEqual(await b.run(() => globalThis.heard), [all])
  const one = ['to one', a.address, c.address, true, true]
  const heard = await c.run(() => globalThis.heard)
  assert.deepEqual(heard[0][0] === 'to one' ? heard.reverse() : heard, [all, one])
  for (const page of [b, c, d]) assert.deepEqual(await page.run(p => p.messages.map(m => m.message)), ['last'])
  assert.deepEqual(await a.run(() => globalThis.heard), [], 'who sends hears nothing of it')
})

behavior('a hundred channels cost no link more than one, and each is closed by itself', async world => {
  await world.tracker()
  const [a, b] = [await world.join('a', 'many'), await world.join('b', 'many')]
  await Promise.all([a.neighbors(), b.neighbors()])
  for (const page of [a, b]) {
    await page.run(({ easypeers }) => {
      globalThis.heard = []
      globalThis.channels = Array.from({ length: 100 }, (_, n) => easypeers.channel(`room ${n}`))
      for (const channel of globalThis.channels) channel.on('message', ({ message }) => globalThis.heard.push(`${channel.name}: ${message}`))
      // The same once more: both hear.
      globalThis.again = easypeers.channel('room 99').on('message', ({ message }) => globalThis.heard.push(`again: ${message}`))
    })
  }
  await a.run(() => globalThis.channels.forEach((channel, n) => channel.send(n)))
  await b.page.waitForFunction(() => globalThis.heard.length === 101)
  const due = [...Array.from({ length: 100 }, (_, n) => `room ${n}: ${n}`), 'again: 99']
  assert.deepEqual((await b.run(() => globalThis.heard)).sort(), due.sort())
  assert.deepEqual(await b.run(({ easypeers }) => easypeers.wireCount), 1)

  await b.run(() => {
    globalThis.heard.length = 0
    globalThis.channels[99].close()
    globalThis.channels[99].on('message', () => {}).off('message')
    globalThis.channels[98][Symbol.dispose]?.()
  })
  await a.run(() => [97, 98, 99].forEach(n => globalThis.channels[n].send('more')))
  await b.page.waitForFunction(() => globalThis.heard.length === 2)
  assert.deepEqual((await b.run(() => globalThis.heard)).sort(), ['again: more', 'room 97: more'])
  const late = await b.run(({ easypeers }) => {
    const code = call => { try { return String(call()) } catch (error) { return `${error.name} ${error.code}` } }
    const closed = code(() => globalThis.channels[99].send('x'))
    easypeers.close()
    const { again } = globalThis
    return [closed, code(() => again.send('x')), code(() => easypeers.channel('x')), globalThis.channels[99].closed, again.closed, code(() => again.close())]
  })
  assert.deepEqual(late, ['ClosedError ERR_CLOSED', 'ClosedError ERR_CLOSED', 'ClosedError ERR_CLOSED', true, true, 'undefined'])
})

behavior('a channel has requests of its own, and its methods know it', async world => {
  await world.tracker()
  const [a, b] = [await world.join('a', 'asked'), await world.join('b', 'asked')]
  await Promise.all([a.neighbors(), b.neighbors()])
  await b.run(({ easypeers }) => {
    easypeers.on('request', (data, respond) => respond('the instance'))
    easypeers.channel('shop').on('request', (data, respond) => respond('the shop'))
    easypeers.channel('empty')
  })
  const answers = await a.run(async ({ easypeers }, to) => {
    const asked = name => {
      const { request } = easypeers.channel(name)
      return request(to, '?').catch(error => error.code)
    }
    return [await easypeers.request(to, '?'), await asked('shop'), await asked('empty')]
  }, b.address)
  assert.deepEqual(answers, ['the instance', 'the shop', 'ERR_NO_LISTENER'])
})

behavior('what is no name is refused', async world => {
  await world.tracker()
  const a = await world.join('a', 'names')
  const refused = await a.run(({ easypeers }) => [undefined, null, '', 5, {}, 'ä'.repeat(128), 'ä'.repeat(127)].map(name => {
    try { return easypeers.channel(name).name.length } catch (error) { return `${error.name} ${error.code}` }
  }))
  const type = 'TypeError ERR_INVALID_ARG_TYPE'
  assert.deepEqual(refused, [type, type, type, type, type, 'RangeError ERR_OUT_OF_RANGE', 127])
})
