// Bytes as text that needs no escapes in a string of JavaScript, survives any charset, and compresses back to the size of
// the bytes. Base64 does, too, nearly: but where 64 letters are alike, a compressor finds the same three again and again,
// and says so at greater length than the letters take. With 92 letters it finds half as many, and the text is shorter.
//
// The letters are those of a prefix code, as Huffman's: 36 stand for six bits each (0 to 35), 56 for seven (72 to 127).
// They are `[` to `~` and `#` to `Z`, but a space for the backslash and `!` for `<`, which begins what ends a script.

const SHORT = 0x5b
const LONG = 0x23
const [BACKSLASH, LESS] = [0x5c, 0x3c]

/** The text of bytes. */
export function toLetters(bytes) {
  let text = ''
  let [at, held, bits] = [0, 0, 0]
  for (let left = 8 * bytes.length; left > 0;) {
    for (; bits < 7; bits += 8) held = held << 8 | (bytes[at++] ?? 0)
    const six = held >> bits - 6 & 63
    const short = six < 36
    const letter = short ? SHORT + six : LONG + (held >> bits - 7 & 127) - 72
    text += letter === BACKSLASH ? ' ' : letter === LESS ? '!' : String.fromCharCode(letter)
    bits -= short ? 6 : 7
    left -= short ? 6 : 7
  }
  return text
}

/** The bytes of a text. */
export function fromLetters(text) {
  const bytes = new Uint8Array(text.length)
  let [at, held, bits] = [0, 0, 0]
  for (let i = 0; i < text.length; i++) {
    let letter = text.charCodeAt(i)
    if (letter < 34) letter = letter & 1 ? LESS : BACKSLASH
    const short = letter >= SHORT
    held = held << (short ? 6 : 7) | (short ? letter - SHORT : letter - LONG + 72)
    bits += short ? 6 : 7
    if (bits > 7) bytes[at++] = held >> (bits -= 8)
  }
  return bytes.subarray(0, at)
}
