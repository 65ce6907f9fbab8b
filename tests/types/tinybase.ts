// The declarations of `easypeers/tinybase` in real use, as in use.ts.
import Easypeers from 'easypeers'
import { createEasypeersSynchronizer } from 'easypeers/tinybase'
import type { EasypeersSynchronizer, EasypeersSynchronizerStats, SynchronizerOptions } from 'easypeers/tinybase'
import { createMergeableStore, createStore } from 'tinybase'
import type { Synchronizer } from 'tinybase/synchronizers'

const store = createMergeableStore()
const options: SynchronizerOptions = { secret: 'correct horse battery staple', maxPeers: 4, trackers: [], channel: 'notes', requestTimeoutSeconds: 60 }
const synchronizer: EasypeersSynchronizer = createEasypeersSynchronizer(store, 'topic', options)
const plain: Synchronizer = createEasypeersSynchronizer(store, new Easypeers('topic'), { channel: 'notes', onIgnoredError: error => console.log(error) })
createEasypeersSynchronizer(store, 'topic', { onSend: (to, request, message) => console.log(to ?? 'all', request, message) })
// @ts-expect-error a topic is missing
createEasypeersSynchronizer(store)
// @ts-expect-error it does not merge
createEasypeersSynchronizer(createStore(), 'topic')
// @ts-expect-error nothing proves an address
createEasypeersSynchronizer(store, 'topic', { address: 'ab'.repeat(20) })
// @ts-expect-error it belongs to the instance
createEasypeersSynchronizer(store, new Easypeers('topic'), { maxPeers: 4 })

const started: EasypeersSynchronizer = await synchronizer.startSync([{ pets: { fido: { species: 'dog' } } }, {}])
const stats: EasypeersSynchronizerStats = started.getEasypeersStats()
synchronizer.getEasypeers().send('hello')
console.log(stats.dropped.message, stats.sent, (await plain.destroy()).getSynchronizerStats().sends)
