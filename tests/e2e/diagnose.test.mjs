// diagnose(): whatever keeps peers apart is told apart, in data and in words.

import assert from 'node:assert/strict'

import { behavior } from './harness.mjs'

/** Two ends that look for each other where nobody is: no address of documentation leads anywhere. */
const APART = () => {
  const { prototype } = RTCPeerConnection
  const lost = text => text?.replace(/(candidate:\S+ 1 udp \d+) \S+ /gi, '$1 10.255.255.254 ')
  const { setRemoteDescription, addIceCandidate } = prototype
  prototype.setRemoteDescription = function ({ type, sdp }) { return setRemoteDescription.call(this, { type, sdp: lost(sdp) }) }
  prototype.addIceCandidate = function (init) { return addIceCandidate.call(this, { ...init, candidate: lost(init.candidate) }) }
}
/** The first thing that is said on a channel is this frame in place of what was to be said. */
const SAYS = bytes => {
  const { send } = RTCDataChannel.prototype
  const begun = new WeakSet()
  RTCDataChannel.prototype.send = function (data) {
    if (begun.has(this)) return send.call(this, data)
    begun.add(this)
    return send.call(this, bytes ? new Uint8Array(bytes) : Uint8Array.from(data, (byte, i) => i === 3 ? byte + 1 : byte))
  }
}
const NO_OFFERS = () => { RTCPeerConnection.prototype.createOffer = async () => { throw new Error('blocked') } }
const NO_CANDIDATES = () => {
  const { prototype } = RTCPeerConnection
  for (const name of ['onicecandidate', 'onicegatheringstatechange']) Object.defineProperty(prototype, name, { set () {}, get () { return null } })
  const { get } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(prototype), 'localDescription')
  Object.defineProperty(prototype, 'localDescription', {
    get () {
      const { type, sdp } = get.call(this)
      return { type, sdp: sdp.replace(/a=candidate.*\r\n/g, '') }
    },
  })
}
const OFFLINE = () => { Object.defineProperty(Navigator.prototype, 'onLine', { get: () => false }) }
/** An hour and a half ahead. */
const CLOCK = () => {
  const { now } = Date
  Date.now = () => now() + 5_400_000
}
/** A port at which nobody listens. */
const DOWN = 'ws://127.0.0.1:1'

/**
 * Each failure: what a page needs for it, the code of the finding that tells it from all others, what is said, and for how long
 * a diagnosis is asked for again: until one attempt has failed.
 */
const FAILURES = {
  'all trackers are down': { options: { trackers: [DOWN, `${DOWN}/other`] }, code: 'trackers-unreachable', said: /does not answer.*None does/s },
  'one of two trackers is blocked': { options: url => ({ trackers: [url, DOWN] }), code: 'tracker-unreachable', said: /127\.0\.0\.1:1 does not answer/ },
  'a URL is no tracker': { options: url => ({ trackers: ['http://tracker.example'] }), code: 'tracker-url', said: /http:\/\/tracker\.example is no address of a tracker/ },
  'the secret is another': { options: { secret: 'one' }, other: { secret: 'another' }, code: 'alone-in-private', said: /Topic and secret must be the same/ },
  'no candidate is gathered': { before: NO_CANDIDATES, code: 'no-candidates', said: /finds no address/ },
  'two networks cannot connect': { before: APART, other: {}, otherBefore: APART, code: 'no-way', said: /TURN/ },
  'the other side is full': { other: {}, otherBefore: SAYS, otherGiven: [0, 2, 2, 3], code: 'full', said: /no slot left/ },
  'a Content-Security-Policy forbids it': { path: '/policy', code: 'csp', said: /connect-src/ },
  'WebRTC makes no connections': { before: NO_OFFERS, code: 'no-webrtc', said: /blocked/ },
  'the machine is offline': { before: OFFLINE, options: { trackers: [DOWN] }, code: 'offline', said: /offline/ },
  'the clock is wrong': { before: CLOCK, other: {}, others: 2, code: 'clock', said: /90 minutes ahead of/ },
  'the other side runs another version': { other: {}, otherBefore: SAYS, code: 'version', said: /another version/ },
}

for (const [what, failure] of Object.entries(FAILURES)) {
  behavior(`a diagnosis tells it when ${what}`, async world => {
    const { url } = await world.tracker()
    world.site.pages.set('/policy', `<!doctype html><meta http-equiv="Content-Security-Policy" content="connect-src 'self'"><title>policy</title>
<script src="/pkg/easypeers.dist.js"></script>`)
    const topic = `diagnose ${what}`
    const { options = {}, other, others = 1, before, given, otherBefore, otherGiven, path, code, said } = failure
    if (other) {
      for (let i = 0; i < others; i++) {
        const page = await world.page({ before: otherBefore, given: otherGiven })
        await world.join(`other ${i}`, topic, other, page)
      }
    }
    const page = await world.page({ path, before, given })
    const a = await world.join('a', topic, typeof options === 'function' ? options(url) : options, page)
    // Some failures take their time: each diagnosis waits for what can be known by then.
    const diagnosis = await a.run(async (p, code) => {
      for (;;) {
        const diagnosis = await p.easypeers.diagnose()
        if (diagnosis.findings.some(finding => finding.code === code)) return diagnosis
        // What it says next, it says after the next event.
        await new Promise(resolve => probe.native.setTimeout(resolve, 100))
      }
    }, code)
    assert.match(diagnosis.text, said)
    const codes = diagnosis.findings.map(finding => finding.code)
    world.measured('findings', codes.join(', '))
    world.measured('text', diagnosis.text.replaceAll('\n', ' '))
    const rest = Object.values(FAILURES).map(failure => failure.code).filter(other => other !== code)
    assert.deepEqual(codes.filter(found => rest.includes(found) && !(code === 'offline' && found === 'trackers-unreachable')), [], 'and no other')
    assert.deepEqual(diagnosis, JSON.parse(JSON.stringify(diagnosis)), 'plain data')
  })
}

behavior('a diagnosis of a peer that is connected says so at once, with what it gathered', async world => {
  await world.tracker()
  const [a, b] = [await world.join('a', 'well'), await world.join('b', 'well')]
  await Promise.all([a.neighbors(), b.neighbors()])
  const { text, findings, neighbors, online, candidates, trackers, attempts } = await a.run(p => p.easypeers.diagnose())
  assert.deepEqual([findings.map(finding => finding.code), neighbors, online, attempts], [['connected'], 1, true, []])
  assert.match(text, /Connected to 1 of 1/)
  assert.ok(candidates.host > 0 && trackers[0].state === 'ready')
})

behavior('a diagnosis is given when it is closed meanwhile, and afterwards', async world => {
  const { url } = await world.tracker()
  const page = await world.page()
  const { codes, timers } = await page.evaluate(async url => {
    const easypeers = new Easypeers('closed', { trackers: [url] })
    const asked = easypeers.diagnose()
    easypeers.close()
    const given = [await asked, await easypeers.diagnose()]
    return { codes: given.map(({ findings }) => findings[0].code), timers: probe.held().timers }
  }, url)
  assert.deepEqual([codes, timers], [['closed', 'closed'], 0])
})
