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

/** In a page, all that there is to send. */
const menagerie = () => {
  const one = { once: 'or twice' }
  class Instance {
    own = 1
    get derived() { return 2 }
    method() {}
  }
  const odd = JSON.parse('{"__proto__":{"polluted":true},"constructor":1,"2":2,"":3}')
  const bytes = length => Uint8Array.from({ length }, (_, i) => i).buffer
  const views = [
    Uint8Array, Uint8ClampedArray, Int8Array, Uint16Array, Int16Array, Uint32Array, Int32Array, Float32Array, Float64Array,
    BigInt64Array, BigUint64Array, globalThis.Float16Array ?? Uint8Array, DataView,
  ]
  let deep = 'the end'
  for (let i = 0; i < 500; i++) deep = i % 2 ? [deep] : new Map([[deep, i]])
  return {
    file: new Uint8Array(bytes(100_000)), buffer: bytes(5), views: views.map(View => new View(bytes(16))), part: new Uint8Array(bytes(9), 3, 2),
    numbers: [0, -0, NaN, Infinity, -Infinity, 1.5, 2 ** 53, -(2 ** 31), 5e-324],
    big: [0n, -1n, 2n ** 64n, -(2n ** 200n)],
    nothing: { undefined, null: null, hole: [1, , 3] },
    text: ['', 'é 漢 👩‍👩‍👧‍👦', 'a\0b', '\ud800', { '\udfff': '\ud83e' }],
    dates: [new Date(0), new Date(-1.5), new Date(1_700_000_000_123), new Date(8.64e15), new Date(NaN)],
    map: new Map([[one, 'an object'], ['1', 'text'], [1, new Map([[NaN, new Set()]])], [undefined, undefined]]),
    set: new Set([1, '1', [1], new Set([new Date(1)])]),
    errors: [new Error('no'), new RangeError('too far'), new DOMException('stop', 'AbortError')],
    one, again: one, instance: new Instance(), odd, deep,
    toJSON: [new URL('http://a.example/'), { toJSON: () => new Date(1) }],
    truth: [true, false],
  }
}

/** Says of a value all that should arrive: classes, the sign of zero, what is there and `undefined`; in the order it has. */
const describe = value => {
  const say = value => {
    if (Object.is(value, -0)) return '-0'
    if (typeof value === 'bigint') return `${value}n`
    if (typeof value !== 'object' || value === null) return typeof value === 'string' ? JSON.stringify(value) : String(value)
    const { name } = Object.getPrototypeOf(value).constructor
    const of = values => `${name}(${values.join(', ')})`
    // Of any class, they arrive as these.
    if (ArrayBuffer.isView(value)) return `Uint8Array(${new Uint8Array(value.buffer, value.byteOffset, value.byteLength)})`
    if (value instanceof ArrayBuffer) return `Uint8Array(${new Uint8Array(value)})`
    if (value instanceof Date) return of([value.getTime()])
    if (value instanceof Error) return `an error: ${value.name}, ${value.message}`
    if (value instanceof Map) return of([...value].map(([key, value]) => `${say(key)} => ${say(value)}`))
    if (value instanceof Set || Array.isArray(value)) return of(Array.from(value, say))
    return `an object(${Object.keys(value).map(key => `${JSON.stringify(key)}: ${say(value[key])}`).join(', ')})`
  }
  return Object.entries(value).map(([name, part]) => `${name}: ${say(part)}`)
}

behavior('whatever is in an object arrives as what it is, as broadcast and as direct message', async world => {
  await world.tracker()
  const [a, b] = [await world.join('a', 'menagerie'), await world.join('b', 'menagerie')]
  await Promise.all([a.neighbors(), b.neighbors()])
  const sent = await a.run((p, [menagerie, describe, to]) => {
    const all = (0, eval)(menagerie)()
    p.easypeers.send(all)
    p.easypeers.send(to, all)
    return (0, eval)(describe)(all)
  }, [`(${menagerie})`, `(${describe})`, b.address])
  await b.until('both', p => p.messages.length === 2)
  const arrived = await b.run((p, describe) => p.messages.splice(0).map(({ message }) => (0, eval)(describe)(message)), `(${describe})`)
  // A name by which each of these goes for an own property, and what is given by `toJSON`.
  const expected = sent.map(part => part.startsWith('toJSON: ') ? 'toJSON: Array("http://a.example/", Date(1))' : part)
  assert.deepEqual(arrived, [expected, expected])
  assert.deepEqual(await b.run(() => ({}).polluted), undefined)

  // By themselves, each arrives as within an object; bytes as Uint8Array.
  await a.run(p => [new Map([[1, 2]]), new Set([1]), new Date(5), 7n, new Error('no'), NaN, -0, null].forEach(value => p.easypeers.send(value)))
  await b.until('all', p => p.messages.length === 8)
  assert.deepEqual(
    await b.run((p, describe) => (0, eval)(describe)(p.messages.map(({ message }) => message)), `(${describe})`),
    ['Map(1 => 2)', 'Set(1)', 'Date(5)', '7n', 'an error: Error, no', 'NaN', '-0', 'null'].map((text, i) => `${i}: ${text}`))
})

behavior('what an object holds that cannot be sent is named with its place, and what the page throws is thrown', async world => {
  await world.tracker()
  const [a, b] = [await world.join('a', 'places', { maxMessageSize: 20_000 }), await world.join('b', 'places')]
  await Promise.all([a.neighbors(), b.neighbors()])
  const thrown = await a.run(p => {
    const cyclic = { list: [{}] }
    cyclic.list[0].back = cyclic
    let deep = []
    for (let i = 0; i < 5000; i++) deep = [deep]
    let wide = []
    for (let i = 0; i < 100; i++) wide = [wide, wide]
    return [
      { files: [1, 2, { data: new Blob(['x']) }] }, { then: [Promise.resolve()] }, { on: { click() {} } }, new Map([['node', document.body]]),
      { kind: Symbol('kind') }, cyclic, deep, wide, Object.assign([], { length: 2 ** 32 - 1 }), { get mine() { throw new SyntaxError('mine') } },
    ].map(value => {
      try {
        p.easypeers.send(value)
        return 'sent'
      } catch ({ name, code, message }) {
        return [name, code, message].join(' | ')
      }
    })
  })
  const instead = 'send what it is made of, or give it a toJSON()'
  const large = 'RangeError | ERR_MESSAGE_TOO_LARGE | the message is more than 20000 bytes, which is maxMessageSize: send it in parts, or raise maxMessageSize on every peer'
  assert.deepEqual(thrown, [
    'TypeError | ERR_INVALID_ARG_TYPE | message.files[2].data: a Blob cannot be sent; await its arrayBuffer()',
    'TypeError | ERR_INVALID_ARG_TYPE | message.then[0]: a Promise cannot be sent; await it',
    'TypeError | ERR_INVALID_ARG_TYPE | message.on.click: a function cannot be sent; it has no meaning elsewhere',
    `TypeError | ERR_INVALID_ARG_TYPE | message.values()[0]: a HTMLBodyElement cannot be sent; ${instead}`,
    'TypeError | ERR_INVALID_ARG_TYPE | message.kind: a symbol cannot be sent; it has no meaning elsewhere',
    'TypeError | ERR_INVALID_ARG_TYPE | message.list[0].back: a cycle cannot be sent; it is message again',
    `RangeError | ERR_OUT_OF_RANGE | message${'[0]'.repeat(10)} … ${'[0]'.repeat(10)}: nothing is sent that is nested more than 5000 deep`,
    large, large,
    'SyntaxError |  | mine',
  ])
  await a.send('after')
  await b.hears('after')
  assert.deepEqual(await b.heard(), { after: 1 })
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
