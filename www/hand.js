'use strict'
// A hand on a canvas: a mouse, a finger or the arrow keys.

/** Calls `move(x, y, pressed)` when it moves, in the units of the canvas; a key moves it by `step`, and Shift presses. */
function hand (canvas, step, move) {
  let place = [canvas.width / 2, canvas.height / 2]
  const go = (x, y, pressed) => {
    place = [Math.max(0, Math.min(canvas.width, x)), Math.max(0, Math.min(canvas.height, y))]
    move(...place, pressed)
  }
  const point = ({ offsetX, offsetY }, pressed) => {
    go(offsetX / canvas.clientWidth * canvas.width, offsetY / canvas.clientHeight * canvas.height, pressed)
  }
  canvas.addEventListener('pointermove', event => point(event, event.buttons > 0))
  canvas.addEventListener('pointerdown', event => {
    canvas.setPointerCapture(event.pointerId)
    point(event, false)
    point(event, true)
  })
  canvas.addEventListener('keydown', event => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key]
    if (!way) return
    event.preventDefault()
    go(place[0] + way[0] * step, place[1] + way[1] * step, event.shiftKey)
  })
}
