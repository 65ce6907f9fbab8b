// What automerge-repo wants of a network adapter. They look for a document in the turn in which it is made, before it is known to those in
// between: for that all have to be linked, whatever the adapter. What is not is in adapter.test.mjs.
import { EasypeersNetworkAdapter } from '../../src/automerge/index.mjs'
import { Network } from '../stub/network.mjs'
import { runNetworkAdapterTests } from './upstream.mjs'

/** Three peers with an adapter each, linked with each other. */
async function setup () {
  const network = new Network()
  // They wait for 50 ms in which all are to be linked, on a machine that may be busy.
  network.latency = () => 0
  const peers = [network.peer(), network.peer(), network.peer()]
  network.mesh(peers)
  const adapters = peers.map(peer => new EasypeersNetworkAdapter(peer))
  return { adapters, teardown: () => peers.forEach(peer => peer.close()) }
}

runNetworkAdapterTests(setup)
