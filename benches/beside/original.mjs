// The JavaScript Easypeers is on no registry. `ORIGINAL` names the dist/easypeers.dist.js of a checkout of
// github.com/draeder/easypeers; without it this column is left out.
import Easypeers from 'original'

import { joins } from './api.mjs'

export const join = joins(Easypeers, tracker => ({ tracker }))
