// The module is inside, and compiled at once, so that the class is ready on the next line.
import { ClosedError, DeliveryError, Easypeers, EasypeersError, initSync, RequestError } from './class.mjs'

const fromBase64 = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0))
// What is small compresses better by whole bytes.
const fromHex = text => Uint8Array.from(text.match(/../g), digits => parseInt(digits, 16))

/** The module, made by scripts/pack in a memory that is gone afterwards. The names in capitals are put in by the build. */
function unpacked() {
  const { memory, room, unpack } = new WebAssembly.Instance(new WebAssembly.Module(fromHex(UNPACKER))).exports
  const packed = fromBase64(PACKED)
  const at = room(packed.length)
  new Uint8Array(memory.buffer).set(packed, at)
  const module = unpack(at, packed.length, SIZE)
  return new Uint8Array(memory.buffer, module, SIZE)
}

initSync({ module: unpacked() })

export { Easypeers, Easypeers as default, EasypeersError, DeliveryError, RequestError, ClosedError }
