// Awareness in a room: who is there, and where their cursors are.
//
// A page broadcasts what it says of itself, at most ten times a second, and with an update of the document if there is one. It
// does not pass on what others say of themselves, for a broadcast reaches all; a newcomer is given all of it by a neighbor.
//
// Awareness forgets who has not said anything for 30 s, and so everybody says the same again every 15 s. Here that is not sent:
// a page is there as long as Easypeers knows its peer. In swarms so large that not all peers are known, it is said every two
// minutes.
import * as decoding from 'lib0/decoding'
import { applyAwarenessUpdate, encodeAwarenessUpdate, removeAwarenessStates } from 'y-protocols/awareness'
import { about, Alarm } from '../common/alarm.mjs'
import { report } from '../common/errors.mjs'
import { digestOfClients } from './digest.mjs'

/** Between two broadcasts of awareness alone. */
const PAUSE_MS = 100
/** So often states are kept from being forgotten: three times in 30 s. */
const KEEP_MS = 8_000
/** A neighbor that is gone may still be in the swarm, behind another link, and a dead one is known for some seconds more: so often
 *  it is looked for. Some of those who missed it say so first. */
const [GONE_MS, LOOKS] = [2_000, 5]
/** With so many peers not everyone is within view, three links of six far: a guess, on the safe side. */
const MANY = 48
/** What is then said, and how long somebody counts who was heard by nobody else. */
const [SAY_MS, LEASE_MS] = [120_000, 300_000]

export class People {
  /** The address of the peer that each client is at. Of clients that other providers of this page brought there is none. */
  #owners = new Map()
  /** What was said last of each client of this page. */
  #said = new Map()
  #changed = new Set()
  #digest = null
  #last = -Infinity
  /** Neighbors that were lost, and how often they are still looked for. */
  #gone = new Map()

  #say = new Alarm(() => this.#flush())
  #keep = new Alarm(() => this.#keepAlive())
  #miss = new Alarm(() => this.#removeGone())
  #repeat = new Alarm(() => this.#sayAgain())

  constructor (awareness, origin, room) {
    Object.assign(this, { awareness, origin, room })
    this.handleChange = (changes, origin) => this.#handleChange(changes, origin)
    awareness.on('update', this.handleChange)
    // Others may have seen an end of this client's state, and take what is newer only.
    if (awareness.getLocalState() !== null) awareness.setLocalState(awareness.getLocalState())
    this.#keep.set(KEEP_MS)
    this.#repeat.set(about(SAY_MS))
  }

  /** Says goodbye, and forgets who was met here. */
  close () {
    this.#flush()
    this.goodbye()
    this.awareness.off('update', this.handleChange)
    for (const alarm of [this.#say, this.#keep, this.#miss, this.#repeat]) alarm.clear()
    removeAwarenessStates(this.awareness, [...this.#owners.keys()], this.origin)
  }

  get digest () {
    this.#digest ??= digestOfClients(this.awareness.states.keys())
    return this.#digest
  }

  // ---------------------------------------------------------------- what this page says

  #handleChange ({ added, updated, removed }, origin) {
    const own = this.awareness.clientID
    this.#digest = null
    if (origin === 'timeout') this.#lookAgain(removed)
    const changed = [...added, ...updated, ...removed]
    for (const client of changed) {
      const ours = client === own || !this.#owners.has(client)
      // Of the own state it is also said that somebody else was wrong about it.
      if (origin === this.origin ? client === own : ours && origin !== 'timeout') this.#changed.add(client)
      if (origin === this.origin && client === own) this.#said.delete(client)
    }
    if (this.#changed.size > 0) this.#say.setOnce(Math.max(0, this.#last + PAUSE_MS - Date.now()))
  }

  /** What is to be said, as a message to go along with others, if there is anything. */
  along () {
    const clients = [...this.#changed].filter(client => {
      const text = JSON.stringify(this.awareness.states.get(client) ?? null)
      if (this.#said.get(client) === text || !this.awareness.meta.has(client)) return false
      this.#said.set(client, text)
      return true
    })
    this.#changed.clear()
    if (clients.length === 0) return []
    this.#last = Date.now()
    this.#say.clear()
    return [{ name: 'awareness', update: encodeAwarenessUpdate(this.awareness, clients) }]
  }

  #flush () {
    if (!this.room.isHeard) return this.#changed.clear()
    const messages = this.along()
    if (messages.length > 0) this.room.broadcast(messages)
  }

  /** Says all of this page: when the first neighbor is there. */
  hello () {
    this.#said.clear()
    for (const client of this.#ours()) this.#changed.add(client)
    this.#flush()
  }

  /** Says that whoever is in this page is gone; their states stay here. */
  goodbye () {
    const ours = this.#ours()
    this.#said.clear()
    this.#changed.clear()
    // Newer than all that was said before, so that nobody brings it back who has not heard this.
    for (const client of ours) this.awareness.meta.get(client).clock++
    if (ours.length === 0 || !this.room.isHeard) return
    this.room.broadcast([{ name: 'awareness', update: encodeAwarenessUpdate(this.awareness, ours, new Map()) }])
  }

  /** Is there again: what is said now is newer than the goodbye. */
  welcomeBack () {
    const state = this.awareness.getLocalState()
    if (state !== null) this.awareness.setLocalState(state)
    this.hello()
  }

  #ours () {
    return [...this.awareness.states.keys()].filter(client => !this.#owners.has(client))
  }

  #sayAgain () {
    if (this.room.peerCount >= MANY) this.hello()
    this.#repeat.set(about(SAY_MS))
  }

  // ---------------------------------------------------------------- what others say

  /** What a peer says of itself. */
  handle (from, update) {
    this.#apply(update, from)
  }

  /** What a peer knows of all. */
  handleEveryone (from, groups) {
    let someone = false
    for (const { address, update } of groups) {
      if (address === this.room.address && from !== address) this.#correct(update)
      else someone = this.#apply(update, address, from) || someone
    }
    if (someone) this.room.document.tellAll(from)
  }

  /** All that is known, as one message. */
  everyone () {
    const groups = new Map()
    for (const client of this.awareness.states.keys()) {
      const address = this.#owners.get(client) ?? this.room.address
      groups.set(address, [...groups.get(address) ?? [], client])
    }
    if (groups.size === 0) return []
    return [{ name: 'people', groups: [...groups].map(([address, clients]) => ({ address, update: encodeAwarenessUpdate(this.awareness, clients) })) }]
  }

  /**
   * Takes what a peer says of itself, or what `relay` says of it.
   * @returns whether somebody is new
   */
  #apply (update, owner, relay) {
    const entries = this.#read(update)
    if (!entries) return false
    let someone = false
    const { awareness } = this
    const known = new Set(relay ? this.room.peers : [owner])
    const outdated = []
    for (const { client, clock, state } of entries) {
      if (client === awareness.clientID) continue
      if (clock < (awareness.meta.get(client)?.clock ?? 0)) {
        if (relay && !awareness.states.has(client)) outdated.push(client)
        continue
      }
      if (relay && this.#owners.has(client)) continue
      if (state === null) this.#owners.delete(client)
      else if (!relay || !awareness.states.has(client)) this.#owners.set(client, owner)
      if (state === null || awareness.states.has(client)) continue
      someone = true
      // It was believed gone, and said nothing new since: its peer is there all the same.
      if (clock === awareness.meta.get(client)?.clock && known.has(owner)) awareness.meta.delete(client)
    }
    // Its goodbye was heard here, and not there.
    if (outdated.length > 0) this.room.send(relay, [{ name: 'awareness', update: encodeAwarenessUpdate(awareness, outdated) }])
    try {
      applyAwarenessUpdate(awareness, update, this.origin)
    } catch (error) {
      // It was read before, so this is a listener of the page.
      report(error)
    }
    return someone
  }

  /** Somebody believes that clients are here which are not any more: their goodbye was lost. */
  #correct (update) {
    const gone = this.#read(update)?.filter(({ client }) => !this.awareness.states.has(client)) ?? []
    if (gone.length === 0) return
    const meta = new Map(gone.map(({ client, clock }) => [client, { clock }]))
    const clients = [...meta.keys()]
    this.room.broadcast([{ name: 'awareness', update: encodeAwarenessUpdate({ meta, states: new Map() }, clients) }])
  }

  /** What an update of awareness says; nothing, and counted, if it is none. */
  #read (update) {
    try {
      const from = decoding.createDecoder(update.slice())
      const entries = []
      for (let left = decoding.readVarUint(from); left > 0; left--) {
        const [client, clock] = [decoding.readVarUint(from), decoding.readVarUint(from)]
        const state = JSON.parse(decoding.readVarString(from))
        if (typeof state !== 'object' || Array.isArray(state)) throw new Error('a state that is no object')
        entries.push({ client, clock, state })
      }
      return entries
    } catch {
      this.room.drop('awareness')
      return null
    }
  }

  // ---------------------------------------------------------------- who is still there

  #keepAlive () {
    this.#keep.set(KEEP_MS)
    const known = new Set([...this.room.peers, this.room.address])
    const many = this.room.peerCount >= MANY
    for (const [client, owner] of this.#owners) {
      const meta = this.awareness.meta.get(client)
      if (!this.awareness.states.has(client) || !meta) this.#owners.delete(client)
      else if (known.has(owner) || (many && this.room.heardWithin(owner, LEASE_MS))) meta.lastUpdated = Date.now()
    }
  }

  /** Awareness forgot who was not known for so long, as while parts were apart. Who is known again by now others have not forgotten. */
  #lookAgain (clients) {
    const known = new Set(this.room.peers)
    if (clients.some(client => known.has(this.#owners.get(client)))) this.room.document.tellAll()
  }

  /** A neighbor is gone. */
  left (address) {
    this.#gone.set(address, LOOKS)
    this.#miss.setOnce(about(GONE_MS))
  }

  /** Who was a neighbor is missed by its neighbors first: they tell all others. Who is there all the same says so. */
  #removeGone () {
    const known = new Set(this.room.peers)
    const clients = [...this.#owners].filter(([, owner]) => this.#gone.has(owner) && !known.has(owner)).map(([client]) => client)
    for (const [address, looks] of this.#gone) {
      if (known.has(address) && looks > 1) this.#gone.set(address, looks - 1)
      else this.#gone.delete(address)
    }
    if (this.#gone.size > 0) this.#miss.set(about(GONE_MS))
    for (const client of clients) this.#owners.delete(client)
    const there = clients.filter(client => this.awareness.states.has(client))
    if (there.length === 0) return
    removeAwarenessStates(this.awareness, there, this.origin)
    if (this.room.isHeard) this.room.broadcast([{ name: 'awareness', update: encodeAwarenessUpdate(this.awareness, there) }])
  }
}
