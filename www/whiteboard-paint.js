'use strict'
// How the whiteboard looks: strokes on the canvas, and cursors over it.

const pen = Object.assign($('board').getContext('2d'), { lineWidth: 6, lineCap: 'round', lineJoin: 'round' })
const arrows = new Map() // address -> the element that shows where somebody is

/** Draws a line through the points, in the color of who drew it; no points clear all. */
function paintStroke (from, points) {
  if (points.length === 0) return pen.clearRect(0, 0, pen.canvas.width, pen.canvas.height)
  pen.strokeStyle = `oklch(65% 0.15 ${byte(from, 0) * 360 / 256})`
  pen.beginPath()
  for (let i = 0; i < points.length; i += 2) pen.lineTo(points[i], points[i + 1])
  pen.stroke()
}

/** Shows where somebody is, until nothing was heard for some seconds. */
function showCursor (from, [x, y]) {
  const { canvas } = pen
  const arrow = arrows.get(from) ?? paint(element('span', 'cursor', short(from)), from)
  arrows.set(from, arrow)
  if (!arrow.isConnected) $('cursors').append(arrow)
  arrow.style.left = `${x / canvas.width * 100}%`
  arrow.style.top = `${y / canvas.height * 100}%`
  clearTimeout(arrow.silence)
  arrow.silence = setTimeout(() => {
    arrow.remove()
    arrows.delete(from)
  }, 5000)
}
