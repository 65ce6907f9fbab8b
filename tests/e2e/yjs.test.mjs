// Documents of Yjs in pages: easypeers/yjs as it is in pkg/. What is said, and how much, is tested in tests/yjs, in virtual time.

import assert from 'node:assert/strict'

import { behavior, Peer } from './harness.mjs'
import { allEqual, bundle, openDocument, sidePage, synced } from './documents.mjs'

const ids = peer => peer.run(p => [...p.awareness.states.keys()].sort((a, b) => a - b))
const has = (peer, text) => peer.until(`the text ${text}`, (p, text) => p.text.toString() === text, text)
const people = (peer, count) => peer.until(`${count} people`, (p, count) => p.awareness.states.size === count, count)

behavior('three pages write one document, and see each other’s names', async world => {
  await world.tracker()
  const peers = [await openDocument(world, 'a', 'three'), await openDocument(world, 'b', 'three'), await openDocument(world, 'c', 'three')]
  await Promise.all(peers.map(synced))
  for (const [i, peer] of peers.entries()) {
    await peer.run((p, i) => {
      p.awareness.setLocalStateField('name', `writer ${i}`)
      for (let n = 0; n < 20; n++) side.edit(p.doc, side.seeded(i * 100 + n))
    }, i)
  }
  await allEqual(peers)
  for (const peer of peers) {
    await peer.until('three names', p => new Set([...p.awareness.states.values()].map(({ name }) => name).filter(Boolean)).size === 3)
    assert.ok((await peer.run(p => p.events)).some(([event, { added }]) => event === 'peers' && added.length === 1))
  }
})

behavior('a page that is alone is synced and says so, and who comes later has all of it', async world => {
  await world.tracker()
  const a = await openDocument(world, 'a', 'alone')
  await a.run(p => { p.text.insert(0, 'written alone') })
  await synced(a)
  assert.deepEqual(await a.run(p => p.events.filter(([event]) => event === 'synced')), [['synced', { synced: true, alone: true }]])
  const b = await openDocument(world, 'b', 'alone')
  await has(b, 'written alone')
  await synced(b)
  await a.until('not alone', p => !p.provider.alone)
  assert.equal(await b.run(async p => { await p.doc.whenSynced; return p.provider.alone }), false)
})

behavior('a page that is closed is gone for the others at once, and so is one that is left', async world => {
  await world.tracker()
  const a = await openDocument(world, 'a', 'leaving')
  const b = await openDocument(world, 'b', 'leaving')
  const c = await openDocument(world, 'c', 'leaving')
  await Promise.all([a, b, c].map(peer => people(peer, 3)))
  // What is written in the last turn still gets out.
  await b.page.evaluate(() => addEventListener('pagehide', () => probe.peers.b.text.insert(0, 'last words')))
  await b.page.close({ runBeforeUnload: true })
  await Promise.all([people(a, 2), people(c, 2), has(a, 'last words'), has(c, 'last words')])
  await c.page.goto('about:blank')
  await people(a, 1)
})

behavior('a page that crashes is gone for its neighbors when its link is', async world => {
  await world.tracker()
  const a = await openDocument(world, 'a', 'crash')
  const b = await openDocument(world, 'b', 'crash')
  await Promise.all([a, b].map(peer => people(peer, 2)))
  const session = await b.page.context().newCDPSession(b.page)
  session.send('Page.crash').catch(() => {})
  await a.disconnectedFrom(b.address)
  const left = performance.now()
  await people(a, 1)
  world.measured('from the end of the link to the end of its cursor, ms', performance.now() - left)
})

behavior('what one page wrote is there for who knows the secret, and for nobody else', async world => {
  await world.tracker()
  const a = await openDocument(world, 'a', 'private', { secret: 'correct horse' })
  const b = await openDocument(world, 'b', 'private', { secret: 'correct horse' })
  const stranger = await openDocument(world, 'stranger', 'private', { secret: 'another' })
  await a.run(p => { p.text.insert(0, 'ours') })
  await has(b, 'ours')
  await stranger.until('alone', p => p.provider.alone)
  assert.deepEqual(await stranger.run(p => [p.text.toString(), p.awareness.states.size]), ['', 1])
})

behavior('a document that is also kept on the disk is the same after a reload, alone and among others', async world => {
  const { url } = await world.tracker()
  const open = async peer => {
    await peer.page.evaluate(async ([name, url]) => {
      const doc = new side.Y.Doc()
      const kept = new side.IndexeddbPersistence('kept', doc)
      const provider = new side.EasypeersProvider('disk', doc, { trackers: [url] })
      await kept.whenSynced
      side.watch(name, provider).kept = kept
    }, [peer.name, url])
    return peer
  }
  const page = await sidePage(world)
  const a = await open(new Peer(world, page, 'a'))
  await a.run(async p => {
    p.text.insert(0, 'kept')
    await new Promise(resolve => { p.kept.db.transaction('updates').oncomplete = resolve })
  })
  await page.reload()
  const again = await sidePage(world, { beside: page })
  const b = await open(new Peer(world, again, 'b'))
  await has(b, 'kept')
  const c = await openDocument(world, 'c', 'disk')
  await has(c, 'kept')
  await c.run(p => { p.text.insert(4, ' and shared') })
  await has(b, 'kept and shared')
})

behavior('two documents and a chat share one instance', async world => {
  const { url } = await world.tracker()
  const pages = [await sidePage(world), await sidePage(world)]
  for (const [i, page] of pages.entries()) {
    await page.evaluate(([i, url]) => {
      const easypeers = window.shared = new Easypeers('shared', { trackers: [url] })
      for (const room of ['one', 'two']) side.watch(`${room}${i}`, new side.EasypeersProvider(room, new side.Y.Doc(), { easypeers }))
    }, [i, url])
  }
  const [one0, two0, one1, two1] = [['one0', 0], ['two0', 0], ['one1', 1], ['two1', 1]].map(([name, i]) => new Peer(world, pages[i], name))
  await one0.run(p => { p.text.insert(0, 'first') })
  await two1.run(p => { p.text.insert(0, 'second') })
  await one0.run(() => { shared.send('a word') })
  await Promise.all([has(one1, 'first'), has(two0, 'second'), one1.hears('a word')])
  assert.deepEqual(await one1.heard(), { 'a word': 1 }, 'and nothing of the rooms')
  await one0.run(p => p.provider.destroy())
  await people(one1, 1)
  assert.equal(await one0.run(() => shared.closed), false)
  await two0.run(p => { p.text.insert(6, ' still') })
  await has(two1, 'second still')
})

behavior('a large document comes in pieces, whole, and the page has its turns meanwhile', async world => {
  await world.tracker()
  const a = await openDocument(world, 'a', 'large')
  await a.run(p => { p.doc.getMap('map').set('file', new Uint8Array(8_000_000).map((_, i) => i * 7919)) })
  await synced(a)
  const page = await sidePage(world)
  await page.evaluate(() => {
    window.longest = 0
    new PerformanceObserver(list => { for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration) }).observe({ type: 'longtask' })
  })
  const began = performance.now()
  const b = await openDocument(world, 'b', 'large', {}, page)
  await b.until('the file', p => p.doc.getMap('map').has('file'))
  world.measured('8 MB at a newcomer after, ms', performance.now() - began)
  world.measured('its longest task, ms (0: none of 50 or more)', await page.evaluate(() => window.longest))
  assert.ok(await b.run(p => p.doc.getMap('map').get('file').every((byte, i) => byte === (i * 7919) % 256)))
  assert.ok(await b.run(p => p.provider.stats().received) > 100, 'it came in pieces')
})

behavior('what strangers in the room send that means nothing is counted, and the page hears of none of it', async world => {
  await world.tracker()
  const a = await openDocument(world, 'a', 'nonsense')
  const b = await world.join('b', 'nonsense')
  await Promise.all([a.neighbors(), b.neighbors()])
  await b.run(({ easypeers }) => {
    const room = [8, ...new TextEncoder().encode('nonsense')]
    const channel = easypeers.channel('yjs:1')
    for (let i = 0; i < 300; i++) channel.send(Uint8Array.from([...room, i % 8, ...crypto.getRandomValues(new Uint8Array(i % 60))]))
    easypeers.send('the end')
  })
  await a.hears('the end')
  assert.ok(await a.run(p => Object.values(p.provider.stats().dropped).reduce((x, y) => x + y, 0)) > 50)
  await a.run(p => { p.text.insert(0, 'unharmed') })
  const c = await openDocument(world, 'c', 'nonsense')
  await c.until('the text', p => p.text.toString().includes('unharmed'))
})

/** A component that shows the text of a document for as long as it is there, with a cursor in it. */
const COMPONENTS = {
  // StrictMode makes two each time, of which the first goes at once.
  'React, in StrictMode': {
    each: 2,
    script: `
      import { createElement, StrictMode, useEffect, useState } from 'react'
      import { createRoot } from 'react-dom/client'
      function Editor () {
        const [text, setText] = useState('')
        useEffect(() => {
          const provider = made()
          const show = () => setText(doc.getText('text').toString())
          doc.on('update', show)
          show()
          return () => {
            doc.off('update', show)
            provider.destroy()
          }
        }, [])
        return createElement('output', null, text)
      }
      let root
      window.mount = () => {
        root = createRoot(document.body)
        root.render(createElement(StrictMode, null, createElement(Editor)))
      }
      window.unmount = () => root.unmount()`,
  },
  'Vue 3': {
    each: 1,
    script: `
      import { createApp, h, onBeforeUnmount, onMounted, ref } from 'vue'
      const Editor = {
        setup () {
          const text = ref('')
          let provider
          const show = () => { text.value = doc.getText('text').toString() }
          onMounted(() => {
            provider = made()
            doc.on('update', show)
            show()
          })
          onBeforeUnmount(() => {
            doc.off('update', show)
            provider.destroy()
          })
          return () => h('output', text.value)
        },
      }
      let app
      window.mount = () => {
        app = createApp(Editor)
        app.mount(document.body)
      }
      window.unmount = () => app.unmount()`,
  },
}

/** What the components share: the document of the page, and a provider for it, of which nobody here knows whether it is still there. */
const SHARED = `
  import * as Y from 'yjs'
  import { EasypeersProvider } from 'easypeers/yjs'
  const doc = new Y.Doc()
  const providers = []
  window.made = () => {
    const provider = new EasypeersProvider('component', doc, { trackers: [window.tracker] })
    provider.awareness.setLocalStateField('cursor', providers.length)
    providers.push(new WeakRef(provider))
    return provider
  }
  window.count = () => ({
    made: providers.length,
    kept: providers.filter(provider => provider.deref()).length,
    listeners: [...doc._observers.values()].reduce((sum, { size }) => sum + size, 0),
  })`

for (const [name, { each, script }] of Object.entries(COMPONENTS)) {
  behavior(`${name}: a component that is mounted twenty times has the document each time, and leaves nothing, and no cursor`, async world => {
    const { url } = await world.tracker()
    const a = await openDocument(world, 'a', 'component')
    world.site.pages.set('/app', '<!doctype html><title>app</title><body><script src="/pkg/easypeers.dist.js"></script>')
    const page = await world.page({ path: '/app' })
    await page.evaluate(url => { window.tracker = url }, url)
    await page.addScriptTag({ content: await bundle(SHARED + script, {
      define: { 'process.env.NODE_ENV': '"development"', __VUE_OPTIONS_API__: 'true', __VUE_PROD_DEVTOOLS__: 'false', __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false' },
      conditions: ['browser', 'development'],
    }) })
    const { listeners: own } = await page.evaluate(() => count())
    const held = []
    for (let round = 1; round <= 20; round++) {
      await page.evaluate(() => mount())
      await a.run((p, round) => { p.text.insert(0, `${round} `) }, round)
      await page.getByText(new RegExp(`^${round} `)).waitFor()
      await a.until('its cursor', (p, last) => [...p.awareness.states.values()].some(({ cursor }) => cursor === last), each * round - 1)
      await people(a, 2)
      await page.evaluate(() => unmount())
      await people(a, 1)
      await page.evaluate(() => probe.until(() => probe.held().connections + probe.held().sockets === 0))
      held.push(await page.evaluate(() => probe.held()))
    }
    assert.deepEqual(await ids(a), await a.run(p => [p.doc.clientID]))
    const session = await page.context().newCDPSession(page)
    await session.send('HeapProfiler.collectGarbage')
    const { made, kept, listeners } = await page.evaluate(() => count())
    assert.equal(made, 20 * each)
    assert.equal(listeners, own, 'listeners of the document')
    // The framework may keep the last one.
    assert.ok(kept <= each, `${kept} of ${made} providers are kept`)
    const [first, last] = [held[0], held.at(-1)]
    world.measured('providers that are kept', kept)
    world.measured('timers and listeners held after the first round, and the last', `${first.timers} and ${first.listeners}, ${last.timers} and ${last.listeners}`)
    assert.equal(last.listeners, first.listeners)
    // One may be under way; what a mounting leaves is there nineteen times more.
    assert.ok(last.timers < first.timers + 19)
  })
}
