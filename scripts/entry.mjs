// What every bundle of pkg/ begins with: the module is inlined and compiled at once, so that the class is
// ready on the next line. Touches nothing of a page: safe in Node, in a worker, on a server.
import { size, text } from 'easypeers_bg.wasm'
import { Delivery, Easypeers, initSync } from 'easypeers.js'
import { decompress } from './lzma.mjs'
import { merge } from './streams.mjs'

initSync({ module: merge(decompress(Uint8Array.from(atob(text), char => char.charCodeAt(0)), size)) })

// A minifier renames classes; who prints one should read its name.
for (const [name, value] of Object.entries({ Delivery, Easypeers })) Object.defineProperty(value, 'name', { value: name })
for (const name of ['EasypeersError', 'DeliveryError', 'ClosedError']) Object.defineProperty(Easypeers[name], 'name', { value: name })

export const { EasypeersError, DeliveryError, ClosedError } = Easypeers
export { Easypeers, Easypeers as default }
