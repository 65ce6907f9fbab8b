// What travels: a packet is the body of one message of Easypeers, in a channel of its own.
//
//   the room            varString: several rooms may share a swarm
//   messages            one after another, to the end
//
// The messages 0, 1 and 3 are those of y-protocols, as y-websocket and y-webrtc number them. The others are ours: 5 says by
// a hash what a peer has, 6 is a part of a packet that is too large for one message, 7 is what awareness knows of everyone.
// A message of a kind that is not known ends the packet, so that later versions may add some at the end.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

/** Where packets are said, so that no page takes them for its own messages; the number is that of this format. */
export const CHANNEL = 'yjs:1'

const SYNC = 0
const AWARENESS = 1
const QUERY = 3
const DIGEST = 5
const PIECE = 6
const PEOPLE = 7
/** Bytes of an address of Easypeers. */
const ADDRESS = 20

/** The kinds of a digest: tells, and wants to hear nothing if it is the same; asks; answers; has no time to answer. */
export const [TELL, ASK, ANSWER, BUSY] = [0, 1, 2, 3]

/** The messages of a packet, by name, and how each is written. */
const WRITE = {
  step1 (to, { vector }) {
    encoding.writeVarUint(to, SYNC)
    encoding.writeVarUint(to, 0)
    encoding.writeVarUint8Array(to, vector)
  },
  step2 (to, { update }) {
    encoding.writeVarUint(to, SYNC)
    encoding.writeVarUint(to, 1)
    encoding.writeVarUint8Array(to, update)
  },
  update (to, { update }) {
    encoding.writeVarUint(to, SYNC)
    encoding.writeVarUint(to, 2)
    encoding.writeVarUint8Array(to, update)
  },
  awareness (to, { update }) {
    encoding.writeVarUint(to, AWARENESS)
    encoding.writeVarUint8Array(to, update)
  },
  query (to) {
    encoding.writeVarUint(to, QUERY)
  },
  digest (to, { kind, synced, doc, people }) {
    encoding.writeVarUint(to, DIGEST)
    encoding.writeUint8(to, kind)
    encoding.writeUint8(to, synced ? 1 : 0)
    encoding.writeVarUint(to, doc)
    encoding.writeVarUint(to, people)
  },
  piece (to, { transfer, index, count, bytes }) {
    encoding.writeVarUint(to, PIECE)
    encoding.writeVarUint(to, transfer)
    encoding.writeVarUint(to, index)
    encoding.writeVarUint(to, count)
    encoding.writeVarUint8Array(to, bytes)
  },
  people (to, { groups }) {
    encoding.writeVarUint(to, PEOPLE)
    encoding.writeVarUint(to, groups.length)
    for (const { address, update } of groups) {
      encoding.writeUint8Array(to, fromHex(address))
      encoding.writeVarUint8Array(to, update)
    }
  },
}

/** The messages alone: what is cut into pieces. */
export function encodeMessages (messages) {
  return encoding.encode(to => writeAll(to, messages))
}

export function encodePacket (room, messages) {
  return encoding.encode(to => {
    encoding.writeVarString(to, room)
    writeAll(to, messages)
  })
}

function writeAll (to, messages) {
  for (const message of messages) WRITE[message.name](to, message)
}

/** The room of a packet and the bytes of its messages. @throws for what is none */
export function openPacket (bytes) {
  if (!(bytes instanceof Uint8Array)) throw new Error('a packet that is no bytes')
  const from = decoding.createDecoder(bytes)
  const room = readText(from)
  return { room, bytes: from.arr.subarray(from.pos) }
}

/** @throws for what is no list of messages */
export function decodeMessages (bytes) {
  const from = decoding.createDecoder(bytes)
  const messages = []
  while (decoding.hasContent(from)) {
    const message = read(from)
    if (!message) break
    messages.push(message)
  }
  return messages
}

function read (from) {
  switch (decoding.readVarUint(from)) {
    case SYNC: return readSync(from)
    case AWARENESS: return { name: 'awareness', update: readBytes(from) }
    case QUERY: return { name: 'query' }
    case DIGEST: return {
      name: 'digest',
      kind: decoding.readUint8(from),
      synced: decoding.readUint8(from) === 1,
      doc: decoding.readVarUint(from),
      people: decoding.readVarUint(from),
    }
    case PIECE: return {
      name: 'piece',
      transfer: decoding.readVarUint(from),
      index: decoding.readVarUint(from),
      count: decoding.readVarUint(from),
      bytes: readBytes(from),
    }
    case PEOPLE: return { name: 'people', groups: readGroups(from) }
    default: return null
  }
}

function readSync (from) {
  const kind = decoding.readVarUint(from)
  const bytes = readBytes(from)
  if (kind === 0) return { name: 'step1', vector: bytes }
  if (kind === 1) return { name: 'step2', update: bytes }
  if (kind === 2) return { name: 'update', update: bytes }
  throw new Error(`a sync message of kind ${kind}`)
}

function readGroups (from) {
  const groups = []
  for (let left = decoding.readVarUint(from); left > 0; left--) {
    groups.push({ address: toHex(take(from, ADDRESS)), update: readBytes(from) })
  }
  return groups
}

function readText (from) {
  return new TextDecoder().decode(readBytes(from))
}

function readBytes (from) {
  return take(from, decoding.readVarUint(from))
}

/** lib0 itself would read on beyond the end of a part of a buffer. */
function take (from, length) {
  if (length > from.arr.length - from.pos) throw new Error('a packet that is cut off')
  return decoding.readUint8Array(from, length)
}

function toHex (bytes) {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}

function fromHex (digits) {
  return Uint8Array.from(digits.match(/../g), pair => parseInt(pair, 16))
}
