// The declarations of `easypeers/slim` in real use, as in use.ts.
import Easypeers, { ClosedError, DeliveryError, EasypeersError, RequestError, init, Easypeers as named } from 'easypeers/slim'
import type { Delivery, EasypeersOptions, Message } from 'easypeers/slim'

await init()
await init('/static/easypeers.wasm')
await init(new URL('easypeers.wasm', 'https://cdn.example'))
await init(fetch('/static/easypeers.wasm'))
await init(new Uint8Array(8))
await init(Promise.resolve(new ArrayBuffer(8)))
const nothing: void = await init()
// @ts-expect-error a number is no source
await init(7)

const options: EasypeersOptions = { maxPeers: 6 }
const easypeers: named = new Easypeers('topic', options)
easypeers.on('message', ({ message }: Message) => console.log(message))
const delivery: Delivery = easypeers.send('hello')
console.log(nothing, delivery.id, ClosedError, DeliveryError, RequestError, new EasypeersError('ERR_NOT_READY', 'await init() first'))
