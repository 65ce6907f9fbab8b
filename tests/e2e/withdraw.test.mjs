// A message that the page takes back, or gives no more time.

import assert from 'node:assert/strict'

import { behavior } from './harness.mjs'

behavior('what is withdrawn, or held too long, while a page is alone never arrives; the rest does, in order', async world => {
  await world.tracker()
  const a = await world.join('a', 'withdraw')
  await a.run(p => {
    const { easypeers } = p
    const controller = new AbortController()
    const code = delivery => delivery.then(() => 'delivered', error => [error instanceof easypeers.constructor.DeliveryError, error.code])
    p.sent = {
      first: code(easypeers.send(null, 'first', {})),
      aborted: code(easypeers.send(null, 'aborted', { signal: controller.signal })),
      late: code(easypeers.send(null, 'late', { timeout: 1 })),
      already: code(easypeers.send(null, 'already', { signal: AbortSignal.abort() })),
      patient: code(easypeers.send(null, 'patient', { signal: new AbortController().signal, timeout: 600_000 })),
    }
    p.id = easypeers.send(null, 'already', { signal: AbortSignal.abort() }).id
    controller.abort()
  })
  assert.match(await a.run(p => p.id), /^[0-9a-f]{40}$/)
  assert.deepEqual(await a.run(p => p.sent.aborted), [true, 'ERR_ABORTED'])
  assert.deepEqual(await a.run(p => p.sent.already), [true, 'ERR_ABORTED'])
  assert.deepEqual(await a.run(p => p.sent.late), [true, 'ERR_TIMEOUT'])
  const b = await world.join('b', 'withdraw')
  await b.hears('patient')
  assert.deepEqual(await b.run(p => p.messages.map(m => m.message)), ['first', 'patient'])
  assert.deepEqual(await a.run(async p => [await p.sent.first, await p.sent.patient]), ['delivered', 'delivered'])
})

behavior('a direct message to nobody is given up when its signal or its time says so', async world => {
  await world.tracker()
  const [a, b] = [await world.join('a', 'direct'), await world.join('b', 'direct')]
  await Promise.all([a.neighbors(), b.neighbors()])
  const codes = await a.run(async ({ easypeers }) => {
    const nobody = 'ab'.repeat(20)
    const code = delivery => delivery.then(() => 'delivered', error => error.code)
    const controller = new AbortController()
    const sent = [easypeers.send(nobody, 'a', { signal: controller.signal }), easypeers.send(nobody, 'b', { timeout: 50 })].map(code)
    controller.abort()
    controller.abort()
    return Promise.all(sent)
  })
  assert.deepEqual(codes, ['ERR_ABORTED', 'ERR_TIMEOUT'])
  const { hops } = await a.run((p, to) => p.easypeers.send(to, 'in time', { timeout: 60_000, signal: new AbortController().signal }), b.address)
  assert.equal(hops, 1)
})

behavior('what is no option of send is refused, and an address that was not found is never everybody', async world => {
  await world.tracker()
  const a = await world.join('a', 'refused')
  const refused = await a.run(({ easypeers }) => {
    const tried = [
      [null, 'x', { signal: 5 }], [null, 'x', { signal: {} }], [null, 'x', { signal: new AbortController() }], [null, 'x', { timeout: '5' }],
      [null, 'x', { timeout: NaN }], [null, 'x', { timeout: 0 }], [null, 'x', { timeout: -1 }], [null, 'x', 7], [null, 'x', []],
      [null, 'x'], [null, 'x', null], [undefined, 'x'], [undefined, 'x', {}], ['', 'x', {}], ['nobody', 'x', {}],
    ]
    return tried.map(args => {
      try {
        return String(easypeers.send(...args).id)
      } catch (error) {
        return error.name
      }
    })
  })
  const [TYPE, RANGE] = ['TypeError', 'RangeError']
  assert.deepEqual(refused, [TYPE, TYPE, TYPE, TYPE, TYPE, RANGE, RANGE, TYPE, TYPE, TYPE, TYPE, TYPE, TYPE, TYPE, TYPE])
  assert.equal(await a.run(p => p.easypeers.stats().sent), 0)
})
