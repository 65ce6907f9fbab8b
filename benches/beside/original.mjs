// The JavaScript Easypeers is on no registry. `ORIGINAL` names the dist/easypeers.dist.js of a checkout of
// github.com/draeder/easypeers; without it this column is left out.
import Easypeers from 'original'

import { joins } from './api.mjs'
import { drained } from './drained.mjs'

export const join = joins(Easypeers, tracker => ({ tracker }), easypeers => ({
  texts: true,
  sendTo: (id, text) => {
    easypeers.send(id, text)
    // It tells of no end; what waits in its wire is all that can be seen.
    return drained(() => easypeers.wires[id]?.readableLength ?? 0)
  },
}))
