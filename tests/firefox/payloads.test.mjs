// Two pages in Firefox link and talk: what is sent is what arrives.

import { borrow } from './harness.mjs'

await borrow('payloads', [
  'strings, numbers, objects and bytes arrive as sent, as broadcast and as direct message',
  'bytes of any size arrive as Uint8Array',
  'whatever is in an object arrives as what it is, as broadcast and as direct message',
  'what is sent before the first neighbor is there is held, in order',
])
