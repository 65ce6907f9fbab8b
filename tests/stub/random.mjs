/** Chance that is the same for the same seed: mulberry32. */
export function seeded (seed) {
  const next = () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  return Object.assign(next, { below: most => Math.floor(next() * most), pick: list => list[Math.floor(next() * list.length)] })
}
