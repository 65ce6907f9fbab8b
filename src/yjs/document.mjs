// A document in a room: what is changed here goes to all, what others changed comes in, and now and then two compare what they
// have.
//
// Updates are broadcast once, by the page that made them. Whatever is missing for another reason (a page that comes later, a
// message that was lost, two parts of a swarm that were apart) is found by comparing:
//
//   TELL      "what I have is 4711". Who has the same says nothing, and that was all. While something is being changed, no two
//             have the same at one moment: then the state vector goes along, and what still lacks some seconds later is asked for.
//   ASK       "I have something else; this is my state vector" (sync step 1)
//   ANSWER    "here is what you lack (step 2), and this is my state vector" (step 1), unless both have the same by now
//   step 2    what the other lacks, if anything
//
// Who got something new that way tells its neighbors, so it spreads over the mesh link by link. A page tells one neighbor when
// nothing was changed for some seconds, then after twice as long, and so on: where nothing happens nothing is said.
import * as Y from 'yjs'
import { about, Alarm } from '../common/alarm.mjs'
import { report } from '../common/errors.mjs'
import { PIECE, Pieces, sendPieces } from '../common/pieces.mjs'
import { digestOf } from './digest.mjs'
import { ANSWER, ASK, BUSY, encodeMessages, TELL } from './wire.mjs'

/** Without a change for so long, a page compares: some seconds, that a lost message may cost. */
const QUIET_MS = 6_000
/** Each time that all is the same, the next comparison is so many times later ... */
const RARER = 2
/** ... and at last so rare. A guess. */
const RAREST_MS = 600_000
/** It is compared at least so often however much is typed. What the same page typed after a lost message tells of it sooner. */
const BUSY_MS = 60_000
/** An answer is due by then from whom nothing is known; and from a peer of this room, or its next piece. */
const [ANSWER_MS, PIECE_MS] = [5_000, 15_000]
/** A new neighbor has so long to speak first. */
const GREET_MS = 1_000
/** To a neighbor that was heard so lately a new link changes nothing. */
const LATELY_MS = 10_000
/** News of one moment are told together, and then no more for so long. */
const [SPREAD_MS, SPREAD_PAUSE_MS] = [150, 2_000]
/** What overtook what it builds on is given so long before that is asked for, and longer each time that did not help. Nearly
 *  always it is on its way: the mesh loses next to nothing, and asking for it makes a busy swarm busier. */
const [MEND_MS, MEND_RAREST_MS] = [3_000, 300_000]
/** Without anybody for so long, a page is alone. With public trackers two pages meet in two or three seconds. */
const ALONE_MS = 5_000
/** Among others that do not know either whether they have all, it waits so long for one that does. */
const TOGETHER_MS = 1_500
/** Larger updates, in bytes, are told of, and fetched by who wants them. */
const LARGEST_BROADCAST = 262_144
/** Broadcasts under way at once. What is said meanwhile goes in one. */
const UNDER_WAY = 16
/** Something is being changed if it was within this time. What was said by then has come some seconds later. */
const [LIVELY_MS, DOUBT_MS] = [2_000, 3_000]
/** A larger state vector, in bytes, does not go along: some hundreds of clients that ever wrote. */
const LARGEST_VECTOR = 4_096
/** Peers that are given a whole document at once; others are asked to turn elsewhere. */
const SERVED = 2
/** Peers that may send what is missing here, at most: those that do not come back are forgotten. */
const MOST_OWING = 1_000
/** Who is here answers a question to all: so many of those who may, by chance. */
const ANSWERS = 4

export class Document {
  /** Whether a peer has confirmed that all is here, or nobody was there to ask. */
  isSynced = false
  /** Whether that was because nobody was there. */
  isAlone = false

  #pending = []
  #flushes = false
  #underWay = 0
  #digest = null
  /** Whom was asked for what is missing here, and how long that is waited for. */
  #pulls = new Map()
  /** Who was given our state vector, and so may send what is missing here, however late. */
  #owing = new Set()
  #pieces = new Pieces()
  /** Who is being given something now. */
  #given = new Set()
  /** How many of them get so much that it goes in pieces. */
  #served = 0
  #changedByPeer = false
  /** Whether what changes now was asked for. Nobody is changing it then. */
  #isFetched = false
  /** When the first change came that was not compared yet. */
  #since = null
  #interval = QUIET_MS
  #lastChange = -Infinity
  /** The state vectors of peers that have more than is here, or whose changes are still on their way. */
  #doubts = new Map()
  /** What was missing first, when something came that builds on it: the clock of each client. */
  #gaps = null
  /** Whether the last neighbor was lost. */
  #wasCutOff = false
  /** Whether somebody else has something, too, while one is asked. */
  #hasMore = false
  #greeted = new Set()
  #news = new Set()
  #lastSpread = -Infinity
  #mendAfter = MEND_MS
  /** Who answered, and was not synced either. */
  #asked = new Set()
  #hasAskedAll = false

  #check = new Alarm(() => this.#compareWithOne())
  #greet = new Alarm(() => this.#greetNeighbors())
  #spread = new Alarm(() => this.#tellNeighbors())
  #mend = new Alarm(() => this.#mendGaps())
  #doubt = new Alarm(() => this.#resolveDoubts())
  #alone = new Alarm(() => this.#nobodyCame())

  constructor (doc, origin, room) {
    Object.assign(this, { doc, origin, room })
    this.handleUpdate = (update, origin) => {
      this.#changed()
      if (origin === this.origin) this.#changedByPeer = true
      else this.#say(update)
    }
    doc.on('update', this.handleUpdate)
    this.#alone.set(ALONE_MS)
  }

  close () {
    this.doc.off('update', this.handleUpdate)
    this.sayAll()
    for (const alarm of [this.#check, this.#greet, this.#spread, this.#mend, this.#doubt, this.#alone, ...this.#pulls.values()]) alarm.clear()
    this.#pulls.clear()
    this.#pieces.clear()
  }

  get digest () {
    this.#digest ??= digestOf(this.doc)
    return this.#digest
  }

  // ---------------------------------------------------------------- what is changed here

  /** All that is changed in one turn of the page goes together. */
  #say (update) {
    this.#pending.push(update)
    if (this.#flushes) return
    this.#flushes = true
    queueMicrotask(() => this.#flush())
  }

  /** All that was changed goes now, however much is under way: nobody can fetch it later. */
  sayAll () {
    this.#flush(true)
  }

  #flush (isLast = false) {
    this.#flushes = false
    if (this.#pending.length === 0 || (this.#underWay >= UNDER_WAY && !isLast)) return
    const update = this.#pending.length === 1 ? this.#pending[0] : Y.mergeUpdates(this.#pending)
    this.#pending = []
    // Alone, nothing is sent: whoever comes asks for all of it.
    if (!this.room.isHeard) return
    if (update.length > LARGEST_BROADCAST && !isLast) return this.tellAll()
    this.#underWay++
    this.room.broadcast([{ name: 'update', update }, ...this.room.people.along()]).then(sent => {
      this.#underWay--
      if (this.room.isClosed) return
      if (!sent) this.tellAll()
      this.#flush()
    })
  }

  #changed () {
    this.#digest = null
    const now = Date.now()
    this.#since ??= now
    if (!this.#isFetched) this.#lastChange = now
    this.#interval = QUIET_MS
    this.#check.set(Math.min(about(QUIET_MS), Math.max(0, this.#since + about(BUSY_MS) - now)))
  }

  // ---------------------------------------------------------------- what comes

  /** All that one packet says of the document. */
  handle (from, messages) {
    const named = name => messages.find(message => message.name === name)
    const [digest, step1, step2, piece] = ['digest', 'step1', 'step2', 'piece'].map(named)
    if (piece) return this.#handlePiece(from, piece)
    this.#changedByPeer = false
    for (const { name, update } of messages) {
      this.#isFetched = name === 'step2'
      if (name === 'update' || name === 'step2') this.#apply(from, update)
    }
    this.#isFetched = false
    if (step2) this.#owing.delete(from)
    if (step2 && this.#changedByPeer) this.tellAll(from)
    if (digest) this.#compare(from, digest, step1)
    else if (step1) this.#serve(from, step1.vector)
  }

  #apply (from, update) {
    let isRead = false
    try {
      Y.transact(this.doc, () => {
        Y.applyUpdate(this.doc, update, this.origin)
        isRead = true
      }, this.origin, false)
    } catch (error) {
      // After that, only observers of the page run.
      if (isRead) report(error)
      else this.room.drop('update')
    }
    const { pendingStructs, pendingDs } = this.doc.store
    if (!pendingStructs && !pendingDs) this.#mendAfter = MEND_MS
    else if (!this.#mend.isSet) this.#watchGaps()
  }

  #handlePiece (from, piece) {
    if (!this.#owing.has(from)) return this.room.drop('piece')
    this.#pulls.get(from)?.set(PIECE_MS)
    let whole
    try {
      whole = this.#pieces.take(from, piece)
    } catch {
      return this.room.drop('piece')
    }
    if (whole) this.room.handleMessages(from, whole)
  }

  #compare (from, theirs, step1) {
    const same = theirs.doc === this.digest
    const samePeople = theirs.people === this.room.people.digest
    switch (theirs.kind) {
      case TELL:
        if (!same && step1) this.#doubtLater(from, step1.vector)
        else if (!same) this.#pull(from, !samePeople)
        else if (!samePeople) this.room.send(from, [...this.room.people.everyone(), this.#digestMessage(ASK)])
        else this.#agree()
        return
      case ASK:
        if (this.isAlone) this.#becomeSynced(false)
        if (step1 && !same) return this.#serve(from, step1.vector, !samePeople)
        if (same) this.#agree()
        this.room.send(from, [...(samePeople ? [] : this.room.people.everyone()), this.#digestMessage(ANSWER)])
        return
      case ANSWER:
        this.#endPull(from)
        if (same) this.#agree()
        else if (step1) this.#return(from, step1.vector)
        if (theirs.synced || this.isSynced) return this.#becomeSynced(false)
        this.#asked.add(from)
        this.#seek()
        return
      case BUSY:
        this.#endPull(from)
        this.#check.set(about(GREET_MS))
    }
  }

  // ---------------------------------------------------------------- what is asked for, and given

  /** Asks one peer for what is missing here. */
  #pull (address, withPeople = false) {
    // One after another: most of what two would send is the same.
    if (this.#pulls.size > 0) {
      this.#hasMore = true
      return
    }
    const alarm = new Alarm(() => this.#giveUp(address))
    alarm.set(this.room.isMember(address) ? PIECE_MS : ANSWER_MS)
    this.#pulls.set(address, alarm)
    this.#owe(address)
    this.room.stats.pulls++
    const people = withPeople ? this.room.people.everyone() : []
    this.room.send(address, [...people, this.#digestMessage(ASK), { name: 'step1', vector: Y.encodeStateVector(this.doc) }])
      .then(arrived => { if (!arrived) this.#giveUp(address) })
  }

  #endPull (address) {
    this.#pulls.get(address)?.clear()
    this.#pulls.delete(address)
    if (this.#hasMore) this.#check.set(about(GREET_MS))
    this.#hasMore = false
  }

  #owe (address) {
    if (this.#owing.size > MOST_OWING) this.#owing.clear()
    this.#owing.add(address)
  }

  #giveUp (address) {
    if (!this.#pulls.has(address)) return
    this.#endPull(address)
    this.room.passOver(address)
    this.#seek()
  }

  /** Asks the next one. Where neighbors are not of this room, all peers of the swarm are asked who is. */
  #seek () {
    if (this.#pulls.size > 0 || this.room.isClosed) return
    if (!this.#hasAskedAll && !this.room.hasMembers && this.room.isHeard) {
      this.#hasAskedAll = true
      this.room.broadcast([{ name: 'query' }])
    }
    const address = this.isSynced ? undefined : this.room.partner(this.#asked)
    if (address) return this.#pull(address)
    // Those who are here began together: nobody knows more.
    if (!this.isSynced && this.#asked.size > 0) this.#alone.set(TOGETHER_MS)
  }

  async #serve (address, vector, withPeople = false) {
    if (this.#given.has(address)) return
    const people = withPeople ? this.room.people.everyone() : []
    const update = this.#missingAt(vector)
    if (!update) return
    if (update.length > PIECE && this.#served >= SERVED) {
      this.room.send(address, [this.#digestMessage(BUSY)])
      return
    }
    this.#owe(address)
    await this.#give(address, [
      ...people,
      this.#digestMessage(ANSWER),
      { name: 'step2', update },
      { name: 'step1', vector: Y.encodeStateVector(this.doc) },
    ])
  }

  /** Gives back what the one lacks that has just answered. */
  #return (address, vector) {
    // It is under way already: the two asked each other.
    if (this.#given.has(address)) return
    const update = this.#missingAt(vector)
    if (update) this.#give(address, [{ name: 'step2', update }])
  }

  async #give (address, messages) {
    const isLarge = messages.some(({ update }) => update?.length > PIECE)
    if (isLarge) this.#served++
    this.#given.add(address)
    await this.#deliver(address, messages)
    this.#given.delete(address)
    if (isLarge) this.#served--
  }

  /** In pieces if need be: Yjs applies an update in one go. */
  async #deliver (address, messages) {
    const bytes = encodeMessages(messages)
    if (bytes.length <= PIECE) return this.room.send(address, messages)
    return sendPieces(bytes, piece => this.room.send(address, [{ name: 'piece', ...piece }]), () => this.room.isClosed)
  }

  #missingAt (vector) {
    try {
      return Y.encodeStateAsUpdate(this.doc, vector)
    } catch {
      this.room.drop('vector')
      return null
    }
  }

  #digestMessage (kind) {
    return { name: 'digest', kind, synced: this.isSynced, doc: this.digest, people: this.room.people.digest }
  }

  // ---------------------------------------------------------------- when

  /** A neighbor is there. */
  arrived (address) {
    const mayMiss = !this.isSynced || this.isAlone || this.#wasCutOff
    this.#wasCutOff = false
    if (mayMiss) {
      if (this.#pulls.size === 0) this.#pull(address, true)
      return
    }
    // One of the two is enough.
    if (this.room.address > address) return
    this.#greeted.add(address)
    this.#greet.setOnce(about(GREET_MS))
  }

  left (address) {
    this.#greeted.delete(address)
    this.#pieces.forget(address)
    this.#giveUp(address)
    this.#wasCutOff ||= this.room.neighbors().length === 0
  }

  /** Somebody wants to know who is here. */
  handleQuery (from) {
    if (Math.random() > ANSWERS / this.room.memberCount) return
    this.room.send(from, [...this.room.people.everyone(), this.#digestMessage(TELL)])
  }

  #greetNeighbors () {
    const near = new Set(this.room.neighbors())
    for (const address of this.#greeted) {
      if (near.has(address) && !this.room.heardWithin(address, LATELY_MS)) this.#tell(address)
    }
    this.#greeted.clear()
  }

  /** What is there and not here may be on its way. */
  #doubtLater (from, vector) {
    this.#doubts.set(from, vector)
    this.#doubt.setOnce(this.#patience(DOUBT_MS))
  }

  #resolveDoubts () {
    for (const [address, vector] of this.#doubts) if (this.#lacks(vector)) this.#pull(address)
    this.#doubts.clear()
  }

  #lacks (vector) {
    try {
      return [...Y.decodeStateVector(vector)].some(([client, clock]) => clock > Y.getState(this.doc.store, client))
    } catch {
      this.room.drop('vector')
      return false
    }
  }

  #compareWithOne () {
    const address = this.room.partner(this.#pulls)
    this.#agree()
    if (address && this.isSynced) this.#tell(address)
    else if (address) this.#pull(address)
  }

  /** It was compared, and nothing more is known to be missing. */
  #agree () {
    this.#since = null
    this.#check.set(about(this.#interval *= RARER))
    this.#interval = Math.min(this.#interval, RAREST_MS / RARER)
  }

  async #tell (address) {
    this.room.stats.checks++
    const messages = [this.#digestMessage(TELL)]
    const vector = Y.encodeStateVector(this.doc)
    if (Date.now() - this.#lastChange < LIVELY_MS && vector.length <= LARGEST_VECTOR) messages.push({ name: 'step1', vector })
    if (await this.room.send(address, messages)) return
    this.room.passOver(address)
    this.#interval = QUIET_MS
    if (!this.room.isClosed) this.#check.set(about(GREET_MS))
  }

  /** Tells the neighbors that there is something new here, but for the one that it is from. */
  tellAll (except) {
    if (this.room.isClosed) return
    this.#news.add(except)
    this.#spread.setOnce(Math.max(about(SPREAD_MS), this.#lastSpread + about(SPREAD_PAUSE_MS) - Date.now()))
  }

  #tellNeighbors () {
    this.#lastSpread = Date.now()
    const told = this.room.neighbors().filter(address => this.room.isMember(address))
    for (const address of told) if (this.#news.size > 1 || !this.#news.has(address)) this.#tell(address)
    this.#news.clear()
  }

  /** Something came that builds on what is not here. It may only have been overtaken. */
  #watchGaps () {
    const { pendingStructs } = this.doc.store
    this.#gaps = pendingStructs ? new Map(pendingStructs.missing) : null
    this.#mend.set(this.#patience(this.#mendAfter))
  }

  #mendGaps () {
    const { pendingStructs, pendingDs } = this.doc.store
    if (!pendingStructs && !pendingDs) return
    const filled = this.#gaps && ![...this.#gaps].some(([client, clock]) => Y.getState(this.doc.store, client) <= clock)
    if (!filled) {
      this.#mendAfter = Math.min(2 * this.#mendAfter, MEND_RAREST_MS)
      const address = this.room.partner(this.#pulls)
      if (address) this.#pull(address)
    }
    this.#watchGaps()
  }

  /** Where messages take their time, more of it. */
  #patience (milliseconds) {
    return about(milliseconds + 4 * this.room.roundTrip)
  }

  #nobodyCame () {
    if (this.isSynced) return
    // An answer is coming in, or will be. Who was never heard may be in the swarm for something else.
    if ([...this.#pulls.keys()].some(address => this.room.isMember(address))) return this.#alone.set(ALONE_MS)
    this.#becomeSynced(!this.room.hasMembers)
  }

  #becomeSynced (alone) {
    if (this.isSynced && this.isAlone === alone) return
    this.isSynced = true
    this.isAlone = alone
    this.#alone.clear()
    this.room.becameSynced(alone)
  }
}
