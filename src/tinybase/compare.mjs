// What was lost, or said while two parts of a swarm were apart, is found by comparing: one says what it has by the two hashes that
// TinyBase keeps of a store. Who has the same says nothing, and that was all. Who has something else asks for what it lacks, which
// TinyBase does, and says in turn what it has then. Who learned something new that way tells its neighbors, so it spreads link by link.
//
// Told are a new neighbor, and one neighbor when nothing was changed for some seconds, then after twice as long, and so on: where
// nothing happens nothing is said.
import { about, Alarm } from '../common/alarm.mjs'

/** Without a change for so long, a page compares: some seconds, that a lost message may cost. */
const QUIET_MS = 6_000
/** Each time, the next comparison is so many times later ... */
const RARER = 2
/** ... and at last so rare. A guess. */
const RAREST_MS = 600_000
/** It is compared at least so often however much is changed. */
const BUSY_MS = 60_000
/** A new neighbor is told after so long. */
const GREET_MS = 300
/** What was asked for is here by then, nearly always. */
const RETURN_MS = 1_000
/** Where somebody changes something, no two have the same at one moment, and it is left to the next comparison. */
const LIVELY_MS = 2_000
/** News of one moment are told together, and then no more for so long. */
const [SPREAD_MS, SPREAD_PAUSE_MS] = [150, 2_000]
/** What changes so soon after an answer is what was asked for. */
const ANSWERED_MS = 1_000

export class Compare {
  #key
  #interval = QUIET_MS
  /** When the first change came that was not compared yet, and the last one. */
  #since = null
  #lastChange = -Infinity
  /** What neighbors said last that they have. */
  #theirs = new Map()
  #greeted = new Set()
  /** Who has to be told what is here, for they have something else. */
  #returns = new Set()
  /** Who answered last, and when. */
  #answered = { from: null, at: -Infinity }
  /** Whom the news are from. */
  #news = new Set()
  #lastSpread = -Infinity

  #check = new Alarm(() => this.#compareWithOne())
  #greet = new Alarm(() => this.#greetAll())
  #return = new Alarm(() => this.#returnAll())
  #spread = new Alarm(() => this.#tellNews())

  /** @param world `isSyncing()`, `hashes()`, `neighbors()`, and `tell(address)`, which says whether that has arrived */
  constructor (store, world) {
    Object.assign(this, { store, world })
    this.#key = this.#read()
    this.listener = store.addDidFinishTransactionListener(() => this.#changed())
  }

  close () {
    this.store.delListener(this.listener)
    for (const alarm of [this.#check, this.#greet, this.#return, this.#spread]) alarm.clear()
  }

  // ---------------------------------------------------------------- what happens

  arrived (address) {
    // One of the two is enough.
    if (this.world.address > address) return
    this.#greeted.add(address)
    this.#greet.setOnce(about(GREET_MS))
  }

  left (address) {
    for (const addresses of [this.#greeted, this.#returns, this.#theirs]) addresses.delete(address)
  }

  /** Somebody says what it has. */
  heard (address, hashes) {
    const key = String(hashes)
    if (key === this.#key) this.#agree()
    if (!this.world.neighbors().includes(address)) return
    this.#theirs.set(address, key)
    if (key === this.#key) return
    this.#returns.add(address)
    this.#return.setOnce(about(RETURN_MS))
  }

  /** Somebody gave what was asked for, or a part of it. */
  answered (from) {
    this.#answered = { from, at: Date.now() }
  }

  #changed () {
    const key = this.#read()
    if (key === this.#key) return
    this.#key = key
    const now = Date.now()
    if (now - this.#answered.at < ANSWERED_MS) this.tellAll(this.#answered.from)
    else this.#lastChange = now
    this.#since ??= now
    this.#interval = QUIET_MS
    this.#check.set(Math.min(about(QUIET_MS), Math.max(0, this.#since + about(BUSY_MS) - now)))
  }

  #read () {
    return String(this.world.hashes())
  }

  // ---------------------------------------------------------------- who is told

  /** Tells the neighbors that there is something new here, but for the one that it is from. */
  tellAll (except) {
    this.#news.add(except)
    this.#spread.setOnce(Math.max(about(SPREAD_MS), this.#lastSpread + about(SPREAD_PAUSE_MS) - Date.now()))
  }

  #tellNews () {
    this.#lastSpread = Date.now()
    const [except] = this.#news.size === 1 ? this.#news : []
    this.#news.clear()
    for (const address of this.world.neighbors()) {
      if (address !== except && this.#isNewTo(address)) this.#tell(address)
    }
  }

  #greetAll () {
    for (const address of this.#greeted) this.#tell(address)
    this.#greeted.clear()
  }

  #returnAll () {
    const isLively = Date.now() - this.#lastChange < LIVELY_MS
    for (const address of this.#returns) if (!isLively && this.#isNewTo(address)) this.#tell(address)
    this.#returns.clear()
  }

  #isNewTo (address) {
    return this.#theirs.get(address) !== this.#key
  }

  #compareWithOne () {
    const neighbors = this.world.neighbors()
    const address = neighbors[Math.floor(Math.random() * neighbors.length)]
    this.#agree()
    if (address) this.#tell(address)
  }

  /** It was compared, and nothing more is known to be missing. */
  #agree () {
    this.#since = null
    this.#check.set(about(this.#interval *= RARER))
    this.#interval = Math.min(this.#interval, RAREST_MS / RARER)
  }

  async #tell (address) {
    if (!this.world.isSyncing() || await this.world.tell(address)) return
    this.#interval = QUIET_MS
    if (this.world.isSyncing()) this.#check.set(about(QUIET_MS))
  }
}
