// As far as WebKit runs on Linux: distributions build it without WebRTC, so there connections are a stand-in of JavaScript.

import assert from 'node:assert/strict'

import { behavior } from './harness.mjs'
import { loopback } from './loopback.mjs'

behavior('the class is there on the line after the script tag, and says so where there is no WebRTC', async ({ page, t }) => {
  const { webrtc, made } = await page.evaluate(() => {
    const webrtc = typeof RTCPeerConnection === 'function'
    try {
      const easypeers = new Easypeers('alone', { trackers: [] })
      easypeers.close()
      return { webrtc, made: [easypeers.address] }
    } catch (error) {
      return { webrtc, made: [error.name, error.code, error instanceof Easypeers.EasypeersError] }
    }
  })
  t.diagnostic(`WebRTC: ${webrtc}`)
  if (webrtc) assert.match(made[0], /^[0-9a-f]{40}$/)
  else assert.deepEqual(made, ['EasypeersError', 'ERR_NO_WEBRTC', true])
})

behavior('three peers of a page meet at a tracker, and what is sent, asked and said of oneself arrives', async ({ page, tracker }) => {
  const heard = await page.evaluate(async ([url, source]) => {
    const RTCPeerConnection = window.RTCPeerConnection ?? (0, eval)(`(${source})`)()
    const peers = ['a', 'b', 'c'].map(() => new Easypeers('webkit', { trackers: [url], rtc: { RTCPeerConnection } }))
    const [a, b, c] = peers
    const heard = []
    const happens = (peer, event, wanted = () => true) => new Promise(resolve => {
      const look = value => {
        if (!wanted(value)) return
        peer.off(event, look)
        resolve(value)
      }
      peer.on(event, look)
    })
    await Promise.all(peers.map(peer => peer.wireCount === 2 || happens(peer, 'connect', () => peer.wireCount === 2)))
    // As a direct message and as a broadcast, in a channel and without.
    const bytes = new Uint8Array(1 << 20).map((_, i) => i % 251)
    const arrived = [happens(b, 'message'), happens(c, 'message')]
    a.send({ map: new Map([[1n, new Set([bytes, NaN])]]), at: new Date(5), nothing: undefined })
    for (const { message: { map, at, ...rest }, from, verified } of await Promise.all(arrived)) {
      const [[key, set]] = map
      const [same, nan] = set
      heard.push([
        from === a.address, verified, String(key), same.length === bytes.length && same.every((byte, i) => byte === bytes[i]), Number.isNaN(nan),
        at.getTime(), 'nothing' in rest,
      ])
    }
    const rooms = [a, c].map(peer => peer.channel('room'))
    const said = new Promise(resolve => rooms[1].on('message', resolve))
    const { hops, verified } = await rooms[0].send(c.address, 'in the room')
    heard.push([(await said).message, hops, verified])
    b.on('request', ({ message }, respond) => message > 1 ? respond(new RangeError('too many')) : respond(message + 1))
    heard.push([await c.request(b.address, 1), await c.request(b.address, 2).catch(({ code, cause }) => [code, cause.name])])
    const known = happens(c, 'presence')
    a.presence = { name: 'Ada' }
    heard.push([(await known).state.name])
    const gone = happens(a, 'disconnect', address => address === b.address)
    b.close()
    await gone
    heard.push([a.wireCount])
    for (const peer of peers) peer.close()
    return heard
  }, [tracker.url, loopback.toString()])
  const value = [true, true, '1', true, true, 5, true]
  assert.deepEqual(heard, [value, value, ['in the room', 1, true], [2, ['ERR_REFUSED', 'RangeError']], ['Ada'], [1]])
})

behavior('the diagnosis tells a visitor that there is no WebRTC, or else that nobody was met', async ({ page, site, tracker }) => {
  site.config.tracker = tracker.url
  await page.goto(`${site.url}/diagnose.html`)
  const webrtc = await page.evaluate(() => typeof RTCPeerConnection === 'function')
  await page.evaluate(words => new Promise(resolve => {
    const look = () => document.body.textContent.includes(words) && resolve()
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true })
    look()
  }), webrtc ? 'Nobody was met so far' : 'This browser has no WebRTC')
})
