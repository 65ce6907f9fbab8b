// `require` in Node: the class of easypeers.cjs, which stays outside of this file, with Node's WebRTC brought.
import Easypeers from './easypeers.cjs'
import { load } from '../../src/node/rtc.mjs'

Easypeers[Symbol.for('easypeers.bringRtc')](load)

export default Easypeers
