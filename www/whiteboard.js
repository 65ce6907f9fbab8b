'use strict'
// The whiteboard: strokes and cursors of all who are here, by broadcast. A newcomer asks a neighbor for what was drawn before.

join(topic => `${topic}, the whiteboard`).then(easypeers => easypeers && start(easypeers))

function start (easypeers) {
  const strokes = easypeers.channel('strokes')
  const cursors = easypeers.channel('cursors')
  const arePlaces = points => Array.isArray(points) && points.length < 1000 && points.every(Number.isFinite)
  let picture = [] // all strokes: who drew each, and its points x, y, x, y ...

  function draw ({ from, points }) {
    if (!arePlaces(points)) return // anybody may send anything
    picture = points.length > 0 ? [...picture, { from, points }].slice(-5000) : []
    paintStroke(from, points)
  }
  strokes.on('message', ({ from, message }) => draw({ from, points: message }))
  strokes.on('request', (_, respond) => respond(picture))
  easypeers.ready.then(neighbor => strokes.request(neighbor, 'picture')).then(old => old.forEach(draw)).catch(() => {}) // it may be gone
  cursors.on('message', ({ from, message }) => arePlaces(message) && showCursor(from, message))

  let line = []
  let place, moved
  hand($('board'), 12, (x, y, pressed) => {
    if (pressed) line.push(...line.length ? [] : place ?? [x, y], x, y)
    place = [x, y]
    moved = true
  })
  setInterval(() => { // twenty times a second is smooth, and one broadcast is enough for all of it
    if (line.length) {
      strokes.send(line)
      draw({ from: easypeers.address, points: line })
    }
    if (moved) cursors.send(place)
    line = []
    moved = false
  }, 50)
  $('clear').addEventListener('click', () => {
    strokes.send([])
    draw({ from: easypeers.address, points: [] })
  })
  keepStatus(easypeers)
}
