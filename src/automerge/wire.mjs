// What travels between two neighbors, each the body of one direct message of Easypeers; numbers are little-endian.
//
//   hello    0, session u32, echo u32, then in JSON who speaks: { peerId, metadata }
//   packet   1, session u32, number u32, then messages of the repository, one after another
//   piece    2, session u32, number u32, index u32, count u32, then a part of the messages of that packet
//   bye      3, session u32
//
// A session is one run of what an end says on a link. An `echo` is the other end's session as far as it is known, 0 for none: who hears
// its own knows that it was heard. The packets of a session are numbered upwards from 1.
//
// A message is its fields in JSON, as `u32 length, text`, then its `data` as `u32 length, bytes`: it is the only field of bytes, and
// of a message without it that length is ABSENT.

/** Where they travel; the number is that of this format. */
export const CHANNEL = 'automerge:1'

const [HELLO, PACKET, PIECE, BYE] = [0, 1, 2, 3]
const NAMES = ['hello', 'packet', 'piece', 'bye']
const ABSENT = 0xffffffff
/** Longest PeerId: those of automerge-repo are short. */
const LONGEST_ID = 1_000

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export function encodeHello ({ session, echo, peerId, metadata }) {
  return written(HELLO, [session, echo], encoder.encode(JSON.stringify({ peerId, metadata })))
}

/** @param messages the bytes of some, one after another */
export function encodePacket ({ session, number, messages }) {
  return written(PACKET, [session, number], messages)
}

export function encodePiece ({ session, number, index, count, bytes }) {
  return written(PIECE, [session, number, index, count], bytes)
}

export function encodeBye ({ session }) {
  return written(BYE, [session])
}

function written (kind, numbers, rest = new Uint8Array()) {
  const bytes = new Uint8Array(1 + 4 * numbers.length + rest.length)
  const view = new DataView(bytes.buffer)
  bytes[0] = kind
  for (const [i, number] of numbers.entries()) view.setUint32(1 + 4 * i, number, true)
  bytes.set(rest, 1 + 4 * numbers.length)
  return bytes
}

/** @throws for what is none of these */
export function decode (bytes) {
  const view = viewOf(bytes)
  const number = i => view.getUint32(1 + 4 * i, true)
  const name = NAMES[bytes[0]]
  switch (name) {
    case 'hello': return { name, session: number(0), echo: number(1), ...helloOf(bytes.subarray(9)) }
    case 'packet': return { name, session: number(0), number: number(1), messages: bytes.subarray(9) }
    case 'piece': return { name, session: number(0), number: number(1), index: number(2), count: number(3), bytes: bytes.subarray(17) }
    case 'bye': return { name, session: number(0) }
    default: throw new Error(`a packet of kind ${bytes[0]}`)
  }
}

function helloOf (text) {
  const { peerId, metadata } = JSON.parse(decoder.decode(text))
  if (typeof peerId !== 'string' || peerId === '' || peerId.length > LONGEST_ID) throw new Error('a hello of nobody')
  const { storageId, isEphemeral } = metadata ?? {}
  return {
    peerId,
    metadata: {
      ...(typeof storageId === 'string' ? { storageId } : {}),
      ...(typeof isEphemeral === 'boolean' ? { isEphemeral } : {}),
    },
  }
}

/** One message of the repository. */
export function encodeMessage ({ data, ...fields }) {
  const text = encoder.encode(JSON.stringify(fields))
  const bytes = new Uint8Array(8 + text.length + (data?.length ?? 0))
  const view = viewOf(bytes)
  view.setUint32(0, text.length, true)
  bytes.set(text, 4)
  view.setUint32(4 + text.length, data?.length ?? ABSENT, true)
  if (data) bytes.set(data, 8 + text.length)
  return bytes
}

/** @throws for what is no list of messages */
export function decodeMessages (bytes) {
  const messages = []
  for (let at = 0; at < bytes.length;) {
    const take = length => {
      if (length > bytes.length - at) throw new Error('a packet that is cut off')
      return bytes.subarray(at, at += length)
    }
    const length = () => viewOf(take(4)).getUint32(0, true)
    const fields = JSON.parse(decoder.decode(take(length())))
    if (fields === null || typeof fields !== 'object') throw new Error('a message that is none')
    const size = length()
    // A copy: what is kept of it should not keep the whole packet.
    messages.push(size === ABSENT ? fields : { ...fields, data: take(size).slice() })
  }
  return messages
}

function viewOf (bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
