// What travels, each the body of one message of Easypeers; numbers are little-endian.
//
//   message   0, then in JSON a message of TinyBase: [request, kind, body]
//   piece     1, transfer u32, index u32, count u32, then a part of such JSON that is too large for one message
//
// What TinyBase says has `undefined` for what was deleted, beside `null`: in the JSON that is ABSENT, and a string that begins with
// ABSENT has one more.

/** Where they travel; the number is that of this format. */
export const CHANNEL = 'tinybase:1'

/** The kinds of messages, as TinyBase numbers them. */
export const [RESPONSE, GET_CONTENT_HASHES, CONTENT_HASHES, CONTENT_DIFF] = [0, 1, 2, 3]
const LAST_KIND = 7

const [MESSAGE, PIECE] = [0, 1]
const ABSENT = '\ufffc'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** The JSON of a message. */
export function encodeMessage ({ request, kind, body }) {
  return encoder.encode(JSON.stringify([request, kind, body], escaped))
}

/** @throws for what is none */
export function decodeMessage (bytes) {
  const [request, kind, body, ...rest] = JSON.parse(decoder.decode(bytes), unescaped)
  if (request !== null && typeof request !== 'string') throw new Error('a request that is none')
  if (!Number.isInteger(kind) || kind < 0 || kind > LAST_KIND || rest.length > 0) throw new Error(`a message of kind ${kind}`)
  return { request, kind, body }
}

function escaped (_, value) {
  if (value === undefined) return ABSENT
  return typeof value === 'string' && value.startsWith(ABSENT) ? ABSENT + value : value
}

function unescaped (_, value) {
  // What is left out of an array is a hole there.
  if (Array.isArray(value)) return Array.from(value)
  if (value === ABSENT) return undefined
  return typeof value === 'string' && value.startsWith(ABSENT) ? value.slice(ABSENT.length) : value
}

/** @param message its JSON */
export function encodePacket (message) {
  const bytes = new Uint8Array(1 + message.length)
  bytes[0] = MESSAGE
  bytes.set(message, 1)
  return bytes
}

export function encodePiece ({ transfer, index, count, bytes }) {
  const packet = new Uint8Array(13 + bytes.length)
  packet[0] = PIECE
  const view = new DataView(packet.buffer)
  for (const [i, number] of [transfer, index, count].entries()) view.setUint32(1 + 4 * i, number, true)
  packet.set(bytes, 13)
  return packet
}

/** @throws for what is neither */
export function decodePacket (bytes) {
  if (bytes[0] === MESSAGE) return { name: 'message', bytes: bytes.subarray(1) }
  if (bytes[0] !== PIECE) throw new Error(`a packet of kind ${bytes[0]}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const [transfer, index, count] = [1, 5, 9].map(at => view.getUint32(at, true))
  return { name: 'piece', transfer, index, count, bytes: bytes.subarray(13) }
}
