// The declarations of `easypeers/yjs` in real use, as in use.ts.
import Easypeers from 'easypeers'
import { EasypeersProvider } from 'easypeers/yjs'
import type { ProviderOptions, ProviderStats } from 'easypeers/yjs'
import { Awareness } from 'y-protocols/awareness'
import { Doc } from 'yjs'

const doc = new Doc()
const options: ProviderOptions = { secret: 'correct horse battery staple', maxPeers: 4, trackers: [], awareness: new Awareness(doc) }
const provider = new EasypeersProvider('room', doc, options)
new EasypeersProvider('room', doc)
new EasypeersProvider('room', doc, { easypeers: new Easypeers('topic') })
new EasypeersProvider('room', doc, { password: 'secret', maxConns: 20, filterBcConns: true, peerOpts: { config: { iceServers: [] } } })
// @ts-expect-error a document is missing
new EasypeersProvider('room')
// @ts-expect-error nothing proves an address
new EasypeersProvider('room', doc, { address: 'ab'.repeat(20) })
// @ts-expect-error there is no such option
new EasypeersProvider('room', doc, { maxpeers: 4 })

provider.on('synced', ({ synced, alone }) => console.log(synced && !alone))
  .once('peers', ({ added, removed, webrtcPeers }) => console.log([...added, ...removed, ...webrtcPeers].length))
  .off('status', ({ connected }) => console.log(connected))
// @ts-expect-error there is no such event
provider.on('sync', () => {})

const { alone }: { alone: boolean } = await provider.whenSynced
const stats: ProviderStats = provider.stats()
const texts: string[] = provider.peers
provider.awareness.setLocalStateField('user', { name: 'Ada' })
provider.easypeers?.send('hello')
provider.disconnect()
provider.connect()
provider.destroy()
console.log(alone, stats.dropped.update, texts, provider.roomName, provider.doc.clientID, provider.connected, provider.shouldConnect, provider.synced, provider.alone)
