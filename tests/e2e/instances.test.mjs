// Several instances in one page.

import assert from 'node:assert/strict'

import { behavior, oneMesh } from './harness.mjs'

behavior('instances of one page connect to each other and to other pages', async world => {
  await world.tracker()
  const page = await world.page()
  const together = [await world.join('a', 'instances', {}, page), await world.join('b', 'instances', {}, page), await world.join('c', 'instances', {}, page)]
  const apart = await world.join('d', 'instances')
  const peers = [...together, apart]
  await oneMesh(peers)
  assert.equal(new Set(peers.map(p => p.address)).size, 4)
  for (const peer of peers) await peer.send(`from ${peer.name}`)
  for (const peer of peers) {
    const others = peers.filter(p => p !== peer).map(p => `from ${p.name}`)
    for (const text of others) await peer.hears(text)
    assert.deepEqual(await peer.heard(), Object.fromEntries(others.map(text => [text, 1])))
  }
})

behavior('a direct message to a direct neighbor always arrives', async world => {
  await world.tracker()
  const [a, b] = [await world.join('a', 'neighbor'), await world.join('b', 'neighbor')]
  await Promise.all([a.connectedTo(b.address), b.connectedTo(a.address)])
  await Promise.all([[a, b], [b, a]].map(([from, to]) => from.run((p, to) => { for (let i = 0; i < 200; i++) p.easypeers.send(to, i) }, to.address)))
  for (const peer of [a, b]) {
    await peer.until('200 messages', p => p.messages.length >= 200)
    assert.deepEqual(await peer.run(p => p.messages.map(m => m.message)), Array.from({ length: 200 }, (_, i) => i))
  }
  const { hops, rtt } = await a.run(async (p, to) => p.easypeers.send(to, 'acknowledged'), b.address)
  assert.equal(hops, 1)
  assert.ok(rtt >= 0)
  world.measured('direct message to a neighbor and its acknowledgement, ms', rtt)
})

behavior("'' and 0 sent to one peer go to that one only", async world => {
  await world.tracker()
  const [a, b, c] = [await world.join('a', 'falsy'), await world.join('b', 'falsy'), await world.join('c', 'falsy')]
  await oneMesh([a, b, c])
  await a.send(b.address, '')
  await a.send(b.address, 0)
  await a.send(b.address, false)
  await a.send(b.address, null)
  await a.send('the end')
  await Promise.all([b.hears('the end'), c.hears('the end')])
  await b.until('five messages', p => p.messages.length === 5)
  assert.deepEqual(new Set(await b.run(p => p.messages.map(m => m.message))), new Set(['', 0, false, null, 'the end']))
  assert.deepEqual(await c.run(p => p.messages.map(m => m.message)), ['the end'])
  assert.deepEqual(await a.run(p => p.messages.length), 0)
})

behavior('off(event) alone removes all listeners of that event, and the methods chain', async world => {
  await world.tracker()
  const a = await world.join('a', 'off')
  const result = await a.run(({ easypeers }) => {
    const calls = []
    const f = value => calls.push(`f${value}`)
    const g = value => calls.push(`g${value}`)
    const chained = easypeers.on('x', f) === easypeers && easypeers.once('x', g) === easypeers && easypeers.off('nobody') === easypeers
    easypeers.emit('x', 1)
    easypeers.emit('x', 2)
    easypeers.off('x')
    easypeers.emit('x', 3)
    easypeers.on('x', f).on('x', g).off('x', f)
    easypeers.emit('x', 4)
    easypeers.on('y', f)
    easypeers.removeAllListeners('x')
    easypeers.emit('x', 5)
    easypeers.emit('y', 6)
    easypeers.removeAllListeners()
    easypeers.emit('y', 7)
    return { chained, calls }
  })
  assert.deepEqual(result, { chained: true, calls: ['f1', 'g1', 'f2', 'g4', 'f6'] })
})
