// What docs/tinybase.md shows works as it stands there.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEasypeersSynchronizer } from 'easypeers/tinybase'
import { createMergeableStore } from 'tinybase'
import { PATIENCE, tracker } from './peers.mjs'
import { play, snippets } from './play.mjs'

const [first, shared] = await snippets('tinybase.md')

async function open (t, topic, url, options) {
  const store = createMergeableStore()
  const synchronizer = createEasypeersSynchronizer(store, topic, {
    trackers: [url], rtcConfig: { iceServers: [] }, secret: 'correct horse battery staple', ...options,
  })
  t.after(() => synchronizer.destroy())
  const easypeers = synchronizer.getEasypeers()
  easypeers.on('warning', () => {}) // an attempt that failed and is made again
  await synchronizer.startSync()
  return { store, easypeers }
}

/** Resolves when this cell is there. */
const cell = (store, ...where) => new Promise(resolve => {
  const look = () => { if (store.hasCell(...where)) resolve(store.getCell(...where)) }
  store.addCellListener(...where, look)
  look()
})

test('two processes have one store', { timeout: PATIENCE }, async t => {
  const url = await tracker(t)
  const page = play(t, first, url)
  const { store } = await open(t, 'Some unique topic', url)
  assert.equal(await cell(store, 'pets', 'fido', 'species'), 'dog')
  store.setCell('pets', 'felix', 'species', 'cat')
  assert.equal(await page.line(), 'felix species cat')
})

test('two stores and a chat share an instance', { timeout: PATIENCE }, async t => {
  const url = await tracker(t)
  const page = play(t, shared, url, { after: `notes.setCell('t', 'r', 'of', 'notes'); board.setCell('t', 'r', 'of', 'board')` })
  const { store, easypeers } = await open(t, 'Our project', url, { channel: 'board' })
  assert.equal(await cell(store, 't', 'r', 'of'), 'board')
  easypeers.send('a word')
  assert.equal(await page.line(), 'a word')
})
