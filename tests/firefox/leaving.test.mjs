// A page in Firefox goes and comes back.

import { borrow } from './harness.mjs'

await borrow('leaving', ['a reloaded page says goodbye and comes back as a newcomer'])
await borrow('life', [
  'what a page says while it goes gets out, or it is closed by then, whenever its listeners were added',
  'a page that is reloaded ten times is met ten times, and leaves no ghost and no double',
])
await borrow('close', [
  'close() leaves no connection, socket, timer or listener, and says goodbye',
  'what is sent before close() arrives, awaited or not, small or large',
])
