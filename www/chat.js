'use strict'
// The chat: one conversation with everyone, and one with each peer that is picked.

const MOST_CONVERSATIONS = 200
const EVERYONE = ''
const SHADES = ('Amber Azure Brisk Calm Clear Coral Cosmic Crisp Dapper Deft Eager Early Fair Fleet Fond Gentle Glad Golden ' +
  'Grand Happy Hazel Ivory Jade Jolly Keen Kind Lively Lucid Lunar Merry Mild Misty Noble Opal Plucky Proud Quick Quiet ' +
  'Rapid Ruby Rustic Sage Silver Snowy Solar Steady Sunny Swift Tidy Velvet Vivid Warm Wise Witty').split(' ')
const ANIMALS = ('Badger Bear Beaver Bee Bison Bunting Camel Crane Crow Deer Dolphin Dove Duck Eagle Egret Falcon Ferret Finch ' +
  'Fox Gecko Goose Hare Hawk Hedgehog Heron Ibex Ibis Jackdaw Jay Kestrel Kiwi Koala Lark Lemur Lizard Lynx Magpie Marten Mole ' +
  'Moose Newt Otter Owl Panda Pelican Puffin Quail Raven Robin Salmon Seal Sparrow Stork Swan Tapir Tern Tiger Toad Turtle ' +
  'Vole Walrus Weasel Whale Wolf Wren Yak Zebra').split(' ')

// Who somebody is says the whole address. A name and a picture only help to follow a talk: keys are free, and whoever tries
// some thousands of them has one whose address gets the same.

const MOST_LABELS = 1000
const labels = new Map() // address -> what it is called, with digits where another one has its name, too

/** A name that every page gives to the same address. Not unique: the address is. */
function nameOf (address) {
  return `${SHADES[byte(address, 17) % SHADES.length]} ${ANIMALS[byte(address, 18) % ANIMALS.length]}`
}

/** What an address is called here: no other that was met here is called the same. */
function labelOf (address) {
  if (!labels.has(address)) {
    if (labels.size >= MOST_LABELS) labels.delete(labels.keys().next().value)
    const name = nameOf(address)
    labels.set(address, name)
    const alike = [...labels.keys()].filter(other => nameOf(other) === name)
    if (alike.length > 1) {
      let digits = 8
      while (new Set(alike.map(one => one.slice(0, digits))).size < alike.length) digits += 4
      for (const one of alike) labels.set(one, `${name} ${grouped(one.slice(0, digits))}`)
      relabel()
    }
  }
  return labels.get(address)
}

/** Digits as people compare them. */
function grouped (digits) {
  return digits.match(/.{1,4}/g).join(' ')
}

/** What somebody is called; a click shows who that is. `claimed`: by messages that prove no address. */
function nameTag (address, { claimed = false } = {}, ...children) {
  const tag = paint(element('button', 'who', ...children, labelOf(address)), address)
  tag.type = 'button'
  tag.title = grouped(address)
  tag.setAttribute('aria-haspopup', 'dialog')
  tag.addEventListener('click', () => showIdentity(address, claimed))
  return tag
}

/** Shows a whole address, to be compared with one that came another way. */
function showIdentity (address, claimed) {
  $('identity-name').replaceChildren(identicon(address), paint(element('span', 'who', labelOf(address)), address))
  $('identity-address').textContent = `${grouped(address.slice(0, 20))}\n${grouped(address.slice(20))}`
  $('identity-proven').hidden = claimed
  $('identity-claimed').hidden = !claimed
  $('identity-copy').onclick = () => copy($('identity-copy'), address)
  $('identity-other').value = ''
  $('identity-other').oninput = () => {
    const other = $('identity-other').value.replace(/[\s:]/g, '').toLowerCase()
    const state = !other ? '' : other === address ? 'connected' : address.startsWith(other) ? 'waiting' : 'failed'
    $('identity-result').dataset.state = state
    say($('identity-result'), { '': '', connected: 'The same', waiting: 'The same so far', failed: 'Somebody else' }[state])
  }
  $('identity-other').oninput()
  $('identity').showModal()
}

const conversations = new Map() // address, or EVERYONE -> { key, entries, unread, button, draft }
let current // the conversation in view
let me // this peer's address
const log = new Log($('log'), renderEntry)

/** Somebody is called otherwise now. */
const relabel = coalesced(() => {
  for (const { key, button } of conversations.values()) if (key) say(button.querySelector('.who'), labelOf(key))
  if (me) showMe()
  if (current) showWith()
  for (const entry of log.entries) log.change(entry)
})

join().then(easypeers => easypeers && start(easypeers))

function start (easypeers) {
  me = easypeers.address
  showMe()
  const refresh = coalesced(() => { if (!document.hidden) show(easypeers) })

  easypeers.on('connect', refresh)
  easypeers.on('disconnect', refresh)
  easypeers.on('tracker', refresh)
  easypeers.on('warning', warning => console.warn(warning.message))
  easypeers.on('error', error => tell(error.message))
  easypeers.on('message', ({ message, from, to, verified }) => {
    const conversation = conversationWith(to ? from : EVERYONE)
    Log.push(conversation.entries, { time: new Date(), from, verified, text: textOf(message) })
    if (conversation === current) log.refresh()
    if (conversation !== current || document.hidden) markUnread(conversation, conversation.unread + 1)
  })
  document.addEventListener('visibilitychange', () => { markUnread(current, 0); refresh() })
  setInterval(refresh, 2000) // far peers come and go without an event
  refresh()

  select(conversationWith(EVERYONE))
  enable()
  $('send').addEventListener('submit', event => {
    event.preventDefault()
    const text = $('text').value.trim()
    if (!text) return
    const { key, entries } = current
    const entry = { time: new Date(), mine: true, text }
    deliver(easypeers, entry, key, text, () => log.change(entry))
    Log.push(entries, entry)
    log.refresh()
    $('text').value = ''
    $('text').focus()
  })
  $('text').addEventListener('keydown', event => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault()
      $('send').requestSubmit()
    }
  })
  $('invite').addEventListener('click', () => copy($('invite'), location.href))
}

function show (easypeers) {
  showStatus(easypeers)
  const here = new Set(easypeers.peers)
  for (const address of here) {
    if (conversations.size < MOST_CONVERSATIONS) conversationWith(address)
  }
  for (const conversation of conversations.values()) {
    const { key, button } = conversation
    if (key === EVERYONE) continue
    button.classList.toggle('gone', !here.has(key))
    button.classList.toggle('near', key in easypeers.wires)
    say(button.querySelector('.presence'), !here.has(key) ? 'left' : key in easypeers.wires ? 'neighbor' : '')
    if (!here.has(key) && isForgettable(conversation)) forget(conversation)
  }
}

function showMe () {
  $('me').replaceChildren('You are ', nameTag(me, {}, identicon(me)))
}

// ---- conversations

function conversationWith (key) {
  let conversation = conversations.get(key)
  if (conversation) return conversation

  if (conversations.size >= MOST_CONVERSATIONS) {
    const others = [...conversations.values()].filter(other => other !== current && other.key !== EVERYONE)
    forget(others.find(isGone) ?? others.find(isForgettable) ?? others[0])
  }
  const button = element('button', '')
  conversation = { key, entries: [], unread: 0, button, draft: '' }
  button.type = 'button'
  if (key) button.title = key
  button.append(
    key ? identicon(key) : element('span', 'identicon everyone', '∗'),
    key ? paint(element('span', 'who', labelOf(key)), key) : element('span', 'who', 'Everyone'),
    element('span', 'presence'), element('span', 'badge'))
  button.addEventListener('click', () => { select(conversation); $('text').focus() })
  conversations.set(key, conversation)
  $('people').append(element('li', '', button))
  return conversation
}

const isGone = ({ button }) => button.classList.contains('gone')

/** Nothing was said in it and nobody looks at it. */
function isForgettable (conversation) {
  return conversation !== current && conversation.key !== EVERYONE && conversation.entries.length === 0
}

function forget ({ key, button }) {
  button.parentElement.remove()
  conversations.delete(key)
}

function select (conversation) {
  if (current) {
    current.draft = $('text').value
    current.button.removeAttribute('aria-current')
  }
  current = conversation
  current.button.setAttribute('aria-current', 'true')
  markUnread(current, 0)
  showWith()
  $('text').value = current.draft
  log.show(current.entries)
}

/** Whom one talks to: of a peer so many digits that nobody finds another key for them. */
function showWith () {
  const { key } = current
  const name = key ? labelOf(key) : 'everyone'
  $('with').replaceChildren(...key
    ? [nameTag(key, { claimed: current.entries.some(entry => entry.verified === false) }, identicon(key)), ' ', element('span', 'hex', `${grouped(key.slice(0, 24))} …`)]
    : ['Everyone'])
  $('text').placeholder = $('text-label').textContent = `Message ${name}`
  $('log').dataset.empty = key ? `Nothing said yet. Only you and ${name} can read this.` : 'Nothing said yet.'
}

function markUnread (conversation, unread) {
  conversation.unread = unread
  const badge = conversation.button.querySelector('.badge')
  badge.replaceChildren(...unread ? [unread > 99 ? '99+' : String(unread), element('span', 'unseen', ' unread')] : [])
  const all = [...conversations.values()].reduce((sum, other) => sum + other.unread, 0)
  document.title = all ? `(${all > 99 ? '99+' : all}) Easypeers chat` : 'Easypeers chat'
}

function renderEntry (entry) {
  const { from, mine, verified, text, delivery } = entry
  const head = element('p', 'head')
  if (!mine) {
    head.append(nameTag(from, { claimed: verified === false }))
  } else {
    head.append(element('span', 'unseen', 'You '))
  }
  if (verified === false) head.append(element('span', 'tag', 'unverified'))
  head.append(timeOf(entry))
  if (delivery) head.append(tick(delivery))
  const bubble = element('div', 'bubble', head, element('bdi', 'text', text), failure(entry))
  return mine ? element('div', 'entry mine', bubble) : element('div', 'entry', identicon(from), bubble)
}
