// What Firefox does not let a page do is said.

import assert from 'node:assert/strict'

import { behavior, borrow } from './harness.mjs'

behavior('WebRTC is switched off in the preferences: the constructor says so', async world => {
  const { url } = await world.tracker()
  const { browser } = await world.launch({ prefs: { 'media.peerconnection.enabled': false } })
  // The probe is for pages that have it.
  const page = await world.page({ browser, probed: false })
  const thrown = await page.evaluate(url => {
    try {
      return `made ${new Easypeers('off', { trackers: [url] })}`
    } catch (error) {
      return [error.name, error.code, error instanceof Easypeers.EasypeersError]
    }
  }, url)
  assert.deepEqual(thrown, ['EasypeersError', 'ERR_NO_WEBRTC', true])
})

behavior('a policy that forbids the tracker is named in its lastError, and in no other', async world => {
  const { port } = await world.tracker()
  const [refused, allowed] = [`ws://127.0.0.1:${port}`, `ws://localhost:${port}`]
  const policy = `default-src 'self' 'unsafe-inline' 'unsafe-eval'; connect-src 'self' data: ${allowed}`
  world.site.pages.set('/policy', `<!doctype html><title>policy</title><meta http-equiv="Content-Security-Policy" content="${policy}"><script src="/pkg/easypeers.dist.js"></script>`)
  const a = await world.join('a', 'policy', { trackers: [refused, allowed] }, await world.page({ path: '/policy' }))
  await a.until('an error of the one', (p, refused) => p.easypeers.trackers.find(({ url }) => url === refused).lastError !== null, refused)
  const trackers = new Map((await a.get('trackers')).map(({ url, lastError }) => [url, lastError]))
  assert.match(trackers.get(refused), /Content-Security-Policy forbids it: name it in connect-src/)
  assert.doesNotMatch(trackers.get(allowed) ?? '', /Policy/)
})

behavior('a server in rtcConfig that Firefox refuses, for its port, is said to be one in rtcConfig', async world => {
  const { url } = await world.tracker()
  const page = await world.page()
  const { code, message } = await page.evaluate(async url => {
    const easypeers = new Easypeers('refused', { trackers: [url], rtcConfig: { iceServers: [{ urls: 'stun:127.0.0.1:9' }] } })
    const { code, message } = await new Promise(resolve => easypeers.once('error', resolve))
    easypeers.close()
    return { code, message }
  }, url)
  assert.match(message, /stun:127\.0\.0\.1:9/)
  assert.equal(code, 'ERR_RTC_CONFIG')
})

await borrow('trackers', ['a page whose policy forbids a tracker is told that it is the policy'])
await borrow('troubles', ['rtcConfig in every way that is clear connects two pages; what is not clear is a TypeError'])
