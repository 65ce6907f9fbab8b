'use strict'
// The console: one peer and all it knows, in view.

const entries = []
const log = new Log($('log'), renderEntry)
log.show(entries)

const note = text => { Log.push(entries, { time: new Date(), text }); log.refresh() }

join().then(easypeers => easypeers && start(easypeers))

function start (easypeers) {
  const mesh = new Mesh($('mesh'), pick)
  const refresh = coalesced(() => { if (!document.hidden) show(easypeers, mesh) })

  easypeers.on('connect', address => { note(`connected to ${short(address)}`); refresh() })
  easypeers.on('disconnect', address => { note(`${short(address)} is gone`); refresh() })
  easypeers.on('message', data => {
    Log.push(entries, { time: new Date(), from: data.from, direct: 'to' in data, hops: data.hops, verified: data.verified, text: textOf(data.message) })
    log.refresh()
    mesh.fly(data.has, data.id)
  })
  easypeers.on('tracker', refresh)
  easypeers.on('warning', warning => note(warning.message))
  easypeers.on('error', error => note(error.message))
  document.addEventListener('visibilitychange', refresh)
  setInterval(refresh, 2000) // round-trip times and far peers change without an event
  refresh()

  enable()
  $('send').addEventListener('submit', event => {
    event.preventDefault()
    const text = $('text').value
    if (!text) return
    const entry = { time: new Date(), to: $('to').value, mine: true, text }
    deliver(easypeers, entry, entry.to, text, () => log.change(entry))
    Log.push(entries, entry)
    log.refresh()
    $('text').value = ''
  })
  $('copy-address').addEventListener('click', () => copy($('copy-address'), easypeers.address))
}

function show (easypeers, mesh) {
  showStatus(easypeers)
  say($('address'), easypeers.address)
  say($('wire-count'), String(easypeers.wireCount))
  const { nodes, links } = easypeers.topology()
  mesh.draw(easypeers.address, nodes, links)
  showWires(Object.values(easypeers.wires))
  showRecipients(easypeers.peers)
  showTrackers(easypeers.trackers)
}

function showWires (wires) {
  $('no-wires').hidden = wires.length > 0
  keepRows($('wires'), wires, wire => wire.address, wire => {
    const button = element('button', 'quiet', identicon(wire.address), element('span', 'hex', short(wire.address)))
    button.type = 'button'
    button.title = `Write to ${wire.address}`
    button.addEventListener('click', () => pick(wire.address))
    return element('li', '', button, element('span', 'value'))
  }, (row, wire) => say(row.lastChild, wire.rtt == null ? '' : `${Math.max(1, Math.round(wire.rtt))} ms`))
}

function showTrackers (trackers) {
  keepRows($('trackers'), trackers, tracker => tracker.url,
    tracker => element('li', '', element('span', 'hex url', tracker.url), element('span', 'value state'), element('span', 'failure')),
    (row, { state, peers, lastError, nextAttempt }) => {
      const [, value, failure] = row.children
      value.dataset.state = { ready: 'connected', waiting: 'failed' }[state] ?? 'waiting'
      say(value, { connecting: 'connecting', open: 'asking', ready: count(peers, 'peer'), waiting: 'does not answer' }[state])
      const seconds = Math.max(0, Math.round((nextAttempt - Date.now()) / 1000))
      say(failure, state !== 'waiting' ? '' : `${lastError ?? 'no connection'}; ` + (nextAttempt ? `next attempt in ${seconds} s` : 'no next attempt'))
    })
}

/** Makes the rows of a list fit `items`, keeping the rows that stay, and with them focus and selection. */
function keepRows (list, items, key, make, update) {
  const old = new Map(Array.from(list.children, row => [row.dataset.key, row]))
  items.forEach(item => {
    const row = old.get(key(item)) ?? list.appendChild(make(item))
    row.dataset.key = key(item)
    old.delete(key(item))
    update(row, item)
  })
  for (const row of old.values()) row.remove()
}

function showRecipients (peers) {
  const known = new Set(peers)
  for (const option of [...$('to').options]) {
    if (option.value && !known.delete(option.value) && !option.selected) option.remove()
  }
  for (const address of known) $('to').add(new Option(short(address), address))
}

/** Addresses the next message to one peer. */
function pick (address) {
  if (![...$('to').options].some(option => option.value === address)) $('to').add(new Option(short(address), address))
  $('to').value = address
  $('text').focus()
}

function renderEntry (entry) {
  const { from, mine, to, direct, hops, verified, text, delivery } = entry
  if (!from && !mine) return element('div', 'entry note', timeOf(entry), element('span', 'text', text))

  const who = mine
    ? element('span', 'who', 'you', element('span', 'unseen', to ? ` to ${short(to)}` : ' to everyone'))
    : paint(element('span', 'who hex', identicon(from), short(from)), from)
  const body = element('bdi', 'text', text)
  const tags = element('span', 'tags')
  if (direct) tags.append(element('span', 'tag', 'direct'))
  if (mine && to) tags.append(element('span', 'tag', `to ${short(to)}`))
  if (verified === false) tags.append(element('span', 'tag', 'unverified'))
  if (hops > 1) tags.append(element('span', 'tag', count(hops, 'hop')))
  if (delivery) tags.append(tick(delivery))
  return element('div', mine ? 'entry mine' : 'entry', timeOf(entry), who, body, tags, failure(entry))
}
