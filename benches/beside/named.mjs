// Easypeers with another module in place of that of pkg/: one whose functions have names, for profile.mjs.
import Easypeers, { init } from '../../pkg/slim.mjs'

import { options } from './easypeers.mjs'
import { joins } from './api.mjs'

const ready = init('/named.wasm')
const joined = joins(Easypeers, options)

export const join = async (...args) => {
  await ready
  return joined(...args)
}
