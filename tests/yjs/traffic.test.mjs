// How much is said: counted in virtual time, so that it is the same on every machine.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertEqual, closeAll, crowd, edit, Network, open, pass } from './network.mjs'

const PAGES = 32

test('a page types, and 32 pages cost little more than one message for each of the others', async () => {
  const network = new Network()
  const all = await crowd(network, PAGES)
  await pass(60_000)
  network.received = { broadcast: 0, direct: 0, bytes: 0 }
  const KEYS = 300
  for (let i = 0; i < KEYS; i++) {
    all[0].text.insert(i, 'x')
    await pass(200)
  }
  const { broadcast, direct } = network.received
  assert.equal(broadcast, KEYS * (PAGES - 1))
  assert.ok((broadcast + direct) / KEYS / PAGES <= 1.05, `${(broadcast + direct) / KEYS / PAGES} for each page and key`)
  closeAll(all)
})

test('all type at once, and each change still costs no more', async () => {
  const network = new Network()
  const all = await crowd(network, PAGES)
  network.received = { broadcast: 0, direct: 0, bytes: 0 }
  const ROUNDS = 30
  for (let i = 0; i < ROUNDS; i++) {
    for (const { text } of all) text.insert(0, 'x')
    await pass(200)
  }
  const { broadcast, direct } = network.received
  assert.equal(broadcast, ROUNDS * PAGES * (PAGES - 1))
  assert.ok(direct < broadcast / 100, `${direct} direct messages beside ${broadcast}`)
  closeAll(all)
})

test('many change everything at once, messages overtake each other, and hardly anything is asked for', async () => {
  const network = new Network()
  network.latency = () => 10 + network.random.below(300)
  const all = await crowd(network, 16)
  network.received = { broadcast: 0, direct: 0, bytes: 0 }
  for (let i = 0; i < 400; i++) {
    edit(network.random.pick(all).doc, network.random)
    // Somebody comes who asks, and tells what is new.
    if (i === 200) {
      const newcomer = open(network)
      for (const { easypeers } of all.slice(0, 3)) network.link(easypeers, newcomer.easypeers)
      all.push(newcomer)
    }
    await pass(20)
  }
  const { broadcast, direct } = network.received
  assert.ok(direct < broadcast / 50, `${direct} direct messages beside ${broadcast}`)
  await pass(10_000)
  assertEqual(all.map(({ doc }) => doc))
  closeAll(all)
})

test('where nothing happens nothing is said: less than a message a minute and page', async () => {
  const network = new Network()
  const all = await crowd(network, PAGES)
  all[0].text.insert(0, 'the last word')
  await pass(60_000)
  const began = network.log.length
  await pass(600_000)
  const each = (network.log.length - began) / 10 / PAGES
  assert.ok(each < 1, `${each} messages a minute and page`)
  closeAll(all)
})
