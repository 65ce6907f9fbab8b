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

/** A name that every page gives to the same address. Not unique: the address is. */
function nameOf (address) {
  return `${SHADES[byte(address, 17) % SHADES.length]} ${ANIMALS[byte(address, 18) % ANIMALS.length]}`
}

const conversations = new Map() // address, or EVERYONE -> { key, entries, unread, button, draft }
let current // the conversation in view
const log = new Log($('log'), renderEntry)

join().then(easypeers => easypeers && start(easypeers))

function start (easypeers) {
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
  $('me').replaceChildren('You are ', paint(element('span', 'who', identicon(easypeers.address), nameOf(easypeers.address)), easypeers.address))
  $('me').title = easypeers.address

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
  button.title = key
  button.append(
    key ? identicon(key) : element('span', 'identicon everyone', '∗'),
    key ? paint(element('span', 'who', nameOf(key)), key) : element('span', 'who', 'Everyone'),
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
  const name = current.key ? nameOf(current.key) : 'everyone'
  $('with').replaceChildren(...current.key
    ? [identicon(current.key), paint(element('span', 'who', name), current.key), ' ', element('span', 'hex', short(current.key))]
    : ['Everyone'])
  $('text').placeholder = $('text-label').textContent = `Message ${name}`
  $('log').dataset.empty = current.key ? `Nothing said yet. Only you and ${name} can read this.` : 'Nothing said yet.'
  $('text').value = current.draft
  log.show(current.entries)
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
    head.append(paint(element('span', 'who', nameOf(from)), from))
    head.title = from
  } else {
    head.append(element('span', 'unseen', 'You '))
  }
  if (verified === false) head.append(element('span', 'tag', 'unverified'))
  head.append(timeOf(entry))
  if (delivery) head.append(tick(delivery))
  const bubble = element('div', 'bubble', head, element('bdi', 'text', text), failure(entry))
  return mine ? element('div', 'entry mine', bubble) : element('div', 'entry', identicon(from), bubble)
}
