// The class of every build of pkg/, whatever way the module comes to it. Touches nothing of a page: safe in Node, in a
// worker, on a server.
import {
  bringRtc, Channel as CoreChannel, ClosedError, Delivery as CoreDelivery, DeliveryError, Easypeers as Core, EasypeersError, facade,
  initSync, RequestError,
} from 'easypeers.js'

const { Easypeers, Delivery, Channel } = facade({ Easypeers: Core, Delivery: CoreDelivery, Channel: CoreChannel })

const ERRORS = { EasypeersError, DeliveryError, RequestError, ClosedError }
for (const [name, value] of Object.entries(ERRORS)) Object.defineProperty(Easypeers, name, { value })
// A minifier renames classes; who prints one should read its name.
for (const [name, value] of Object.entries({ Channel, Delivery, Easypeers, ...ERRORS })) Object.defineProperty(value, 'name', { value: name })
// For the entry of Node, and nobody else.
Object.defineProperty(Easypeers, Symbol.for('easypeers.bringRtc'), { value: bringRtc })

export { Easypeers, EasypeersError, DeliveryError, RequestError, ClosedError, initSync }
