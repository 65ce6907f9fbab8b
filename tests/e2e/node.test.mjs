// Pages and peers in Node in one swarm.

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'

import { behavior, bounded, PATIENCE } from './harness.mjs'
import { terminal } from '../node/peers.mjs'
import Easypeers from '../../pkg/node.mjs'

const MIB = 1 << 20

/** A peer in this process, closed after `play`. */
async function withPeer(world, topic, play) {
  const peer = new Easypeers(topic, { trackers: world.trackers.map(({ url }) => url), rtcConfig: { iceServers: [] } })
  try {
    await play(peer)
  } finally {
    peer.close()
  }
}

const next = (peer, event) => bounded(once(peer, event), `${event} in Node`)
const digest = bytes => createHash('sha256').update(bytes).digest('hex')
/** In a page: what the last message holds, if it is bytes. */
const lastDigest = async p => {
  const { message } = p.messages.at(-1)
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', message))
  return { type: message.constructor.name, hash: [...hash].map(byte => byte.toString(16).padStart(2, '0')).join('') }
}

for (const first of ['page', 'Node']) {
  behavior(`a page and a peer in Node talk both ways, the ${first} being there first`, async world => {
    await world.tracker()
    const early = first === 'page' ? await world.join('page', 'node') : undefined
    await withPeer(world, 'node', async node => {
      const linked = next(node, 'connect')
      const page = early ?? await world.join('page', 'node')
      assert.deepEqual(await linked, [page.address])
      await page.connectedTo(node.address)

      for (const to of [[], [node.address]]) {
        const heard = next(node, 'message')
        await page.send(...to, { from: 'the page', direct: to.length > 0 })
        const [{ message, from, verified }] = await heard
        assert.deepEqual([message, from, verified], [{ from: 'the page', direct: to.length > 0 }, page.address, true])
      }
      node.send('from Node to all')
      await page.hears('from Node to all')
      const receipt = await bounded(node.send(page.address, 'from Node to the page'), 'a receipt in Node')
      assert.equal(receipt.hops, 1)
      await page.hears('from Node to the page')

      // Large, both ways, broadcast and direct.
      for (const to of [[], [page.address]]) {
        const bytes = randomBytes(MIB)
        const count = await page.run(p => p.messages.length)
        await bounded(node.send(...to, bytes), '1 MiB from Node')
        await page.until('1 MiB', (p, count) => p.messages.length > count, count)
        assert.deepEqual(await page.run(lastDigest), { type: 'Uint8Array', hash: digest(bytes) })
      }
      for (const direct of [false, true]) {
        const heard = next(node, 'message')
        const sent = await page.run(async (p, [to, size]) => {
          const bytes = new Uint8Array(size)
          for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536))
          p.easypeers.send(...to, bytes)
          return [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))].map(byte => byte.toString(16).padStart(2, '0')).join('')
        }, [direct ? [node.address] : [], MIB])
        const [{ message }] = await heard
        assert.equal(digest(message), sent)
      }

      node.close()
      await page.disconnectedFrom(node.address)
    })
  })
}

behavior('three pages and three peers in Node are one swarm: everyone hears everyone once', async world => {
  await world.tracker()
  const options = { trackers: world.trackers.map(({ url }) => url), rtcConfig: { iceServers: [] } }
  const nodes = Array.from({ length: 3 }, () => new Easypeers('mixed', options))
  try {
    const heard = nodes.map(node => {
      const all = []
      node.on('message', ({ message }) => all.push(message))
      return all
    })
    const pages = await world.crowd(3, 'mixed')
    const full = node => new Promise(resolve => {
      const look = () => node.wireCount === 5 && resolve()
      node.on('connect', look)
      look()
    })
    await Promise.all([...pages.map(page => page.neighbors(5)), ...nodes.map(node => bounded(full(node), 'five neighbors in Node'))])
    const texts = [...nodes.map((_, i) => `node ${i}`), ...pages.map(page => page.name)]
    nodes.forEach((node, i) => node.send(`node ${i}`))
    for (const page of pages) await page.send(page.name)
    for (const [i, page] of pages.entries()) {
      const others = texts.filter(text => text !== page.name)
      await Promise.all(others.map(text => page.hears(text)))
      assert.deepEqual(await page.heard(), Object.fromEntries(others.map(text => [text, 1])), `page ${i}`)
    }
    for (const [i, node] of nodes.entries()) {
      while (heard[i].length < texts.length - 1) await next(node, 'message')
      assert.deepEqual([...heard[i]].sort(), texts.filter(text => text !== `node ${i}`).sort())
    }
  } finally {
    nodes.forEach(node => node.close())
  }
})

behavior('npm start: the chat in a browser and the terminal talk, and Ctrl-C ends all of it', async world => {
  const { shows, type, exit } = terminal(world.t, 'npm start', { columns: 160 })
  const [, url] = await shows(/Pages +(\S+)/)
  await shows(/Swarm lobby\./)
  const page = await world.page({ url: `${url}/chat.html` })
  await page.getByRole('status').filter({ hasText: '1 neighbor' }).waitFor({ timeout: PATIENCE })
  const me = await page.evaluate('easypeers.address')

  type('hello page\r')
  await page.getByRole('log').getByText('hello page', { exact: true }).waitFor({ timeout: PATIENCE })
  await page.getByRole('textbox', { name: 'Message' }).fill('hello terminal')
  await page.keyboard.press('Enter')
  await shows(/\d\d:\d\d [0-9a-f]{6} hello terminal/)
  // To the page alone: Tab completes its address.
  type(`/to ${me.slice(0, 4)}`)
  await shows(new RegExp(`/to ${me.slice(0, 4)}`))
  type('\t')
  await shows(new RegExp(`/to ${me}`))
  type('only for you\r')
  await page.getByRole('navigation', { name: 'Talk to' }).getByText('1 unread').waitFor({ state: 'attached', timeout: PATIENCE })
  await shows(new RegExp(`${me.slice(0, 6)} has it`))

  type('\x03')
  assert.equal(await bounded(exit, 'the end of npm start'), 0)
  await page.waitForFunction(() => easypeers.wireCount === 0, undefined, { timeout: PATIENCE })
})
