// What every bundle of pkg/ begins with: the module is inlined and compiled at once, so that the class is
// ready on the next line. Touches nothing of a page: safe in Node, in a worker, on a server.
import encoded from 'easypeers_bg.wasm'
import { Easypeers, initSync } from 'easypeers.js'
import { decode } from './ascii.mjs'

initSync({ module: decode(encoded) })

export const { EasypeersError, DeliveryError, ClosedError } = Easypeers
export { Easypeers, Easypeers as default }
