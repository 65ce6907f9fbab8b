'use strict'
// What all pages share: which swarm to join, what is wrong in words, how a peer looks, and a log that does
// not grow. Classic scripts rather than modules, so that a page opened from a file can still say what to do.

const $ = id => document.getElementById(id)
const query = new URLSearchParams(location.search)

// On a phone the page that one is on may be out of sight in the menu.
for (const link of document.querySelectorAll('header nav [aria-current]')) {
  link.parentElement.scrollLeft = link.offsetLeft - link.parentElement.offsetLeft - 60
}

// ---- joining

/** Where the page's URL leads, as `{ topic, options }`; `undefined` when nothing can be joined, after saying why on the page. */
async function destination () {
  const obstacle = whatStandsInTheWay()
  if (obstacle) return void giveUp(obstacle)

  const tracker = query.get('tracker') || await demoTracker()
  const options = {}
  if (tracker) options.tracker = [tracker] // an array replaces the public list
  if (tracker && isHere(tracker)) options.rtcConfig = { iceServers: [] } // a demo stays at home
  for (const name of ['maxPeers', 'coverage']) {
    if (query.has(name)) options[name] = Number(query.get(name))
  }
  // Nobody meets strangers without meaning to: only a tracker of one's own has a lobby.
  const topic = query.get('topic') || (tracker ? 'lobby' : randomTopic())
  query.set('topic', topic)
  history.replaceState(null, '', '?' + query)
  for (const link of document.querySelectorAll('a[href$=".html"]:not([href^="docs/"])')) link.search = '?' + query
  if ($('topic')) $('topic').value = topic
  return { topic, options }
}

/** Joins a swarm, as `window.easypeers`; `undefined` when that cannot be, after saying why on the page. */
function enter (topic, options) {
  try {
    return (window.easypeers = new Easypeers(topic, options))
  } catch (error) {
    giveUp(`Easypeers could not start: ${error.message}`)
  }
}

/** Joins the swarm the page's URL asks for, or that of what `named` makes of its topic. */
async function join (named = topic => topic) {
  const place = await destination()
  return place && enter(named(place.topic), place.options)
}

$('topic-form')?.addEventListener('submit', event => {
  event.preventDefault()
  query.set('topic', $('topic').value)
  location.search = '?' + query
})

function whatStandsInTheWay () {
  if (location.protocol === 'file:') {
    return 'This page was opened as a file, and browsers keep files from loading what it needs. ' +
      'Run “npm start” in the project folder and open http://localhost:3000.'
  }
  if (typeof WebAssembly === 'undefined') {
    return 'This browser has no WebAssembly, or it is switched off (some “lockdown” modes do that). ' +
      'Allow it for this site, or use another browser.'
  }
  if (typeof RTCPeerConnection === 'undefined') {
    return 'This browser has no WebRTC, or a setting or extension switches it off. ' +
      'Allow WebRTC for this site, or use another browser.'
  }
  if (typeof Easypeers === 'undefined') {
    return 'The script pkg/easypeers.dist.js did not load. Serve this page with “npm start”, ' +
      'which also serves the pkg folder, and see the developer tools (F12) for the error.'
  }
}

/** The tracker that `npm start` runs, if this page comes from there. */
async function demoTracker () {
  try {
    const { tracker } = await (await fetch('config.json')).json()
    if (typeof tracker === 'string') return tracker
  } catch {} // no such file, or a server that answers everything with its start page
  if (isHere(`ws://${location.hostname}`)) return 'ws://localhost:8000'
}

/** Whether a tracker runs on this machine. */
const isHere = url => /^wss?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:|\/|$)/.test(url)

function randomTopic () {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), byte => byte.toString(16).padStart(2, '0')).join('')
}

// ---- saying how things are

/** Shows a problem in words at the top of the page; an empty text takes it away. */
function tell (text) {
  if ($('problem').textContent !== text) $('problem').textContent = text
  $('problem').hidden = !text
}

/** Says why this page joins nothing. */
function giveUp (why) {
  tell(why)
  $('status').dataset.state = 'failed'
  say($('status'), 'Not connected')
}

/** Keeps the status line and the problem line true. */
function showStatus (easypeers) {
  const { wireCount, peerCount, trackers } = easypeers
  // Between two attempts it is connecting again.
  const failing = trackers.filter(({ state, lastError }) => state !== 'ready' && lastError)
  const lonely = wireCount === 0
  const unreachable = lonely && trackers.length > 0 && failing.length === trackers.length

  $('status').dataset.state = !lonely ? 'connected' : unreachable ? 'failed' : 'waiting'
  say($('status'), !lonely
    ? `${count(wireCount, 'neighbor')}, ${count(peerCount, 'peer')} known`
    : unreachable
      ? 'No tracker answers'
      : trackers.some(tracker => tracker.state === 'ready')
        ? 'Nobody else here yet: open this page once more'
        : 'Asking the tracker')
  tell(unreachable ? `${whatIsWrong(failing)} Easypeers keeps trying.` : '')
}

function whatIsWrong (trackers) {
  const [{ url, lastError }] = trackers
  const why = lastError ? `: ${lastError}` : ''
  if (!navigator.onLine && !isHere(url)) return 'This device is offline.'
  return trackers.length === 1
    ? `The tracker ${url} does not answer${why}. Is it running? “npm start” starts one; ?tracker=ws://host:port names another.`
    : `None of the ${trackers.length} trackers answers, the first of them ${url}${why}. A firewall or a content blocker may stop ` +
      'them; ?tracker=wss://host names another.'
}

/** Keeps them true from now on, and lets the controls be used. */
function keepStatus (easypeers) {
  const refresh = coalesced(() => { if (!document.hidden) showStatus(easypeers) })
  for (const event of ['connect', 'disconnect', 'tracker']) easypeers.on(event, refresh)
  easypeers.on('warning', warning => console.warn(warning.message))
  easypeers.on('error', error => tell(error.message))
  document.addEventListener('visibilitychange', refresh)
  setInterval(refresh, 2000) // far peers come and go without an event
  showStatus(easypeers)
  enable()
}

/** Lets the controls be used that make sense in a swarm only. */
function enable () {
  for (const control of document.querySelectorAll(':disabled')) control.disabled = false
}

function count (number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** Sets a text only when it is new, so that a screen reader speaks it once. */
function say (element, text) {
  if (element.textContent !== text) element.textContent = text
}

/** Calls `f` soon, once for many calls. */
function coalesced (f) {
  let due = 0
  return () => { due ||= setTimeout(() => { due = 0; f() }, 100) }
}

async function copy (button, text) {
  try {
    await navigator.clipboard.writeText(text)
  } catch { // not allowed, or not a secure context
    return void prompt('Copy this:', text)
  }
  const label = button.dataset.label ??= button.textContent
  button.textContent = 'Copied'
  setTimeout(() => { button.textContent = label }, 1500)
}

// ---- scripts that can be read on the page

for (const code of document.querySelectorAll('[data-source]')) {
  code.closest('details').addEventListener('toggle', async () => {
    code.textContent ||= await (await fetch(code.dataset.source)).text()
  })
}

// ---- peers

const short = address => `${address.slice(0, 6)}…${address.slice(-4)}`
const byte = (address, index) => parseInt(address.slice(index * 2, index * 2 + 2), 16)

/** Gives an element the color of a peer; the style sheet makes it readable on light and dark. */
function paint (element, address) {
  element.classList.add('peer')
  element.style.setProperty('--hue', Math.round(byte(address, 0) * 360 / 256))
  return element
}

/** A small symmetric picture of an address. */
function identicon (address) {
  const svg = shape('svg', { class: 'identicon', viewBox: '-0.5 -0.5 6 6', 'aria-hidden': 'true' })
  let d = ''
  for (let cell = 0; cell < 15; cell++) {
    if (byte(address, 1 + cell) & 1) continue
    const x = cell % 3
    const y = Math.floor(cell / 3)
    for (const column of new Set([x, 4 - x])) d += `M${column} ${y}h1v1h-1z`
  }
  svg.append(shape('path', { d }))
  return paint(svg, address)
}

function shape (name, attributes) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const key in attributes) element.setAttribute(key, attributes[key])
  return element
}

/** An HTML element with a class and text or children; text is never read as HTML. */
function element (name, className, ...children) {
  const made = document.createElement(name)
  if (className) made.className = className
  made.append(...children)
  return made
}

// ---- messages

const LONGEST_SHOWN = 4000

/** Any value that can be sent, as text. */
function textOf (message) {
  let text
  if (typeof message === 'string') {
    text = message
  } else if (message instanceof Uint8Array) {
    text = `${count(message.length, 'byte')}: ` +
      Array.from(message.subarray(0, 32), byte => byte.toString(16).padStart(2, '0')).join(' ') + (message.length > 32 ? ' …' : '')
  } else {
    // JSON has no NaN and no BigInt, and would leave out what a Map holds.
    const inPlainWords = (key, value) => {
      if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))) return String(value)
      if (value instanceof Map || value instanceof Set) return [...value]
      if (value instanceof Error) return String(value)
      if (value instanceof Uint8Array) return count(value.length, 'byte')
      return value
    }
    try {
      const plain = JSON.parse(JSON.stringify({ message }, inPlainWords)).message
      text = typeof plain === 'string' ? plain : JSON.stringify(plain)
    } catch {
      text = 'a value that is nested too deep to be shown'
    }
  }
  return text.length <= LONGEST_SHOWN ? text : `${text.slice(0, LONGEST_SHOWN)}… (${text.length} characters)`
}

/**
 * Sends `message` and keeps `entry.delivery` true: `{ state: 'sending' | 'sent' | 'received' | 'failed', text }`.
 * `changed` is called after every change.
 */
function deliver (easypeers, entry, to, message, changed) {
  const set = (state, text) => { entry.delivery = { state, text }; changed() }
  try {
    const delivery = to ? easypeers.send(to, message) : easypeers.send(message)
    set('sending', easypeers.wireCount ? 'sending' : 'held for the first neighbor')
    delivery.then(
      receipt => to
        ? set('received', `received after ${count(receipt.hops, 'hop')}, ${Math.round(receipt.rtt)} ms`)
        : set('sent', 'handed to the swarm'),
      error => set('failed', `not delivered: ${error.message}`))
  } catch (error) {
    set('failed', `not sent: ${error.message}`)
  }
}

/** The tick of a sent message, with its meaning for those who hear the page. */
function tick ({ state, text }) {
  const marks = { sending: '○', sent: '✓', received: '✓✓', failed: '✗' }
  const mark = element('span', '', marks[state])
  mark.setAttribute('aria-hidden', 'true')
  const made = element('span', `tick ${state}`, mark, element('span', 'unseen', ` ${text}`))
  made.title = text
  return made
}

/** Why a message failed, or nothing. */
function failure ({ delivery }) {
  if (delivery?.state !== 'failed') return ''
  const made = element('span', 'failure', delivery.text)
  made.setAttribute('aria-hidden', 'true') // the tick says it
  return made
}

/** Clock time of an entry. */
function timeOf ({ time }) {
  const made = element('time', '', time.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }))
  made.dateTime = time.toISOString()
  return made
}

/** A list on the page that shows the last entries of an array and follows its end unless one has scrolled up. */
class Log {
  static LIMIT = 300

  /** Adds to an array that never holds more than the last `LIMIT` entries. */
  static push (entries, entry) {
    entries.push(entry)
    if (entries.length > Log.LIMIT) entries.shift()
  }

  constructor (list, render) {
    this.list = list
    this.render = render
    this.entries = []
    this.shown = new Map() // entry -> its element
    this.frame = 0
  }

  /** Shows another array. */
  show (entries) {
    this.entries = entries
    this.shown.clear()
    this.list.replaceChildren()
    this.refresh()
  }

  /** Draws anew what changed in `entry`. */
  change (entry) {
    const old = this.shown.get(entry)
    if (!old) return
    const follows = this.follows()
    const made = this.render(entry)
    old.replaceWith(made)
    this.shown.set(entry, made)
    if (follows) this.list.scrollTop = this.list.scrollHeight
  }

  follows () {
    return this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 60
  }

  /** Brings the page up to date at the next frame; a hidden page draws nothing. */
  refresh () {
    this.frame ||= requestAnimationFrame(() => { this.frame = 0; this.draw() })
  }

  draw () {
    const { list } = this
    const follows = this.follows()
    const wanted = new Set(this.entries)
    for (const [entry, old] of this.shown) {
      if (!wanted.has(entry)) { old.remove(); this.shown.delete(entry) }
    }
    for (const entry of this.entries) {
      if (this.shown.has(entry)) continue
      const made = this.render(entry)
      this.shown.set(entry, made)
      list.append(made)
    }
    if (follows) list.scrollTop = list.scrollHeight
  }
}
