// What may be set while the swarm runs.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'

import { behavior, oneMesh } from './harness.mjs'

behavior('setting the identifier leaves the old swarm and joins the new one', async world => {
  await world.tracker()
  const [a, b, c] = [await world.join('a', 'old'), await world.join('b', 'old'), await world.join('c', 'new')]
  await Promise.all([a.connectedTo(b.address), b.connectedTo(a.address)])
  const identifier = createHash('sha1').update('easypeers-new').digest('hex')
  await a.set('identifier', identifier)
  assert.equal(await a.get('identifier'), identifier)
  await b.disconnectedFrom(a.address)
  const address = await a.get('address')
  await Promise.all([a.connectedTo(c.address), c.connectedTo(address)])
  await a.send('hello, new swarm')
  await c.hears('hello, new swarm')
  assert.deepEqual(await b.heard(), {})
  assert.deepEqual(await refusals(a, 'identifier', ['', 'x', 7, null, 'A'.repeat(39)]), ['TypeError', 'TypeError', 'TypeError', 'TypeError', 'TypeError'])
  assert.equal(await a.get('identifier'), identifier)
})

behavior('setting the address rejoins under it, claimed and not proven', async world => {
  await world.tracker()
  const [a, b] = [await world.join('a', 'address'), await world.join('b', 'address')]
  await Promise.all([a.connectedTo(b.address), b.connectedTo(a.address)])
  await a.send('proven')
  await b.hears('proven')
  const claimed = '0123456789abcdef0123456789abcdef01234567'
  await a.set('address', claimed)
  assert.equal(await a.get('address'), claimed)
  await b.disconnectedFrom(a.address)
  await b.connectedTo(claimed)
  await a.send('claimed')
  await b.hears('claimed')
  const receipt = await b.run(async (p, to) => p.easypeers.send(to, 'to the claimed address', { claimed: true }), claimed)
  assert.equal(receipt.verified, false)
  await a.hears('to the claimed address')
  assert.deepEqual(await b.run(p => p.messages.map(m => [m.message, m.from, m.verified])), [['proven', a.address, true], ['claimed', claimed, false]])
  assert.deepEqual(await refusals(a, 'address', ['', 'x', 7, null]), ['TypeError', 'TypeError', 'TypeError', 'TypeError'])
})

behavior('an address given to the constructor is the address', async world => {
  await world.tracker()
  const claimed = 'abcdefabcdefabcdefabcdefabcdefabcdefabcd'
  const [a, b] = [await world.join('a', 'given', { address: claimed }), await world.join('b', 'given')]
  assert.equal(a.address, claimed)
  await b.connectedTo(claimed)
  await a.connectedTo(b.address)
})

behavior('lowering maxPeers sheds links and keeps the mesh whole; raising it takes more', async world => {
  await world.tracker()
  const peers = await world.crowd(5, 'maxPeers', { maxPeers: 4 })
  await Promise.all(peers.map(peer => peer.neighbors(4)))
  const [a] = peers
  await a.set('maxPeers', 2)
  assert.equal(await a.get('maxPeers'), 2)
  await a.until('two links', p => p.easypeers.wireCount === 2)
  await oneMesh(peers)
  await a.send('fewer')
  await Promise.all(peers.slice(1).map(peer => peer.hears('fewer')))
  await a.set('maxPeers', 4)
  await a.neighbors(3)
  await peers[4].send('more')
  await a.hears('more')
  assert.ok(await a.run(p => p.mostWires) <= 4)
  assert.deepEqual(await refusals(a, 'maxPeers', ['many', null, NaN]), ['TypeError', 'TypeError', 'TypeError'])
})

behavior('every coverage reaches everyone exactly once', async world => {
  await world.tracker()
  const peers = await world.crowd(5, 'coverage', { maxPeers: 4 })
  await Promise.all(peers.map(peer => peer.neighbors(2)))
  await oneMesh(peers)
  for (const coverage of [1, 0.5, 0.1]) {
    await Promise.all(peers.map(peer => peer.set('coverage', coverage)))
    assert.equal(await peers[0].get('coverage'), coverage)
    const began = performance.now()
    for (const peer of peers) for (let i = 0; i < 4; i++) await peer.send(`${coverage} ${peer.name} ${i}`)
    for (const me of peers) {
      const texts = peers.filter(p => p !== me).flatMap(p => [0, 1, 2, 3].map(i => `${coverage} ${p.name} ${i}`))
      await me.until(`all at coverage ${coverage}`, (p, texts) => texts.every(text => p.messages.some(m => m.message === text)), texts)
      const heard = await me.heard()
      assert.deepEqual(texts.filter(text => heard[text] !== 1), [])
    }
    world.measured(`20 broadcasts to all of 5 at coverage ${coverage}, ms`, performance.now() - began)
  }
  assert.deepEqual(await refusals(peers[0], 'coverage', [0, 1.1, -1]), ['RangeError', 'RangeError', 'RangeError'])
})

behavior('timeout is how often a peer announces again', async world => {
  // Two that are alone with a tracker, and have as much reason to announce.
  const alone = async name => {
    const tracker = await world.tracker()
    const peer = await world.join(name, 'timeout', { timeout: 600_000, trackers: [tracker.url] })
    await peer.until('the tracker', p => p.easypeers.trackers.some(t => t.state === 'ready'))
    return { tracker, peer, announces: () => tracker.heard.filter(m => m.action === 'announce').length }
  }
  const [often, seldom] = [await alone('often'), await alone('seldom')]
  assert.equal(await often.peer.get('timeout'), 600_000)
  await often.peer.set('timeout', 1_000)
  assert.equal(await often.peer.get('timeout'), 1_000)
  const [before, others] = [often.announces(), seldom.announces()]
  const began = performance.now()
  await often.tracker.hears(() => often.announces() === before + 5)
  world.measured('five announces at timeout 1,000, ms', performance.now() - began)
  world.measured('those at timeout 600,000 meanwhile', seldom.announces() - others)
  assert.ok(seldom.announces() - others < 5)
})

/** The classes of error that setting these values throws. */
function refusals(peer, property, values) {
  return peer.run((p, [property, values]) => values.map(value => {
    try {
      p.easypeers[property] = value
      return 'nothing thrown'
    } catch (error) {
      return error instanceof TypeError ? 'TypeError' : error instanceof RangeError ? 'RangeError' : String(error)
    }
  }), [property, values])
}
