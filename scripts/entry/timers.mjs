// Put in the place of the globals of these names: a page may stop its timers later, or put a test's in their place.
const { setTimeout, clearTimeout } = globalThis

export { setTimeout, clearTimeout }
