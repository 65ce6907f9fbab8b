// How the trackers do, in words, each time it changes what can be expected.
import { visible } from './text.mjs'

/** Those of the demo; a peer that uses no others stays on this machine, and asks no STUN server where it is. */
export const isHere = url => /^wss?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:|\/|$)/.test(url)

/**
 * Says when none of them can be reached, once, and when one can again.
 * @param {(text: string) => void} say
 */
export function watchTrackers(easypeers, say) {
  let reachable = true
  easypeers.on('tracker', () => {
    const { trackers } = easypeers
    if (trackers.length === 0) return
    if (trackers.some(({ state }) => state === 'ready')) {
      if (!reachable) say('A tracker answers again.')
      reachable = true
    } else if (reachable && trackers.every(({ lastError }) => lastError)) {
      reachable = false
      say(`${whatIsWrong(trackers)} Trying again and again.`)
    }
  })
}

/** Says of each tracker when it begins to answer, and when it stops. */
export function logTrackers(easypeers, say) {
  const answering = new Map()
  easypeers.on('tracker', ({ url, state, peers, lastError }) => {
    if (state !== 'ready' && state !== 'waiting') return
    const answers = state === 'ready'
    if (answering.get(url) === answers) return
    answering.set(url, answers)
    say(answers ? `tracker ${url} answers, and counts ${peers} here` : `tracker ${url} does not answer${because(lastError)}`)
  })
}

function whatIsWrong(trackers) {
  const [{ url, lastError }] = trackers
  return trackers.length === 1
    ? `The tracker ${url} does not answer${because(lastError)}.`
    : `None of the ${trackers.length} trackers answers, the first of them ${url}${because(lastError)}. Is this machine online?`
}

function because(error) {
  return error ? ` (${visible(error)})` : ''
}
