// Whatever happens on the way, all documents are equal in the end.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertEqual, closeAll, crowd, edit, Network, open, pass } from './network.mjs'

/** After that long without a change everything that was lost has been found, in milliseconds of virtual time. */
const LONG_ENOUGH = 180_000
const SEEDS = [1, 2, 3, 4, 5]

for (const seed of SEEDS) {
  test(`documents are equal after random changes, seed ${seed}`, async () => {
    const network = new Network(seed)
    const all = await crowd(network, 8)
    for (let i = 0; i < 300; i++) {
      edit(network.random.pick(all).doc, network.random)
      if (i % 5 === 0) await pass(20)
    }
    await pass(1_000)
    assertEqual(all.map(({ doc }) => doc), seed)
    assert.ok(all.every(({ provider }) => provider.synced && !provider.alone))
    closeAll(all)
  })

  test(`documents are equal though a third of all messages is lost, seed ${seed}`, async () => {
    const network = new Network(seed)
    network.loses = () => network.random() < 0.33
    const all = await crowd(network, 8)
    for (let i = 0; i < 200; i++) {
      edit(network.random.pick(all).doc, network.random)
      if (i % 3 === 0) await pass(40)
    }
    network.loses = () => false
    await pass(LONG_ENOUGH)
    assertEqual(all.map(({ doc }) => doc), seed)
    closeAll(all)
  })

  test(`documents are equal after parts of a swarm were apart, seed ${seed}`, async () => {
    const network = new Network(seed)
    const all = await crowd(network, 10)
    const cut = [...network.links]
    const part = new Set(all.slice(0, 5).map(({ easypeers }) => easypeers.address))
    for (const link of cut) {
      const [a, b] = link.split(',')
      if (part.has(a) !== part.has(b)) network.unlink(network.peers.get(a), network.peers.get(b))
    }
    for (let i = 0; i < 100; i++) {
      edit(network.random.pick(all).doc, network.random)
      if (i % 3 === 0) await pass(40)
    }
    await pass(60_000)
    assert.throws(() => assertEqual(all.map(({ doc }) => doc)), 'they were apart')
    // One link is enough: from there it spreads over the others.
    network.link(all[0].easypeers, all[9].easypeers)
    await pass(10_000)
    assertEqual(all.map(({ doc }) => doc), seed)
    closeAll(all)
  })

  test(`documents are equal while peers come and go and crash, seed ${seed}`, async () => {
    const network = new Network(seed)
    let all = await crowd(network, 8)
    const { random } = network
    for (let i = 0; i < 200; i++) {
      edit(random.pick(all).doc, random)
      if (i % 10 === 0) {
        const gone = all.splice(random.below(all.length), 1)[0]
        if (i % 20 === 0) network.crash(gone.easypeers)
        else gone.doc.destroy()
        if (i % 20 !== 0) gone.easypeers.close()
        const newcomer = open(network)
        for (let links = 0; links < 3; links++) network.link(newcomer.easypeers, random.pick(all).easypeers)
        all.push(newcomer)
      }
      await pass(40)
    }
    network.mesh(all.map(({ easypeers }) => easypeers))
    await pass(LONG_ENOUGH)
    assertEqual(all.map(({ doc }) => doc), seed, { gaps: true })
    closeAll(all)
  })
}
