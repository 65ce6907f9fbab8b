// The declarations of `easypeers/automerge` in real use, as in use.ts.
import { Repo } from '@automerge/automerge-repo'
import type { NetworkAdapterInterface } from '@automerge/automerge-repo'
import Easypeers from 'easypeers'
import { EasypeersNetworkAdapter } from 'easypeers/automerge'
import type { AdapterOptions, AdapterStats } from 'easypeers/automerge'

declare global {
  // The declarations of automerge-repo name it, and this page knows nothing of Node.
  interface Buffer extends Uint8Array {}
}

const options: AdapterOptions = { secret: 'correct horse battery staple', maxPeers: 4, trackers: [], channel: 'notes' }
const adapter: NetworkAdapterInterface = new EasypeersNetworkAdapter('topic', options)
const shared = new EasypeersNetworkAdapter(new Easypeers('topic'), { channel: 'notes' })
const repo = new Repo({ network: [adapter, shared, new EasypeersNetworkAdapter('topic')], ...(shared.easypeers ? { peerId: shared.easypeers.address } : {}) })
// @ts-expect-error a topic is missing
new EasypeersNetworkAdapter()
// @ts-expect-error nothing proves an address
new EasypeersNetworkAdapter('topic', { address: 'ab'.repeat(20) })
// @ts-expect-error it belongs to the instance
new EasypeersNetworkAdapter(new Easypeers('topic'), { maxPeers: 4 })
// @ts-expect-error there is no such option
new EasypeersNetworkAdapter('topic', { maxpeers: 4 })

shared.on('peer-candidate', ({ peerId, peerMetadata }) => console.log(peerId.length, peerMetadata.storageId))
shared.once('peer-disconnected', ({ peerId }) => console.log(peerId))
// @ts-expect-error there is no such event
shared.on('peer', () => {})
const stats: AdapterStats = shared.stats()
await shared.whenReady()
shared.disconnect()
shared.connect(repo.networkSubsystem.peerId)
console.log(shared.isReady(), stats.restarts, stats.dropped.sender)
