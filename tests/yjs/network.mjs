// Documents of Yjs on a network of stubs, in virtual time.
import { mock } from 'node:test'
import * as stub from '../stub/network.mjs'
import { seeded } from '../stub/random.mjs'

// Before anything is loaded that keeps the clock it finds.
mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] })
export const Y = await import('yjs')
export const { Awareness } = await import('y-protocols/awareness')
export const { assertEqual, edit } = await import('./edits.mjs')
export const { EasypeersProvider } = await import('../../src/yjs/index.mjs')

const STEP_MS = 20

/** Lets time go by. All that is due at a moment, promises too, is done before the next one. */
export async function pass (milliseconds) {
  for (let gone = 0; gone < milliseconds; gone += STEP_MS) {
    await settled()
    mock.timers.tick(STEP_MS)
  }
  await settled()
}

/** What is under way in this turn has come to its end. */
export const settled = () => new Promise(resolve => setImmediate(resolve))

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
