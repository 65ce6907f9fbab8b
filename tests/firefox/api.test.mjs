// Presence, progress, requests and channels in Firefox.

import { borrow } from './harness.mjs'

await borrow('presence', [
  'what a page says of itself is known to all, to those who come later, and gone when the page is',
  'a page that says too much, or what cannot be sent, is told at once, and nothing changes',
])
await borrow('progress', [
  'both ends are told how far a large message has come',
  'a large message that is taken back ends on its way, and the next one passes',
])
await borrow('requests', [
  'a request is answered with a value, or with what a promise becomes',
  'a request and its answer find their way through others, and to whoever goes by a name that proves nothing',
  'what the answering page throws, rejects with or cannot send arrives as an error',
  'without a listener, without an answer, without a recipient: each has its error',
  'what is no request is refused at the call',
  'respond after close() throws, and what a page that closes has asked for is refused',
])
await borrow('channels', [
  'a channel is heard by those who have it open, wherever they are, and by nobody else',
  'a hundred channels cost no link more than one, and each is closed by itself',
  'a channel has requests of its own, and its methods know it',
  'what is no name is refused',
])
