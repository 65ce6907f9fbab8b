// What `new EasypeersProvider(room, doc, options)` takes, checked once at the door.
//
// Options of y-webrtc mean here what they mean there, where that can be. Where a page would not get what it asked for, it is
// told: by an exception if it could not work, by a line on the console if it can.
import { invalid, kindOf } from '../common/errors.mjs'
import { checkInstance } from '../common/instance.mjs'

/** Longest name of a room, in bytes: every message carries it. */
const LONGEST_ROOM = 1000

/** Of the own instance of a provider these cannot be said. */
const TAKEN = {
  identifier: 'the room is the first argument',
  address: 'the others could not write to an address that nothing proves: keep one by `identity`',
}

/** The options of y-webrtc that Easypeers has not, and what becomes of each. */
const OF_Y_WEBRTC = {
  password (password, options) {
    if (password === null) return {}
    if ('secret' in options) throw invalid('`password` and `secret` are one thing here: name one of them')
    warn('password', '`password` is taken as `secret`. Pages of y-webrtc are not met all the same')
    return { secret: password }
  },
  maxConns (most, options) {
    if ('maxPeers' in options) throw invalid('`maxConns` and `maxPeers` are one thing here: name one of them')
    warn('maxConns', '`maxConns` is taken as `maxPeers`. It can be left out: six links are enough for any number of peers')
    return { maxPeers: typeof most === 'number' ? Math.min(most, 64) : most }
  },
  signaling (urls) {
    if (Array.isArray(urls) && urls.length === 0) return { trackers: [] }
    throw invalid('`signaling` names servers of y-webrtc, and peers of Easypeers meet at WebTorrent trackers: leave it out for public ones, or name yours in `trackers`')
  },
  filterBcConns () {
    warn('filterBcConns', '`filterBcConns` changes nothing: tabs of one browser are linked like other pages')
    return {}
  },
  peerOpts (given) {
    const { config, ...rest } = given ?? {}
    const others = Object.keys(rest)
    if (others.length > 0) throw invalid(`\`peerOpts\` is for simple-peer, which is not used here: \`${others[0]}\` cannot be followed, only \`config\`, as \`rtcConfig\``)
    if (!config) return {}
    warn('peerOpts', '`peerOpts.config` is taken as `rtcConfig`')
    return { rtcConfig: config }
  },
}

/** @returns {{ awareness?: object, easypeers?: object, own: object }} `own` is for an instance of the provider's own. */
export function readOptions (room, doc, options = {}) {
  checkRoom(room)
  checkDoc(doc)
  if (options === null || typeof options !== 'object') throw invalid(`the options: expected an object, got ${kindOf(options)}`)
  const { awareness, easypeers, ...rest } = options
  if (awareness !== undefined && awareness !== null) checkAwareness(awareness)
  if (easypeers !== undefined && easypeers !== null) {
    checkInstance(easypeers, '`easypeers`')
    const others = Object.keys(rest).filter(name => rest[name] !== undefined)
    if (others.length > 0) throw invalid(`\`${others[0]}\` belongs to the instance that is given as \`easypeers\`: say it where that is made`)
  }
  return { awareness: awareness ?? undefined, easypeers: easypeers ?? undefined, own: translated(rest) }
}

function translated (given) {
  const own = {}
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue
    if (Object.hasOwn(TAKEN, name)) throw invalid(`\`${name}\` is no option of EasypeersProvider: ${TAKEN[name]}`)
    Object.assign(own, Object.hasOwn(OF_Y_WEBRTC, name) ? OF_Y_WEBRTC[name](value, given) : { [name]: value })
  }
  return own
}

function checkRoom (room) {
  if (typeof room !== 'string' || room === '') {
    throw invalid(`the room: expected a string that is not empty, got ${room === '' ? 'an empty one' : kindOf(room)}`)
  }
  const length = new TextEncoder().encode(room).length
  if (length > LONGEST_ROOM) {
    throw Object.assign(new RangeError(`the room: expected at most ${LONGEST_ROOM} bytes, got ${length}`), { code: 'ERR_OUT_OF_RANGE' })
  }
}

/** By what it does: a page may have two copies of yjs, and Yjs warns of that itself. */
function checkDoc (doc) {
  if (typeof doc?.transact !== 'function' || typeof doc.on !== 'function' || !doc.store) {
    throw invalid(`the document: expected a Y.Doc, got ${kindOf(doc)}`)
  }
}

function checkAwareness (awareness) {
  if (!(awareness.states instanceof Map) || typeof awareness.setLocalState !== 'function' || typeof awareness.on !== 'function') {
    throw invalid(`\`awareness\`: expected an Awareness of y-protocols, got ${kindOf(awareness)}`)
  }
}

const warned = new Set()
/** Once for each, however many rooms there are. */
function warn (name, sentence) {
  if (warned.has(name)) return
  warned.add(name)
  console.warn(`EasypeersProvider: ${sentence}.`)
}
