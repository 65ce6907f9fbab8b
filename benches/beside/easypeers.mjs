import Easypeers from '../../pkg/easypeers.mjs'

import { joins } from './api.mjs'

export const join = joins(Easypeers, tracker => ({ trackers: [tracker] }))
