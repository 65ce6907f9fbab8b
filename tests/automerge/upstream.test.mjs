// What automerge-repo wants of a network adapter, where all are linked, and where the one in the middle has to pass on.
import { EasypeersNetworkAdapter } from '../../src/automerge/index.mjs'
import { Network } from '../stub/network.mjs'
import { runNetworkAdapterTests } from './upstream.mjs'

/** Three peers with an adapter each, linked as `links` says by their numbers. */
function setup (links) {
  const network = new Network()
  network.latency = () => 1
  const peers = [network.peer(), network.peer(), network.peer()]
  for (const [a, b] of links) network.link(peers[a], peers[b])
  const adapters = peers.map(peer => new EasypeersNetworkAdapter(peer))
  return { adapters, teardown: () => peers.forEach(peer => peer.close()) }
}

runNetworkAdapterTests(async () => setup([[0, 1], [1, 2], [0, 2]]), 'all linked with each other')
runNetworkAdapterTests(async () => setup([[0, 1], [1, 2]]), 'in a line')
