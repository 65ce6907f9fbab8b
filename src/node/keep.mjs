// A member that is always there: it holds the swarm together, says little, and reads nothing.
import { codeAfter, leave, untilSignal } from './leave.mjs'
import { count, safeJson, visible } from './text.mjs'
import { logTrackers } from './trackers.mjs'

const HOUR = 60 * 60 * 1000

/**
 * @param {import('easypeers').default} easypeers
 * @param {object} options
 * @param {string} options.topic
 * @param {boolean} options.json
 * @param {object} options.streams
 * @returns {Promise<number>} the exit code, after a signal
 */
export async function keep(easypeers, { topic, json, streams }) {
  const { stdout } = streams
  const { signal, ignore } = untilSignal()
  const began = Date.now()
  const log = (event, text, about = {}) => {
    const time = new Date().toISOString()
    stdout.write(json ? `${safeJson({ event, ...about, time })}\n` : `${time} ${text}\n`)
  }
  // What reads the log may go before this does: that ends the log, not the peer.
  stdout.on('error', () => {})

  log('join', `keeps the swarm ${visible(topic)} as ${easypeers.address}`, { topic, address: easypeers.address })
  let linked = false
  const look = () => {
    if (linked === easypeers.wireCount > 0) return
    linked = !linked
    log(linked ? 'linked' : 'alone', linked ? 'linked with the swarm' : 'alone again')
  }
  easypeers.on('connect', look)
  easypeers.on('disconnect', look)
  // Attempts that come to nothing, and the like: nobody reads the log of a member that stays for these.
  easypeers.on('warning', () => {})
  easypeers.on('error', error => log('error', visible(error.message), { message: error.message }))
  logTrackers(easypeers, text => log('tracker', text, { text }))

  const hourly = setInterval(() => {
    const { wireCount, peerCount } = easypeers
    const { forwarded } = easypeers.stats()
    const hours = Math.round((Date.now() - began) / HOUR)
    const { rss } = process.memoryUsage()
    log('status', `${count(wireCount, 'neighbor')}, ${count(peerCount, 'peer')} known, ${forwarded} passed on in ${count(hours, 'hour')}, ${Math.round(rss / 1e6)} MB of memory`,
      { neighbors: wireCount, peers: peerCount, forwarded, rss })
  }, HOUR)

  const name = await signal
  ignore()
  clearInterval(hourly)
  easypeers.off('connect').off('disconnect')
  await leave(easypeers)
  log('close', `said goodbye on ${name}`, { signal: name })
  return codeAfter(name, streams)
}
