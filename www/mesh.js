'use strict'
// A live picture of the mesh: every known peer on the address ring, every known link, and the messages that pass.

const RADIUS = 92
const MOST_DRAWN = 200 // at maxPeers 6 a peer sees at most about 190 others
const STEP = 420 // milliseconds in which a message is drawn to cross a link: it takes far fewer
const MOST_FLYING = 160

class Mesh {
  constructor (svg, onPick) {
    this.links = shape('g', { class: 'links' })
    this.nodes = shape('g', { class: 'nodes' })
    this.flights = shape('g', { class: 'flights' })
    svg.append(shape('circle', { class: 'orbit', r: RADIUS }), this.links, this.nodes, this.flights)
    this.svg = svg
    this.onPick = onPick
    this.dots = new Map() // address -> its circle
    this.lines = new Map() // both addresses -> the path between them
    this.places = new Map() // address -> [x, y]
    this.crossed = new Map() // id of a message -> the links on which it was drawn
    this.still = matchMedia('(prefers-reduced-motion: reduce)')
  }

  /** Draws `nodes` (addresses) in the order of the ring, this peer at the top, and `links` between them,
   *  each `{ a, b }`. Those of `here` are marked. */
  draw (self, nodes, links, here = new Set()) {
    const ring = [...new Set([self, ...nodes])].sort()
    ring.push(...ring.splice(0, ring.indexOf(self)))
    ring.length = Math.min(ring.length, MOST_DRAWN)
    this.places = new Map(ring.map((address, index) => {
      const angle = 2 * Math.PI * index / ring.length - Math.PI / 2
      return [address, [RADIUS * Math.cos(angle), RADIUS * Math.sin(angle)]]
    }))
    this.svg.classList.toggle('dense', ring.length > 60)
    this.drawNodes(self, Math.max(2.2, Math.min(6, 160 / ring.length)), here)
    const own = this.drawLinks(self, links)
    this.svg.setAttribute('aria-label', `${count(ring.length, 'peer')} on the ring, you have ${count(own, 'link')}`)
  }

  drawNodes (self, size, here) {
    for (const [address, dot] of this.dots) {
      if (this.places.has(address)) continue
      this.dots.delete(address)
      dot.classList.add('gone')
      played(dot, [{ opacity: 1 }, { opacity: 0 }], { duration: 700, easing: 'ease-in' })
    }
    for (const [address, [x, y]] of [...this.places].reverse()) { // this peer, the first, lies on top
      let dot = this.dots.get(address)
      if (!dot) {
        dot = paint(shape('circle', {}), address)
        const title = shape('title', {})
        title.textContent = address === self ? `${short(address)} (you)` : short(address)
        dot.append(title)
        if (address !== self) dot.addEventListener('click', () => this.onPick(address))
        this.dots.set(address, dot)
        this.nodes.append(dot)
      }
      dot.classList.toggle('self', address === self)
      dot.classList.toggle('here', here.has(address))
      dot.setAttribute('cx', x)
      dot.setAttribute('cy', y)
      dot.setAttribute('r', address === self ? Math.max(4.5, size * 1.35) : size)
    }
  }

  drawLinks (self, links) {
    const drawn = new Map() // one line per pair, whichever end reported it
    for (const { a, b } of links) {
      if (this.places.has(a) && this.places.has(b)) drawn.set([a, b].sort().join(), [a, b].sort())
    }
    for (const [pair, line] of this.lines) {
      if (!drawn.has(pair)) { line.remove(); this.lines.delete(pair) }
    }
    let own = 0
    for (const [pair, [from, to]] of drawn) {
      const mine = from === self || to === self
      own += mine
      const line = this.lines.get(pair) ?? shape('path', {})
      line.setAttribute('class', mine ? 'own' : '')
      line.setAttribute('d', this.path(from, to))
      if (this.lines.has(pair)) continue
      this.lines.set(pair, line)
      if (mine) this.links.append(line)
      else this.links.prepend(line) // own links lie on top
    }
    return own
  }

  /** A curve that bends towards the middle, so that links of ring neighbors and long links are told apart. */
  path (from, to) {
    const [ax, ay] = this.places.get(from)
    const [bx, by] = this.places.get(to)
    const bend = 0.3 + 0.1 * Math.hypot(ax + bx, ay + by) / RADIUS
    return `M${ax} ${ay}Q${(ax + bx) * bend} ${(ay + by) * bend} ${bx} ${by}`
  }

  /** Lets a message cross the links between the addresses it visited, each of them once for all that tell of it. */
  fly (visited, id) {
    if (document.hidden) return
    if (!this.crossed.has(id)) this.crossed.set(id, new Set())
    if (this.crossed.size > 30) this.crossed.delete(this.crossed.keys().next().value)
    const crossed = this.crossed.get(id)
    const known = visited.filter(address => this.places.has(address))
    known.slice(1).forEach((to, hop) => {
      const from = known[hop]
      if (crossed.has(from + to) || this.flights.childElementCount > MOST_FLYING) return
      crossed.add(from + to)
      this.cross(from, to, hop * STEP)
    })
  }

  /** One link lights up, and what is at its end. */
  cross (from, to, delay) {
    const trail = shape('path', { d: this.path(from, to), pathLength: 1 })
    this.flights.append(trail)
    if (this.still.matches) return void played(trail, [{ opacity: 1 }, { opacity: 1 }], { duration: 2000 })

    const timing = { duration: STEP, delay, easing: 'ease-in-out' }
    played(trail, [
      { opacity: 1, strokeDashoffset: 1 }, { opacity: 1, strokeDashoffset: 0, offset: 0.35 }, { opacity: 0, strokeDashoffset: 0 },
    ], { ...timing, duration: 3 * STEP, fill: 'backwards' })
    const spark = shape('circle', { r: 3 })
    spark.style.offsetPath = `path("${this.path(from, to)}")`
    spark.style.offsetRotate = '0deg'
    this.flights.append(spark)
    played(spark, [{ offsetDistance: '0%', opacity: 1 }, { offsetDistance: '100%', opacity: 1 }], timing)
    this.dots.get(to)?.animate([{ stroke: 'var(--accent)', strokeWidth: 5 }, {}], { duration: 2 * STEP, delay: delay + STEP })
  }
}

/** Plays an animation of what is gone after it. */
function played (shown, frames, timing) {
  shown.animate(frames, timing).finished.finally(() => shown.remove())
}
