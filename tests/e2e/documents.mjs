// Documents of Yjs in real pages: what is built of the package, in a bundle as a page would have it.

import { fileURLToPath } from 'node:url'

import esbuild from 'esbuild'

import { bounded, Peer } from './harness.mjs'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A script that has adapters of pkg/ and what they adapt, and the class of the script tag, which the probe watches. */
export async function bundle (contents, options = {}) {
  const { outputFiles } = await esbuild.build({
    stdin: { contents, resolveDir: ROOT },
    bundle: true,
    format: 'iife',
    write: false,
    ...options,
    plugins: [{
      name: 'one class',
      setup (build) {
        build.onResolve({ filter: /^easypeers$/ }, () => ({ path: 'easypeers', namespace: 'global' }))
        build.onResolve({ filter: /^easypeers\/./ }, ({ path }) => ({ path: `${ROOT}pkg/${path.slice('easypeers/'.length)}.mjs` }))
        build.onLoad({ filter: /.*/, namespace: 'global' }, () => ({ contents: 'export default globalThis.Easypeers' }))
      },
    }, ...options.plugins ?? []],
  })
  return outputFiles[0].text
}

/** Makes `window.side`, which opens documents. */
const SIDE = `
import * as Y from 'yjs'
import { Awareness } from 'y-protocols/awareness'
import { IndexeddbPersistence } from 'y-indexeddb'
import { EasypeersProvider } from 'easypeers/yjs'
import { seeded } from './tests/stub/random.mjs'
import { edit, whole } from './tests/yjs/edits.mjs'
import { change } from './tests/yjs/mods.mjs'
import { gathered, tested } from './tests/yjs/upstream.mjs'
import * as prng from 'lib0/prng'

window.side = {
  Y, Awareness, IndexeddbPersistence, EasypeersProvider, edit, seeded, whole, change, gathered, prng,
  open (name, room, { isTested, ...options }) {
    const doc = isTested ? tested() : new Y.Doc()
    const provider = new EasypeersProvider(room, doc, options)
    return side.watch(name, provider)
  },
  watch (name, provider) {
    const { doc, awareness } = provider
    const events = []
    for (const event of ['status', 'synced', 'peers']) provider.on(event, value => { events.push([event, value]); probe.poke() })
    doc.on('update', probe.poke)
    awareness.on('change', probe.poke)
    return Object.assign(probe.watch(name, provider.easypeers), { doc, provider, awareness, events, text: doc.getText('text') })
  },
}`

let side

/** An empty page that has `side`. */
export async function sidePage (world, options) {
  const page = await world.page(options)
  side ??= bundle(SIDE)
  await page.addScriptTag({ content: await side })
  return page
}

/** A document in a room, in `page` or in a page of its own: what `run` and `until` are given has `doc`, `provider`, ... One that
 *  `isTested` keeps its updates, for the tests of Yjs. */
export async function openDocument (world, name, room, options = {}, page) {
  page ??= await sidePage(world)
  const peer = new Peer(world, page, name)
  await page.evaluate(({ name, room, options }) => { side.open(name, room, options) },
    { name, room, options: { trackers: world.trackers.map(({ url }) => url), ...options } })
  peer.address = await peer.get('address')
  world.peers.push(peer)
  return peer
}

export const synced = peer => peer.until('synced', p => p.provider.synced)

/** Resolves when all these documents are equal. */
export async function allEqual (peers) {
  return bounded((async () => {
    for (;;) {
      const texts = await Promise.all(peers.map(peer => peer.run(p => side.whole(p.doc))))
      if (texts.every(text => text === texts[0])) return texts[0]
      // Look again when any of those that differ changes.
      await Promise.race(peers.map((peer, i) => peer.until('a change', (p, seen) => side.whole(p.doc) !== seen, texts[i])))
    }
  })(), 'equal documents')
}
