// Documents of Yjs in Node: the same module over the class for Node.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EasypeersProvider } from 'easypeers/yjs'
import * as Y from 'yjs'
import { PATIENCE, peer, tracker } from './peers.mjs'

const OPTIONS = { rtcConfig: { iceServers: [] } }

test('two documents in Node become one, and a third that shares an instance', { timeout: PATIENCE }, async t => {
  const trackers = [await tracker(t)]
  const open = options => {
    const doc = new Y.Doc()
    t.after(() => doc.destroy())
    const provider = new EasypeersProvider('node', doc, options)
    provider.easypeers.on('warning', () => {}) // an attempt that failed and is made again
    return provider
  }
  const a = open({ trackers, ...OPTIONS })
  a.doc.getText('text').insert(0, 'from the first')
  const b = open({ trackers, ...OPTIONS })
  const c = open({ easypeers: peer(t, 'node', trackers[0]) })
  for (const { doc, whenSynced } of [b, c]) {
    await until(doc, () => doc.getText('text').toString() === 'from the first')
    assert.deepEqual(await whenSynced, { alone: false })
  }
  c.doc.getText('text').insert(0, 'not ')
  for (const { doc } of [a, b]) await until(doc, () => doc.getText('text').toString() === 'not from the first')
})

/** Resolves when this is true, which is asked again at every change. */
function until (doc, isTrue) {
  return new Promise(resolve => {
    const look = () => {
      if (!isTrue()) return
      doc.off('update', look)
      resolve()
    }
    doc.on('update', look)
    look()
  })
}
