// One identity in several pages: the second tab, another machine, a reload, an instance that hot reload left behind.

import assert from 'node:assert/strict'

import { behavior, oneMesh } from './harness.mjs'

const IDENTITY = '7'.repeat(64)
const inUse = peer => peer.until('a warning that its address is in use', p => p.warnings.some(text => text.includes('ERR_ADDRESS_IN_USE')))

/** Instance `b` goes by an address of its own, `a` by that of the identity, and `third`, which was there before, never sees one come twice or go. */
async function agree(a, b, third) {
  await inUse(b)
  const own = await b.get('address')
  assert.notEqual(own, a.address)
  assert.equal(await a.get('address'), a.address)
  b.address = own
  await oneMesh([a, b, third])
  // One mesh is there with two links, too.
  await third.connectedTo(own)
  await b.send(a.address, 'to the first tab')
  await a.hears('to the first tab')
  await third.send(own, 'to the second tab')
  await b.hears('to the second tab')
  assert.deepEqual(await third.run(p => [p.connects.slice().sort(), p.disconnects]), [[a.address, own].sort(), []], 'nothing flaps')
}

behavior('the second tab of an identity goes by an address of its own, and takes the wanted one when the first tab closes', async world => {
  await world.tracker()
  const third = await world.join('third', 'tabs')
  const page = await world.page()
  const a = await world.join('a', 'tabs', { identity: IDENTITY }, page)
  await a.connectedTo(third.address)
  const b = await world.join('b', 'tabs', { identity: IDENTITY }, await world.page({ beside: page }))
  assert.equal(b.address, a.address, 'it is what was wanted')
  await b.run(p => p.easypeers.on('address', address => { p.became = address }))
  await agree(a, b, third)
  await page.close()
  await b.until('its address', (p, wanted) => p.easypeers.address === wanted && p.became === wanted, a.address)
  b.address = a.address
  await oneMesh([b, third])
})

behavior('what the second tab says before it has an address arrives', async world => {
  await world.tracker()
  const third = await world.join('third', 'early')
  const page = await world.page()
  const a = await world.join('a', 'early', { identity: IDENTITY }, page)
  await a.connectedTo(third.address)
  const b = await world.join('b', 'early', { identity: IDENTITY }, await world.page({ beside: page }))
  const named = await b.run(async (p, to) => {
    const [one, all] = [p.easypeers.send(to, 'to one'), p.easypeers.send('to all')]
    const receipt = await one
    await all
    return receipt.id === one.id
  }, third.address)
  assert.ok(named, 'the receipt has the name that the delivery has by then')
  for (const text of ['to one', 'to all']) await third.hears(text)
  assert.deepEqual(await third.heard(), { 'to one': 1, 'to all': 1 })
})

behavior('pages of one identity on two machines agree by the mesh, and the second takes the address when the first is gone', async world => {
  await world.tracker()
  const third = await world.join('third', 'machines')
  const a = await world.join('a', 'machines', { identity: IDENTITY })
  await a.connectedTo(third.address)
  // Of two that come within half a second either may stay (TOGETHER, src/proto/holding.rs): nothing else tells when that is over.
  await a.run(p => new Promise(resolve => probe.native.setTimeout(resolve, 600 - (performance.now() - p.made))))
  // A context of its own shares no locks and no channel with others.
  const b = await world.join('b', 'machines', { identity: IDENTITY })
  await agree(a, b, third)
  // Nothing but the mesh tells that the first one is gone.
  await a.page.close()
  await b.until('its address', (p, wanted) => p.easypeers.address === wanted, a.address)
  b.address = a.address
  await oneMesh([b, third])
})

behavior('two pages of one identity meet though nobody else is there', async world => {
  await world.tracker()
  const a = await world.join('a', 'alone', { identity: IDENTITY })
  const b = await world.join('b', 'alone', { identity: IDENTITY })
  const told = await Promise.race([a, b].map(async peer => { await inUse(peer); return peer }))
  told.address = await told.get('address')
  assert.notEqual(a.address, b.address)
  await oneMesh([a, b])
})

behavior('a reload has its own address again, and so has the tenth', async world => {
  await world.tracker()
  const third = await world.join('third', 'reload')
  const page = await world.page()
  let a = await world.join('a', 'reload', { identity: IDENTITY }, page)
  await third.connectedTo(a.address)
  for (let turn = 1; turn <= 10; turn++) {
    await page.reload()
    a = await world.join('a', 'reload', { identity: IDENTITY }, page)
    await a.connectedTo(third.address)
    assert.deepEqual(await a.run(p => p.warnings.filter(text => text.includes('ERR_ADDRESS_IN_USE'))), [], `reload ${turn}`)
  }
  assert.equal(await a.get('address'), a.address)
  await third.until('ten goodbyes', p => p.disconnects.length === 10)
  assert.deepEqual(await third.run(p => new Set(p.connects).size), 1)
})

behavior('an instance that hot reload leaves behind keeps the address of its successor until it is closed', async world => {
  await world.tracker()
  const third = await world.join('third', 'hot')
  const page = await world.page()
  const a = await world.join('a', 'hot', { identity: IDENTITY }, page)
  await a.connectedTo(third.address)
  const b = await world.join('b', 'hot', { identity: IDENTITY }, page)
  await agree(a, b, third)
  await a.run(p => p.easypeers.close())
  await b.until('its address', (p, wanted) => p.easypeers.address === wanted, a.address)
})
