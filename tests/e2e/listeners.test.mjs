// Listeners of the page may do what they like.

import assert from 'node:assert/strict'

import { behavior } from './harness.mjs'

behavior('a listener that throws is reported, and everything else goes on', async world => {
  await world.tracker()
  const [a, b] = [await world.join('a', 'throws'), await world.join('b', 'throws')]
  world.troubled.add(a.page)
  await a.run(p => {
    for (const event of ['connect', 'disconnect', 'message', 'tracker', 'warning']) {
      p.easypeers.on(event, () => { throw new Error(`thrown in ${event}`) })
    }
    p.after = 0
    p.easypeers.on('message', () => { p.after++ })
  })
  await Promise.all([a.neighbors(), b.neighbors()])
  for (let i = 0; i < 5; i++) await b.send(i)
  await a.until('five messages', p => p.after === 5)
  await a.send('alive')
  await b.hears('alive')
  const errors = await a.run(() => probe.errors)
  const console = world.consoles.get(a.page).join('\n')
  assert.match(errors.join('\n') + console, /thrown in message/, 'the page is told what its listener threw')
  assert.doesNotMatch(errors.join('\n') + console, /unreachable|RuntimeError|already borrowed|recursive use/i, 'and nothing of it reached the module')
})

behavior('listeners may send, add and remove listeners, and change settings', async world => {
  await world.tracker()
  const a = await world.join('a', 'callbacks')
  await a.run(({ easypeers }) => {
    easypeers.on('connect', peer => {
      easypeers.send('from connect')
      easypeers.send(peer, 'direct from connect')
    })
    const once = data => {
      easypeers.off('message', once)
      easypeers.on('message', echo)
      easypeers.maxPeers = 5
      easypeers.coverage = 1
      easypeers.send(data.from, { echo: data.message })
    }
    const echo = data => easypeers.send(data.from, { again: data.message, wires: easypeers.wireCount, peers: easypeers.peerCount })
    easypeers.on('message', once)
  })
  const b = await world.join('b', 'callbacks')
  await b.hears('from connect')
  await b.hears('direct from connect')
  await b.send('one')
  await b.until('the echo', p => p.messages.some(m => m.message.echo === 'one'))
  await b.send('two')
  await b.until('the second echo', p => p.messages.some(m => m.message.again === 'two'))
  assert.equal(await b.run(p => p.messages.length), 4)
  assert.deepEqual(await a.run(p => [p.easypeers.maxPeers, p.easypeers.coverage]), [5, 1])
})

behavior('a listener may send a message that makes the other send one, a thousand times over', async world => {
  await world.tracker()
  const [a, b] = [await world.join('a', 'ping pong'), await world.join('b', 'ping pong')]
  await Promise.all([a.neighbors(), b.neighbors()])
  for (const peer of [a, b]) await peer.run(p => p.easypeers.on('message', data => { if (data.message < 1000) p.easypeers.send(data.from, data.message + 1) }))
  const began = performance.now()
  await a.send(b.address, 1)
  await Promise.race([a, b].map(peer => peer.until('a thousand', p => p.messages.some(m => m.message === 1000))))
  world.measured('one turn of ping pong, ms', (performance.now() - began) / 1000)
})

for (const event of ['connect', 'message', 'disconnect']) {
  behavior(`a listener of "${event}" may close its own instance`, async world => {
    await world.tracker()
    const a = await world.join('a', `close in ${event}`)
    // Before the other page joins: it may be linked sooner than a listener is added.
    await a.run((p, event) => { p.easypeers.on(event, () => p.easypeers.close()) }, event)
    const b = await world.join('b', `close in ${event}`)
    await b.until('a connection', p => p.connects.length)
    if (event === 'message') await b.send('close now')
    if (event === 'disconnect') await b.run(p => p.easypeers.close())
    await a.until('nothing held', () => Object.values(probe.held()).every(count => count === 0))
    if (event !== 'disconnect') await b.disconnectedFrom(a.address)
    assert.equal(await a.get('closed'), true)
  })
}

behavior('methods know their instance, copies of it have no way to the module', async world => {
  await world.tracker()
  const [a, b] = [await world.join('a', 'bound'), await world.join('b', 'bound')]
  await Promise.all([a.neighbors(), b.neighbors()])
  await a.run(({ easypeers }) => {
    const { send, on } = easypeers
    on('message', () => {})
    send('taken out')
    ;['passed on'].forEach(text => Promise.resolve(text).then(easypeers.send))
    new Proxy(easypeers, {}).send('through a proxy')
  })
  for (const text of ['taken out', 'passed on', 'through a proxy']) await b.hears(text)
  const seen = await a.run(({ easypeers }) => {
    const prototype = Object.getPrototypeOf(easypeers)
    const failed = act => {
      try {
        return { returned: String(act()) }
      } catch (error) {
        return { type: error instanceof TypeError, code: error.code }
      }
    }
    const delivery = easypeers.send('x')
    class Loud extends easypeers.constructor {
      send (text) { return super.send(`${text}!`) }
    }
    const loud = new Loud('nobody else')
    const said = loud.send('x').id
    loud.close()
    return {
      copy: failed(() => Object.assign(Object.create(prototype), easypeers).send('x')),
      proxy: failed(() => new Proxy(easypeers, {}).address),
      prototype: failed(() => prototype.wireCount),
      delivery: failed(() => Object.create(Object.getPrototypeOf(delivery)).id),
      shown: [easypeers, prototype, delivery, Object.getPrototypeOf(delivery), easypeers.constructor]
        .flatMap(object => [...Object.keys(object), ...Object.getOwnPropertyNames(object)]).filter(name => /free|^__|^[a-z]$/.test(name)),
      names: [easypeers.constructor.name, delivery.constructor.name],
      said: typeof said,
    }
  })
  const refused = { type: true, code: 'ERR_INVALID_THIS' }
  assert.deepEqual(seen, {
    copy: refused, proxy: refused, prototype: refused, delivery: refused, shown: [], names: ['Easypeers', 'Delivery'], said: 'string',
  })
})

behavior('the emitter has what that of Node has', async world => {
  const a = await world.join('a', 'emitter')
  const seen = await a.run(({ easypeers }) => {
    const heard = []
    const [first, second, third] = ['first', 'second', 'third'].map(name => () => heard.push(name))
    easypeers.on('mine', second).prependListener('mine', first).prependOnceListener('mine', third).setMaxListeners(1)
    easypeers.emit('mine')
    easypeers.emit('mine')
    return {
      heard,
      names: easypeers.eventNames().includes('mine'),
      listeners: easypeers.listeners('mine').map(listener => [first, second, third].indexOf(listener)),
      raw: easypeers.rawListeners('mine').length,
      none: easypeers.listeners('nothing'),
    }
  })
  assert.deepEqual(seen, { heard: ['third', 'first', 'second', 'first', 'second'], names: true, listeners: [0, 1], raw: 2, none: [] })
})

behavior('who reads "ready" and does not wait for it hears of no rejection, and who waits does', async world => {
  const page = await world.page()
  const seen = await page.evaluate(async () => {
    const read = new Easypeers('nobody', { trackers: [] })
    void read.ready
    read.close()
    const waited = new Easypeers('nobody', { trackers: [] })
    const code = waited.ready.then(() => 'none', error => error.code)
    waited.close()
    // A rejection that nobody handles is told after the task in which it came about.
    await new Promise(resolve => setTimeout(resolve))
    return { code: await code, errors: probe.errors }
  })
  assert.deepEqual(seen, { code: 'ERR_CLOSED', errors: [] })
})
