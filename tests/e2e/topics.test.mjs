// A topic is a swarm; two topics never meet, whatever tracker they share.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'

import { behavior } from './harness.mjs'

const sha1 = text => createHash('sha1').update(text).digest('hex')

behavior('two topics on one tracker never hear each other', async world => {
  await world.tracker()
  const red = [await world.join('red1', 'red'), await world.join('red2', 'red')]
  const blue = [await world.join('blue1', 'blue'), await world.join('blue2', 'blue')]
  await Promise.all([...red, ...blue].map(peer => peer.neighbors()))
  await red[0].send('from red')
  await blue[0].send('from blue')
  await red[1].hears('from red')
  await blue[1].hears('from blue')
  // A direct message across topics has nowhere to go.
  const failure = await red[0].run((p, address) => p.easypeers.send(address, 'across').then(() => 'delivered', error => error.code), blue[0].address)
  assert.match(failure, /^ERR_(UNREACHABLE|TIMEOUT)$/)
  for (const [peers, text] of [[red, 'from red'], [blue, 'from blue']]) {
    assert.deepEqual(await peers[0].heard(), {})
    assert.deepEqual(await peers[1].heard(), { [text]: 1 })
    assert.equal(await peers[0].get('wireCount'), 1)
  }
})

behavior('a missing topic is a TypeError, and the identifier is SHA-1 of "easypeers-" and the topic', async world => {
  await world.tracker()
  const page = await world.page()
  const thrown = await page.evaluate(() => {
    const attempts = {
      nothing: () => new Easypeers(), empty: () => new Easypeers(''), number: () => new Easypeers(7), null: () => new Easypeers(null),
      'options without identifier': () => new Easypeers({ maxPeers: 3 }), 'empty identifier': () => new Easypeers({ identifier: '' }),
      'maxPeers of no number': () => new Easypeers('t', { maxPeers: 'many', trackers: [] }),
      'an empty tracker': () => new Easypeers('t', { trackers: [''] }),
      'coverage 0': () => new Easypeers('t', { coverage: 0, trackers: [] }), 'coverage 2': () => new Easypeers('t', { coverage: 2, trackers: [] }),
    }
    return Object.fromEntries(Object.entries(attempts).map(([name, attempt]) => {
      try {
        attempt().close()
        return [name, 'nothing thrown']
      } catch (error) {
        return [name, error instanceof TypeError ? 'TypeError' : error instanceof RangeError ? 'RangeError' : String(error)]
      }
    }))
  })
  assert.deepEqual(thrown, {
    nothing: 'TypeError', empty: 'TypeError', number: 'TypeError', null: 'TypeError',
    'options without identifier': 'TypeError', 'empty identifier': 'TypeError',
    'maxPeers of no number': 'TypeError', 'an empty tracker': 'TypeError', 'coverage 0': 'RangeError', 'coverage 2': 'RangeError',
  })
  for (const topic of ['Some unique topic', 'ü🎉', '`back-ticks`']) {
    const found = await page.evaluate(topic => {
      const easypeers = new Easypeers(topic, { trackers: [] })
      const byOption = new Easypeers({ identifier: topic, trackers: [] })
      const identifiers = [easypeers.identifier, byOption.identifier, easypeers.address, easypeers.maxPeers, easypeers.coverage, easypeers.wireCount]
      easypeers.close()
      byOption.close()
      return identifiers
    }, topic)
    assert.match(found[2], /^[0-9a-f]{40}$/)
    assert.deepEqual([found[0], found[1], ...found.slice(3)], [sha1(`easypeers-${topic}`), sha1(`easypeers-${topic}`), 6, 0.33, 0])
  }
  assert.equal(await page.evaluate(() => {
    const easypeers = new Easypeers('t', { maxPeers: 1, trackers: [] })
    const { maxPeers } = easypeers
    easypeers.close()
    return maxPeers
  }), 2, 'maxPeers below 2 is raised to 2')
})
