// Documents of Yjs on a network of stubs, in virtual time.
import { pass, settled } from '../stub/time.mjs'
import * as Y from 'yjs'
import { Awareness } from 'y-protocols/awareness'
import { EasypeersProvider } from '../../src/yjs/index.mjs'
import * as stub from '../stub/network.mjs'
import { seeded } from '../stub/random.mjs'
import { assertEqual, edit } from './edits.mjs'

export { assertEqual, Awareness, EasypeersProvider, edit, pass, settled, Y }

export class Network extends stub.Network {
  constructor (seed = 1) {
    super(seeded(seed))
    // What the provider throws its dice with.
    Math.random = this.random
  }
}

let made = 0
/** A document in a room, at a peer of its own. */
export function open (network, { room = 'room', easypeers = network.peer(), doc = new Y.Doc(), ...options } = {}) {
  doc.clientID = ++made
  const provider = new EasypeersProvider(room, doc, { easypeers, ...options })
  return { easypeers, doc, provider, awareness: provider.awareness, text: doc.getText('text') }
}

/** So many documents in a room, linked, and synced with each other. */
export async function crowd (network, count, options) {
  const all = Array.from({ length: count }, () => open(network, options))
  network.mesh(all.map(({ easypeers }) => easypeers))
  await pass(10_000)
  return all
}

/** After a test nothing goes on. */
export function closeAll (all) {
  for (const { doc } of all) doc.destroy()
}
