// Blocked, and told: whatever keeps a peer from meeting anybody is said, and never passed over in silence.

import assert from 'node:assert/strict'
import { createServer } from 'node:net'

import { behavior } from './harness.mjs'

/** What the constructor throws, or the first error and how long it took, or that the page hears of nothing. */
const TOLD = async ({ topic, options, install }) => {
  (0, eval)(install ?? '')
  const began = performance.now()
  let easypeers
  try {
    easypeers = new Easypeers(topic, (0, eval)(`(${options})`))
  } catch (error) {
    return { thrown: error.name, code: error.code, message: error.message }
  }
  const error = await new Promise(resolve => easypeers.once('error', resolve))
  easypeers.close()
  return { code: error.code, message: error.message, is: error instanceof Easypeers.EasypeersError, after: performance.now() - began }
}

const STUBS = {
  'it is undefined': 'RTCPeerConnection = undefined',
  'it is null': 'RTCPeerConnection = null',
  'it is deleted': 'delete window.RTCPeerConnection',
  'it is a function that does nothing': 'RTCPeerConnection = function () {}',
  'it is a class without methods': 'RTCPeerConnection = class {}',
  'it throws in the constructor': 'RTCPeerConnection = class { constructor () { throw new Error("blocked by an extension") } }',
  'it throws in createDataChannel': 'RTCPeerConnection.prototype.createDataChannel = () => { throw new Error("blocked by an extension") }',
  'it makes no channel': 'RTCPeerConnection.prototype.createDataChannel = () => undefined',
}
for (const [how, install] of Object.entries(STUBS)) {
  behavior(`WebRTC does not work, because ${how}: the constructor says so`, async world => {
    const { url } = await world.tracker()
    const page = await world.page()
    const told = await page.evaluate(TOLD, { topic: 'blocked', options: `{ trackers: ['${url}'] }`, install })
    assert.deepEqual([told.thrown, told.code], ['EasypeersError', 'ERR_NO_WEBRTC'])
    if (install.includes('extension')) assert.match(told.message, /blocked by an extension/)
  })
}

const BARREN = {
  'createOffer rejects': ['RTCPeerConnection.prototype.createOffer = async () => { throw new Error("blocked") }', /blocked/],
  'setLocalDescription rejects': ['RTCPeerConnection.prototype.setLocalDescription = async () => { throw new Error("blocked") }', /blocked/],
  'createOffer throws': ['RTCPeerConnection.prototype.createOffer = () => { throw new Error("blocked") }', /blocked/],
  'no candidate ever comes': [`
    const hide = object => Object.defineProperty(RTCPeerConnection.prototype, object, { set () {}, get () { return null } })
    hide('onicecandidate')
    hide('onicegatheringstatechange')
    const { get } = Object.getOwnPropertyDescriptor(RTCPeerConnection.prototype.__proto__, 'localDescription')
    Object.defineProperty(RTCPeerConnection.prototype, 'localDescription', { get () {
      const { type, sdp } = get.call(this)
      return { type, sdp: sdp.replace(/a=candidate.*\\r\\n/g, '') }
    } })`, /no address/],
}
for (const [how, [install, said]] of Object.entries(BARREN)) {
  behavior(`WebRTC is there and ${how}: an error event says so`, async world => {
    const { url } = await world.tracker()
    const page = await world.page()
    const told = await page.evaluate(TOLD, { topic: 'blocked', options: `{ trackers: ['${url}'] }`, install })
    assert.equal(told.code, 'ERR_NO_WEBRTC')
    assert.match(told.message, said)
    assert.ok(told.is)
    world.measured('error after, ms', told.after)
  })
}

const CONFIGS = {
  'relays only, and no TURN server': ["{ iceServers: [{ urls: 'stun:127.0.0.1:9' }], iceTransportPolicy: 'relay' }", 'ERR_ICE', /'relay'/],
  'a promise that rejects': ["Promise.reject(new Error('no credentials'))", 'ERR_RTC_CONFIG', /no credentials/],
  'a promise that never settles': ['new Promise(() => {})', 'ERR_RTC_CONFIG', /does not settle/],
  'a function that rejects': ["async () => { throw new Error('no credentials') }", 'ERR_RTC_CONFIG', /no credentials/],
  'a function that throws': ["() => { throw new Error('no credentials') }", 'ERR_RTC_CONFIG', /no credentials/],
  'a function that never settles': ['() => new Promise(() => {})', 'ERR_RTC_CONFIG', /does not settle/],
  'a function that gives a Response': ["async () => new Response('{}')", 'ERR_RTC_CONFIG', /RTCConfiguration/],
  'a function that gives a list of servers': ["async () => [{ urls: 'stun:127.0.0.1:9' }]", 'ERR_RTC_CONFIG', /iceServers: \[/],
}
for (const [how, [config, code, said]] of Object.entries(CONFIGS)) {
  behavior(`rtcConfig is ${how}: an error event says so`, async world => {
    const { url } = await world.tracker()
    const page = await world.page()
    const told = await page.evaluate(TOLD, { topic: 'config', options: `{ trackers: ['${url}'], rtcConfig: ${config} }` })
    assert.equal(told.code, code)
    assert.match(told.message, said)
    world.measured('error after, ms', told.after)
  })
}

behavior('a TURN server that does not answer is named in an error event', async world => {
  const { url } = await world.tracker()
  // It takes connections, and says nothing.
  const sockets = []
  const silent = createServer(socket => sockets.push(socket.on('error', () => {})))
  await new Promise(resolve => silent.listen(0, '127.0.0.1', resolve))
  try {
    const turn = `turn:127.0.0.1:${silent.address().port}?transport=tcp`
    const config = `{ iceServers: [{ urls: '${turn}', username: 'u', credential: 'c' }], iceTransportPolicy: 'relay' }`
    const page = await world.page()
    const told = await page.evaluate(TOLD, { topic: 'turn', options: `{ trackers: ['${url}'], rtcConfig: ${config} }` })
    assert.equal(told.code, 'ERR_ICE')
    assert.match(told.message, /no TURN server gave an address/)
    world.measured('error after, ms', told.after)
  } finally {
    sockets.forEach(socket => socket.destroy())
    silent.close()
  }
})

behavior('rtcConfig in every way that is clear connects two pages; what is not clear is a TypeError', async world => {
  await world.tracker()
  const page = await world.page()
  const ways = {
    nothing: 'null', 'an empty one': '{}', 'one server': "{ iceServers: { urls: 'stun:127.0.0.1:3478' } }", 'no servers': '{ iceServers: null }',
    'a promise': 'Promise.resolve({ iceServers: [] })', 'a function': 'async () => ({ iceServers: [] })',
  }
  const trackers = world.trackers.map(({ url }) => url)
  for (const [name, source] of Object.entries(ways)) {
    const connected = await page.evaluate(async ({ name, source, trackers }) => {
      const pair = [0, 1].map(() => new Easypeers(`config ${name}`, { trackers, rtcConfig: (0, eval)(`(${source})`) }))
      await Promise.all(pair.map(({ ready }) => ready))
      pair.forEach(easypeers => easypeers.close())
      return true
    }, { name, source, trackers })
    assert.ok(connected, name)
  }
  const refused = await page.evaluate(() => [
    [{ urls: 'stun:a' }], { urls: 'stun:a' }, new Response('{}'), { iceServers: 'stun:a' }, { iceServers: fetch('/') }, 5, 'stun:a',
  ].map(rtcConfig => {
    try {
      return String(new Easypeers('config', { rtcConfig }))
    } catch (error) {
      return [error instanceof TypeError, error.code]
    }
  }))
  assert.deepEqual(refused, refused.map(() => [true, 'ERR_INVALID_ARG_TYPE']))
})

behavior('without a listener, what is wrong is on the console, once for each kind, however often it comes', async world => {
  const page = await world.page()
  const counts = () => {
    const lines = world.consoles.get(page)
    return ['ERR_UNKNOWN_OPTION', 'ERR_RTC_CONFIG', 'ERR_ICE_URL'].map(code => lines.filter(line => line.includes(code)).length)
  }
  const { url } = await world.tracker()
  await page.evaluate(async url => {
    let [asked, joined] = [0, 0]
    await new Promise(resolve => {
      window.quiet = new Easypeers('console', {
        trackers: [url], maxpeers: 4, colour: 'red', timeout: 100,
        rtcConfig: async () => {
          asked++
          if (asked <= 6) throw new Error('no credentials')
          resolve()
          // What it gives is kept for a while.
          return { iceServers: [{ urls: ['http:a', 'http:b'] }, { urls: 'turn:c' }] }
        },
      })
      // Who joins anew makes offers anew, and asks anew after a failure.
      const again = setInterval(() => {
        quiet.address = (++joined).toString(16).padStart(40, '0')
        if (asked > 6) clearInterval(again)
      }, 50)
    })
  }, url)
  await page.evaluate(() => new Promise(resolve => { quiet.once('close', resolve); quiet.close() }))
  assert.deepEqual(counts(), [1, 1, 1], world.consoles.get(page).join('\n'))
  assert.ok(world.consoles.get(page).some(line => /maxPeers/.test(line)))
})

behavior('who listens has the console to itself', async world => {
  const page = await world.page()
  const heard = await page.evaluate(() => new Promise(resolve => {
    const easypeers = new Easypeers('quiet', { trackers: [], maxpeers: 4 })
    easypeers.on('warning', warning => {
      easypeers.close()
      resolve(warning.code)
    })
  }))
  assert.equal(heard, 'ERR_UNKNOWN_OPTION')
  assert.deepEqual(world.consoles.get(page).filter(line => line.includes('easypeers')), [])
})

behavior('an option of another library is named with the one that is meant', async world => {
  const page = await world.page()
  const heard = await page.evaluate(async () => {
    const easypeers = new Easypeers('names', { trackers: [], secret: 'x', password: 'x', iceServers: [], announce: [], maxpeers: 4 })
    const texts = []
    await new Promise(resolve => easypeers.on('warning', ({ message }) => texts.push(message) === 4 && resolve()))
    easypeers.close()
    return texts
  })
  const meant = [/'password'.*secret/, /'iceServers'.*rtcConfig/, /'announce'.*trackers/, /'maxpeers'.*maxPeers/]
  meant.forEach((pattern, i) => assert.match(heard[i], pattern))
  const refused = await page.evaluate(() => {
    try {
      return String(new Easypeers('names', { password: 'x' }))
    } catch (error) {
      return error.message
    }
  })
  assert.match(refused, /call it 'secret'/)
})
