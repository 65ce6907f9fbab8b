'use strict'
// The editor: one text that all pages of a topic write together. CodeMirror shows it, Yjs keeps it the same everywhere, and
// Easypeers carries it. What these need is in editor-parts.js.

const LONGEST_NAME = 24

join(topic => `${topic}, the editor's`).then(easypeers => easypeers && start(easypeers))

function start (easypeers) {
  const {
    EasypeersProvider, EditorState, EditorView, Doc, UndoManager, defaultKeymap, drawSelection, keymap, placeholder, yCollab, yUndoManagerKeymap,
  } = EditorParts
  const doc = new Doc()
  const text = doc.getText('text')
  const { awareness } = new EasypeersProvider('text', doc, { easypeers })

  const view = new EditorView({
    parent: $('text'),
    state: EditorState.create({
      extensions: [
        // Tab is left to the page: it leads out of the text.
        keymap.of([...yUndoManagerKeymap, ...defaultKeymap]),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ 'aria-label': 'The text' }),
        drawSelection(),
        placeholder('Write something. Whoever opens this topic writes along.'),
        yCollab(text, asShown(awareness, doc), { undoManager: new UndoManager(text) }),
      ],
    }),
  })

  // Not before the first time: a name is asked for nowhere.
  const name = $('name')
  name.value = kept('name') ?? `Guest ${easypeers.address.slice(0, 4)}`
  const introduce = () => awareness.setLocalStateField('user', { name: nameIn({ name: name.value }) })
  name.addEventListener('input', () => {
    introduce()
    keep('name', name.value)
  })
  introduce()

  const refresh = coalesced(() => { if (!document.hidden) show(easypeers, awareness, view, doc) })
  for (const event of ['connect', 'disconnect', 'tracker']) easypeers.on(event, refresh)
  easypeers.on('warning', warning => console.warn(warning.message))
  easypeers.on('error', error => tell(error.message))
  awareness.on('change', refresh)
  document.addEventListener('visibilitychange', refresh)
  setInterval(refresh, 2000) // far peers come and go without an event
  refresh()
  enable()
  $('invite').addEventListener('click', () => copy($('invite'), location.href))
  document.querySelector('.skip').addEventListener('click', event => {
    event.preventDefault()
    view.focus()
  })
}

// ---- what others say of themselves

/** Anybody may say anything there: a name is cut, a color is ours, and a cursor that is none is left out. */
function asShown (awareness, doc) {
  const person = (client, state) => ({
    user: { name: nameIn(state.user), color: color(client), colorLight: color(client, 0.3) },
    cursor: placeOf(state.cursor, doc) === null ? null : state.cursor,
  })
  return Object.create(awareness, {
    getStates: { value: () => new Map([...awareness.getStates()].map(([client, state]) => [client, person(client, state)])) },
  })
}

function nameIn (user) {
  const name = typeof user?.name === 'string' ? user.name : ''
  return name.trim().slice(0, LONGEST_NAME) || 'Somebody'
}

/** Where a cursor is in the text; `null` where there is none. */
function placeOf (cursor, doc) {
  try {
    const places = [cursor.anchor, cursor.head].map(place => EditorParts.createAbsolutePositionFromRelativePosition(place, doc))
    return places.every(place => place.type === doc.getText('text')) ? places[1].index : null
  } catch {
    return null
  }
}

/** The same for a client in every page, and readable on light and dark. */
function color (client, alpha = 1) {
  return `oklch(62% 0.15 ${hue(client)} / ${alpha})`
}

const hue = client => Math.round(client * 137.508) % 360

// ---- who is there

function show (easypeers, awareness, view, doc) {
  showStatus(easypeers)
  const list = $('people')
  const states = awareness.getStates()
  const others = [...states].filter(([client]) => client !== awareness.clientID)
  const wanted = [[awareness.clientID, states.get(awareness.clientID) ?? {}], ...others]
  list.replaceChildren(...wanted.map(([client, state]) => {
    const dot = element('span', 'dot')
    dot.style.setProperty('--hue', hue(client))
    const who = element('span', 'who', nameIn(state.user))
    if (client === awareness.clientID) return element('li', 'row', dot, who, element('span', 'presence', 'you'))
    const place = placeOf(state.cursor, doc)
    const button = element('button', '', dot, who, element('span', 'presence', place === null ? 'reading' : 'writing'))
    button.type = 'button'
    button.disabled = place === null
    button.title = place === null ? '' : 'Show where'
    button.addEventListener('click', () => {
      const now = placeOf(awareness.getStates().get(client)?.cursor, doc)
      if (now !== null) view.dispatch({ effects: EditorParts.EditorView.scrollIntoView(now, { y: 'center' }) })
    })
    return element('li', '', button)
  }))
}

// ---- what this browser keeps

function kept (key) {
  try {
    return localStorage.getItem(`easypeers-editor-${key}`)
  } catch { // not allowed here
    return null
  }
}

function keep (key, value) {
  try {
    localStorage.setItem(`easypeers-editor-${key}`, value)
  } catch {} // not allowed here, or full
}
