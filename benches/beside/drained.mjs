// Room for more, where a contender does not tell of it.

/** So many bytes may wait. */
const ENOUGH = 1_048_576
const LOOK_MS = 2

/** Nothing if few bytes wait as it is, and otherwise a promise of that. */
export function drained(waiting) {
  if (waiting() < ENOUGH) return
  return new Promise(resolve => {
    const timer = setInterval(() => {
      if (waiting() >= ENOUGH) return
      clearInterval(timer)
      resolve()
    }, LOOK_MS)
  })
}
