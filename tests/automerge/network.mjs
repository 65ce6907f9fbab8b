// Repositories of Automerge on a network of stubs, in virtual time.
import { pass, settled } from '../stub/time.mjs'
import { Repo } from '@automerge/automerge-repo'
import { EasypeersNetworkAdapter } from '../../src/automerge/index.mjs'
import * as stub from '../stub/network.mjs'
import { seeded } from '../stub/random.mjs'

export { EasypeersNetworkAdapter, pass, settled }

export class Network extends stub.Network {
  constructor (seed = 1) {
    super(seeded(seed))
    // What the adapter throws its dice with.
    Math.random = this.random
  }
}

/** A repository at a peer of its own. */
export function open (network, { easypeers = network.peer(), options, ...repo } = {}) {
  const adapter = new EasypeersNetworkAdapter(easypeers, options)
  const received = []
  adapter.on('message', message => received.push(message))
  return { easypeers, adapter, received, repo: new Repo({ network: [adapter], ...repo }) }
}

/** So many, each linked with the next one. */
export async function line (network, count, of = () => ({})) {
  const all = Array.from({ length: count }, (_, i) => open(network, of(i)))
  for (const [i, { easypeers }] of all.slice(1).entries()) network.link(all[i].easypeers, easypeers)
  await pass(500)
  return all
}

/** The document as this repository has it, when it has it. */
export async function find ({ repo }, url, milliseconds = 2_000) {
  let handle
  repo.find(url).then(found => { handle = found }, () => {})
  await pass(milliseconds)
  return handle
}

/** After a test nothing goes on. */
export function closeAll (all) {
  for (const { adapter, easypeers } of all) {
    adapter.disconnect()
    easypeers.close()
  }
}
