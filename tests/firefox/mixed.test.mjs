// Firefox and Chromium in one swarm.

import assert from 'node:assert/strict'

import { oneMesh } from '../e2e/harness.mjs'
import { behavior } from './harness.mjs'

behavior('pages in Firefox and in Chromium are one swarm and hear each other, everyone once, whoever joined first', async world => {
  await world.tracker()
  const peers = []
  for (const [name, chromium] of [['fox', false], ['chrome', true], ['second fox', false], ['second chrome', true]]) {
    peers.push(await world.join(name, 'mixed', {}, await world.page({ chromium })))
    if (peers.length > 1) await oneMesh(peers)
  }
  for (const peer of peers) await peer.send(`from ${peer.name}`)
  for (const peer of peers) {
    const others = peers.filter(other => other !== peer)
    for (const { name } of others) await peer.hears(`from ${name}`)
    for (const { name, address } of others) {
      const hops = await peer.run(async (p, [to, text]) => (await p.easypeers.send(to, text)).hops, [address, `to ${name}, from ${peer.name}`])
      assert.ok(hops >= 1)
    }
  }
  for (const peer of peers) {
    const others = peers.filter(other => other !== peer)
    const once = others.flatMap(({ name }) => [`from ${name}`, `to ${peer.name}, from ${name}`])
    assert.deepEqual(await peer.heard(), Object.fromEntries(once.map(text => [text, 1])))
  }
})

behavior('a structure and a megabyte are the same in either browser, each way', async world => {
  await world.tracker()
  const fox = await world.join('fox', 'values')
  const chrome = await world.join('chrome', 'values', {}, await world.page({ chromium: true }))
  await Promise.all([fox.connectedTo(chrome.address), chrome.connectedTo(fox.address)])
  for (const [from, to] of [[fox, chrome], [chrome, fox]]) {
    const began = performance.now()
    await from.run((p, to) => {
      const bytes = new Uint8Array(1_048_576).map((_, i) => i % 251)
      const value = { map: new Map([[1n, new Set([bytes, -0])]]), at: new Date(5), nothing: undefined }
      p.easypeers.send(value)
      p.easypeers.send(to, value)
    }, to.address)
    await to.until('both', p => p.messages.length === 2)
    world.measured(`two megabytes from ${from.name}, ms`, performance.now() - began)
    const got = await to.run(p => p.messages.map(({ message: { map, at, ...rest } }) => {
      const [[key, set]] = map
      const [bytes, zero] = set
      return [
        typeof key, String(key), bytes.constructor.name, bytes.length, bytes.every((byte, i) => byte === i % 251), Object.is(zero, -0),
        at.getTime(), 'nothing' in rest && rest.nothing === undefined,
      ]
    }))
    const expected = ['bigint', '1', 'Uint8Array', 1_048_576, true, false, 5, true]
    assert.deepEqual(got, [expected, expected])
  }
})

behavior('what is asked, said in a channel and said of oneself passes from either browser to the other', async world => {
  await world.tracker()
  const fox = await world.join('fox', 'features')
  const chrome = await world.join('chrome', 'features', {}, await world.page({ chromium: true }))
  await Promise.all([fox.connectedTo(chrome.address), chrome.connectedTo(fox.address)])
  for (const page of [fox, chrome]) {
    await page.run(({ easypeers }, name) => {
      globalThis.room = easypeers.channel('room')
      globalThis.said = new Promise(resolve => globalThis.room.once('message', ({ message }) => resolve(message)))
      easypeers.on('request', ({ message }, respond) => message ? respond([name, message]) : respond(new RangeError('nothing asked')))
      easypeers.presence = { name }
    }, page.name)
  }
  for (const [from, to] of [[fox, chrome], [chrome, fox]]) {
    assert.deepEqual(await from.run(({ easypeers }, to) => easypeers.request(to, 'who?'), to.address), [to.name, 'who?'])
    const refused = await from.run(({ easypeers }, to) => easypeers.request(to, 0).catch(({ code, cause }) => [code, cause.name, cause.message]), to.address)
    assert.deepEqual(refused, ['ERR_REFUSED', 'RangeError', 'nothing asked'])
    await from.run((_, name) => { globalThis.room.send(`from ${name}`) }, from.name)
    assert.equal(await to.run(() => globalThis.said), `from ${from.name}`)
    await to.until('a presence', ({ easypeers }, [of, name]) => easypeers.presences[of]?.name === name, [from.address, from.name])
  }
})

behavior('a private swarm is one in both browsers, and a stranger in either has no part in it', async world => {
  await world.tracker()
  const secret = 'correct horse'
  const members = [
    await world.join('fox', 'private', { secret }),
    await world.join('chrome', 'private', { secret }, await world.page({ chromium: true })),
  ]
  const strangers = [
    await world.join('strange fox', 'private', { secret: 'battery staple' }),
    await world.join('strange chrome', 'private', { secret: 'battery staple' }, await world.page({ chromium: true })),
  ]
  await Promise.all([oneMesh(members), oneMesh(strangers)])
  await members[0].send('among us')
  await members[1].hears('among us')
  await strangers[1].send('among strangers')
  await strangers[0].hears('among strangers')
  for (const peers of [members, strangers]) {
    assert.deepEqual(await Promise.all(peers.map(peer => peer.get('wireCount'))), [1, 1])
  }
})

behavior('a page in one browser that is reloaded is missed and met again in the other', async world => {
  const { url } = await world.tracker()
  world.site.pages.set('/peer', `<!doctype html><title>peer</title><script src="/pkg/easypeers.dist.js"></script>
<script>probe.join('page', 'reloads', { trackers: [${JSON.stringify(url)}], identity: '7'.repeat(64) })</script>`)
  for (const chromium of [false, true]) {
    const page = await world.page({ path: '/peer', chromium })
    const address = await page.evaluate(() => probe.peers.page.easypeers.address)
    const other = await world.join(chromium ? 'fox' : 'chrome', 'reloads', {}, await world.page({ chromium: !chromium }))
    await other.connectedTo(address)
    await page.reload()
    await other.until('that it is met again', (p, address) => p.connects.filter(met => met === address).length === 2, address)
    assert.deepEqual(await other.run(p => [p.disconnects.length, probe.goodbyes]), [1, 1], 'it said goodbye')
    await Promise.all([page, other.page].map(page => page.close()))
  }
})

// Either browser tells what its transport hears, and acknowledges what it gets while its page does nothing.
behavior('a page in either browser that is blocked for seven seconds loses no neighbor in the other', async world => {
  await world.tracker()
  const fox = await world.join('fox', 'blocked')
  const chrome = await world.join('chrome', 'blocked', {}, await world.page({ chromium: true }))
  await Promise.all([fox.connectedTo(chrome.address), chrome.connectedTo(fox.address)])
  for (const [blocked, other] of [[fox, chrome], [chrome, fox]]) {
    const over = blocked.block(7_000)
    await other.send(`to ${blocked.name}`)
    await over
    await blocked.hears(`to ${blocked.name}`)
    for (const peer of [fox, chrome]) assert.deepEqual(await peer.run(p => p.disconnects), [])
  }
})
