import Easypeers from '../../pkg/easypeers.mjs'

import { joins } from './api.mjs'

/** Room for the largest message that is measured. */
const LARGEST = 64 * 2 ** 20

export const options = tracker => ({ trackers: [tracker], rtcConfig: { iceServers: [] }, maxMessageSize: LARGEST })

export const join = joins(Easypeers, options)
