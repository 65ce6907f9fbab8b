// The class of every build of pkg/, whatever way the module comes to it. Touches nothing of a page: safe in Node, in a
// worker, on a server.
import { bringRtc, ClosedError, Delivery as CoreDelivery, DeliveryError, Easypeers as Core, EasypeersError, facade, initSync } from 'easypeers.js'

const { Easypeers, Delivery } = facade(Core, CoreDelivery)

const ERRORS = { EasypeersError, DeliveryError, ClosedError }
for (const [name, value] of Object.entries(ERRORS)) Object.defineProperty(Easypeers, name, { value })
// A minifier renames classes; who prints one should read its name.
for (const [name, value] of Object.entries({ Delivery, Easypeers, ...ERRORS })) Object.defineProperty(value, 'name', { value: name })
// For the entry of Node, and nobody else.
Object.defineProperty(Easypeers, Symbol.for('easypeers.bringRtc'), { value: bringRtc })

export { Easypeers, EasypeersError, DeliveryError, ClosedError, initSync }
