// What others sent, made fit to be printed. Nothing from the network reaches a terminal but by `visible`.

/** Messages longer than this are cut on a terminal, in characters. */
export const LONGEST_SHOWN = 4000

// Escape sequences begin with one of the C0 or C1 controls; format characters (Cf) turn what is read around, or hide it, but
// for the joiners that emoji and some scripts are written with. Fillers are letters that nobody sees.
const UNSAFE = /[\p{Cc}\u2028\u2029\u3164\uffa0\u115f\u1160]|(?![\u200c\u200d])\p{Cf}|\p{Cs}/gu
const NAMED = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** `text` on one line, with every control character written out. */
export function visible(text) {
  return text.replace(UNSAFE, letter => NAMED[letter] ?? letter.split('').map(unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''))
}

/** Any value that can be sent, as the text it reads as; bytes as a few of them. */
export function textOf(message) {
  if (typeof message === 'string') return message
  if (!(message instanceof Uint8Array)) {
    const plain = plainly(message)
    return typeof plain === 'string' ? plain : JSON.stringify(plain)
  }
  const some = Array.from(message.subarray(0, 32), byte => byte.toString(16).padStart(2, '0')).join(' ')
  return `${count(message.length, 'byte')}: ${some}${message.length > 32 ? ' …' : ''}`
}

/** `text` with a note of its size where it is too long to be shown. */
export function shortened(text, longest = LONGEST_SHOWN) {
  return text.length <= longest ? text : `${text.slice(0, longest)}… (${text.length} characters)`
}

/** A value that was sent as one that JSON has words for. What JSON could not write, so deep it is, is text that says so. */
export function plainly(message) {
  try {
    return JSON.parse(JSON.stringify({ message }, inPlainWords)).message ?? null
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return 'a value that is nested too deep to be shown'
  }
}

/** docs/node.md has this as a table. A `Date` has become text by its own `toJSON`. */
function inPlainWords(key, value) {
  if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))) return String(value)
  if (value instanceof Map || value instanceof Set) return [...value]
  if (value instanceof Error) return String(value)
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('base64') }
  return value
}

/** A value as JSON that is safe on a terminal: what JSON leaves as it is, is written as the escape that means the same. */
export function safeJson(value) {
  return visible(JSON.stringify(value))
}

export function count(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** Milliseconds for people. */
export function milliseconds(rtt) {
  return rtt == null ? '' : `${Math.max(1, Math.round(rtt))} ms`
}
