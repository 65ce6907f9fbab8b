// What every bundle of pkg/ begins with: the module is inlined and compiled at once, so that the class is
// ready on the next line. Touches nothing of a page: safe in Node, in a worker, on a server.
import { length, size, text, unpacker } from 'easypeers_bg.wasm'
import { Delivery, Easypeers, initSync } from 'easypeers.js'

const bytes = text => {
  const letters = atob(text)
  const bytes = new Uint8Array(letters.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i)
  return bytes
}

/** The module, made by scripts/pack in a memory that is gone afterwards. */
const unpacked = () => {
  const { memory, unpack, __heap_base: base } = new WebAssembly.Instance(new WebAssembly.Module(bytes(unpacker))).exports
  const packed = bytes(text)
  memory.grow(((packed.length + size + length) >> 16) + 1)
  new Uint8Array(memory.buffer).set(packed, base.value)
  const end = unpack(base.value, packed.length, size)
  return new Uint8Array(memory.buffer, base.value + packed.length + size, end)
}

initSync({ module: unpacked() })

// A minifier renames classes; who prints one should read its name.
for (const [name, value] of Object.entries({ Delivery, Easypeers })) Object.defineProperty(value, 'name', { value: name })
for (const name of ['EasypeersError', 'DeliveryError', 'ClosedError']) Object.defineProperty(Easypeers[name], 'name', { value: name })

export const { EasypeersError, DeliveryError, ClosedError } = Easypeers
export { Easypeers, Easypeers as default }
