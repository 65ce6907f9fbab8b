// Firefox has readings of the clock of its own: what is ahead, behind, jumps or stands still there, takes part too.

import { borrow } from './harness.mjs'

await borrow('clocks', [
  'a page whose clock is a day ahead takes part',
  'a page whose clock is a day behind takes part',
  'a clock that jumps by an hour and back interrupts nothing for long',
  'a page that stops its clocks after loading stops nothing of this',
])
