// What is sent is what arrives.

import assert from 'node:assert/strict'

import { behavior } from './harness.mjs'

const VALUES = {
  text: 'hello', empty: '', 'back-ticks': '`a string`', 'one back-tick': '`', emoji: '👩‍👩‍👧‍👦 🎉', NUL: 'a\0b\0', 'line ends': ' \r\n\t ',
  'looks like JSON': '{"a":1}', 'looks like a number': '42', 'an address': 'a'.repeat(40),
  zero: 0, number: -12.5, large: 2 ** 53, yes: true, no: false, nothing: null,
  object: { a: [1, 'two', { three: null }], 'ü': '🎉', nested: { empty: {} } }, list: [1, [2, [3]], 'x'], 'empty list': [],
}
const SIZES = [0, 1, 16_384, 1_048_576]

behavior('strings, numbers, objects and bytes arrive as sent, as broadcast and as direct message', async world => {
  await world.tracker()
  const [a, b] = [await world.join('a', 'payloads'), await world.join('b', 'payloads')]
  await Promise.all([a.neighbors(), b.neighbors()])

  for (const direct of [false, true]) {
    for (const value of Object.values(VALUES)) await a.send(...(direct ? [b.address, value] : [value]))
  }
  const expected = [...Object.values(VALUES), ...Object.values(VALUES)]
  await b.until('all values', (p, count) => p.messages.length >= count, expected.length)
  const got = await b.run(p => p.messages.map(({ message, from, to, id, hops }) => ({ message, from, to, id, hops })))
  assert.deepEqual(got.map(m => m.message), expected, 'values, in the order they were sent')
  got.forEach((message, i) => {
    assert.equal(message.from, a.address)
    assert.match(message.id, /^[0-9a-f]{40}$/)
    assert.deepEqual(message.to, i < Object.keys(VALUES).length ? undefined : [b.address])
  })
  assert.equal(new Set(got.map(m => m.id)).size, got.length, 'equal values are still different messages')
})

behavior('bytes of any size arrive as Uint8Array', async world => {
  await world.tracker()
  const [a, b] = [await world.join('a', 'bytes'), await world.join('b', 'bytes')]
  await Promise.all([a.neighbors(), b.neighbors()])
  for (const size of SIZES) {
    for (const direct of [false, true]) {
      const began = performance.now()
      const digest = await a.run(async (p, [size, to]) => {
        const bytes = new Uint8Array(size)
        for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536))
        const digest = [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))].join()
        to ? p.easypeers.send(to, bytes) : p.easypeers.send(bytes)
        return digest
      }, [size, direct ? b.address : null])
      await b.until(`${size} bytes`, p => p.messages.length)
      const got = await b.run(async p => {
        const [{ message }] = p.messages.splice(0)
        return { type: message.constructor.name, size: message.length, digest: [...new Uint8Array(await crypto.subtle.digest('SHA-256', message))].join() }
      })
      assert.deepEqual(got, { type: 'Uint8Array', size, digest })
      if (size === SIZES.at(-1)) world.measured(`1 MiB ${direct ? 'direct' : 'broadcast'}, ms`, performance.now() - began)
    }
  }
  // Views and buffers are bytes too: exactly the part they show.
  await a.run(p => {
    const { buffer } = Uint8Array.of(1, 2, 3, 4)
    p.easypeers.send(buffer)
    p.easypeers.send(new Uint8Array(buffer, 1, 2))
  })
  await b.until('both', p => p.messages.length === 2)
  assert.deepEqual(await b.run(p => p.messages.map(m => [...m.message])), [[1, 2, 3, 4], [2, 3]])
})

behavior('a value that cannot be sent throws at the call, and nothing is sent', async world => {
  await world.tracker()
  const [a, b] = [await world.join('a', 'refused', { maxMessageSize: 1000 }), await world.join('b', 'refused')]
  await Promise.all([a.neighbors(), b.neighbors()])
  const thrown = await a.run((p, to) => {
    const cyclic = {}
    cyclic.self = cyclic
    const attempt = (...args) => {
      try {
        p.easypeers.send(...args)
        return 'sent'
      } catch (error) {
        return error instanceof TypeError ? 'TypeError' : error instanceof RangeError ? 'RangeError' : String(error)
      }
    }
    return [attempt(() => {}), attempt(cyclic), attempt(undefined), attempt(), attempt(to, undefined), attempt(to, cyclic), attempt('x'.repeat(1001)), attempt(to, new Uint8Array(1001))]
  }, b.address)
  assert.deepEqual(thrown, ['TypeError', 'TypeError', 'TypeError', 'TypeError', 'TypeError', 'TypeError', 'RangeError', 'RangeError'])
  await a.send('after')
  await b.hears('after')
  assert.deepEqual(await b.heard(), { after: 1 })
})

behavior('what is sent before the first neighbor is there is held, in order', async world => {
  await world.tracker()
  const a = await world.join('a', 'held')
  await a.run(p => { for (let i = 0; i < 10; i++) p.easypeers.send(i) })
  const b = await world.join('b', 'held')
  await b.until('ten', p => p.messages.length === 10)
  assert.deepEqual(await b.run(p => p.messages.map(m => m.message)), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})
