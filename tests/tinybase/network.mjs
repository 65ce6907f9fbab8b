// Stores of TinyBase on a network of stubs, in virtual time.
import { pass } from '../stub/time.mjs'
import { createMergeableStore } from 'tinybase'
import { createEasypeersSynchronizer } from '../../src/tinybase/index.mjs'
import * as stub from '../stub/network.mjs'
import { seeded } from '../stub/random.mjs'

export { createEasypeersSynchronizer, createMergeableStore, pass }

export class Network extends stub.Network {
  constructor (seed = 1) {
    super(seeded(seed))
    // What the synchronizer throws its dice with.
    Math.random = this.random
  }
}

let made = 0
/** A store at a peer of its own. */
export function open (network, { easypeers = network.peer(), store = createMergeableStore(`s${++made}`), ...options } = {}) {
  const ignored = []
  const said = []
  const synchronizer = createEasypeersSynchronizer(store, easypeers, {
    onIgnoredError: error => ignored.push(error.message),
    onSend: (to, request, kind) => said.push(kind),
    ...options,
  })
  return { easypeers, store, synchronizer, ignored, said }
}

/** The same, and synchronizing. */
export async function start (network, { initialContent, ...options } = {}) {
  const one = open(network, options)
  one.synchronizer.startSync(initialContent)
  await pass(100)
  return one
}

/** So many, each linked with the next one, and synchronizing. */
export async function line (network, count) {
  const all = Array.from({ length: count }, () => open(network))
  for (const [i, { easypeers }] of all.slice(1).entries()) network.link(all[i].easypeers, easypeers)
  for (const { synchronizer } of all) synchronizer.startSync()
  await pass(6_000)
  return all
}

/** After a test nothing goes on. */
export async function closeAll (all) {
  for (const { synchronizer } of all) synchronizer.destroy()
  await pass(100)
}
