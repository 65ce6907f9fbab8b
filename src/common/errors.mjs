// What the page is told of: its own mistakes, and what its own code threw.

/** An argument that means nothing. */
export function invalid (message) {
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_VALUE' })
}

/** What it is of which another thing was expected. */
export function kindOf (value) {
  if (value === null) return 'null'
  if (typeof value === 'object') return `an instance of ${value.constructor?.name ?? 'nothing'}`
  return typeof value
}

/** Says what the page's own code threw, as if nobody had called it. */
export function report (error) {
  if (typeof reportError === 'function') reportError(error)
  else console.error(error)
}
