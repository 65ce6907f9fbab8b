// An instance of Easypeers that a page gives away to be shared.
import { invalid, kindOf } from './errors.mjs'

/** @param {string} what what the page calls it. By what it does: there may be two copies of the class. */
export function checkInstance (easypeers, what) {
  if (typeof easypeers?.channel !== 'function' || typeof easypeers.on !== 'function' || typeof easypeers.address !== 'string') {
    throw invalid(`${what}: expected an instance of Easypeers, got ${kindOf(easypeers)}`)
  }
  if (easypeers.closed) throw Object.assign(new TypeError(`${what}: this instance is closed`), { code: 'ERR_CLOSED' })
}
