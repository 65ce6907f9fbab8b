// What every bundle of pkg/ begins with: the module is inlined and compiled at once, so that the class is
// ready on the next line. Touches nothing of a page: safe in Node, in a worker, on a server.
import { ClosedError, Delivery, DeliveryError, Easypeers, EasypeersError, finish, initSync } from 'easypeers.js'
import { fromLetters } from './letters.mjs'

const fromHex = text => Uint8Array.from(text.match(/../g), digits => parseInt(digits, 16))

/**
 * The module, made by scripts/pack in a memory that is gone afterwards. SIZE is that of the streams and LENGTH that of
 * the module, in bytes; all four names in capitals are put in by the build.
 */
const unpacked = text => {
  const { memory, unpack, __heap_base: base } = new WebAssembly.Instance(new WebAssembly.Module(fromHex(UNPACKER))).exports
  const packed = fromLetters(text)
  memory.grow(((packed.length + SIZE + LENGTH) >> 16) + 1)
  new Uint8Array(memory.buffer).set(packed, base.value)
  const end = unpack(base.value, packed.length, SIZE)
  return new Uint8Array(memory.buffer, base.value + packed.length + SIZE, end)
}

// So late because a compressor likes the text of the code in one piece.
initSync({ module: unpacked(PACKED) })

finish(Easypeers)

const ERRORS = { EasypeersError, DeliveryError, ClosedError }
for (const [name, value] of Object.entries(ERRORS)) Object.defineProperty(Easypeers, name, { value })
// A minifier renames classes; who prints one should read its name.
for (const [name, value] of Object.entries({ Delivery, Easypeers, ...ERRORS })) Object.defineProperty(value, 'name', { value: name })

export { Easypeers, Easypeers as default, EasypeersError, DeliveryError, ClosedError }
