'use strict'
// The diagnosis of this browser and its network, for visitors who want to know why nobody is there.

let latest

// Within a page of the documentation.
if (window !== top) document.body.classList.add('framed')

join().then(easypeers => easypeers && start(easypeers))

function start (easypeers) {
  // What is wrong is told below.
  easypeers.on('warning', () => {})
  easypeers.on('error', () => look(easypeers))
  easypeers.on('connect', () => look(easypeers))
  $('again').addEventListener('click', () => look(easypeers))
  $('copy').addEventListener('click', () => copy($('copy'), JSON.stringify(latest, null, 2)))
  look(easypeers)
}

async function look (easypeers) {
  $('again').disabled = true
  if (!latest) say($('status'), 'Looking, for up to ten seconds')
  latest = await easypeers.diagnose()
  const { findings, neighbors } = latest
  $('status').dataset.state = neighbors > 0 ? 'connected' : findings.some(isGrave) ? 'failed' : 'waiting'
  say($('status'), neighbors > 0 ? 'Yes: it connects' : findings.some(isGrave) ? 'No' : 'Nobody was met so far')
  show($('findings'), findings, ({ message, advice }) => [element('span', 'text', message), element('span', 'hint', ` ${advice}`)])
  show($('addresses'), Object.entries(KINDS), ([kind, what]) => [
    element('span', '', what), element('span', 'value', latest.candidates ? String(latest.candidates[kind]) : 'not known'),
  ])
  show($('trackers'), latest.trackers, ({ url, state, lastError }) => [
    element('span', 'url', url), element('span', 'value', state), element('span', 'failure', lastError ?? ''),
  ])
  $('no-attempts').hidden = latest.attempts.length > 0
  show($('attempts'), latest.attempts, ({ at, peer, cause, message }) => [
    element('span', '', `${new Date(at).toLocaleTimeString()} ${peer ? short(peer) : 'somebody'}`), element('span', 'value', cause),
    element('span', 'failure', message),
  ])
  for (const button of [$('again'), $('copy')]) button.disabled = false
}

/** Nobody being there is no fault of this machine. */
const isGrave = ({ code }) => !['alone', 'searching', 'locked', 'tracker-unreachable'].includes(code)

const KINDS = {
  host: 'Its own',
  mdns: 'Its own, behind a name',
  srflx: 'As a STUN server sees it',
  relay: 'At a TURN server',
}

function show (list, items, parts) {
  list.replaceChildren(...items.map(item => element('li', '', ...parts(item))))
}
