'use strict'
// A live picture of the mesh: every known peer on the address ring, every known link, and the messages that pass.

const RADIUS = 92
const MOST_DRAWN = 200 // at maxPeers 6 a peer sees at most about 190 others

class Mesh {
  constructor (svg, onPick) {
    this.links = shape('g', { class: 'links' })
    this.nodes = shape('g', { class: 'nodes' })
    this.flights = shape('g', { class: 'flights' })
    svg.append(shape('circle', { class: 'orbit', r: RADIUS }), this.links, this.nodes, this.flights)
    this.svg = svg
    this.onPick = onPick
    this.dots = new Map() // address -> its circle
    this.places = new Map() // address -> [x, y]
    this.still = matchMedia('(prefers-reduced-motion: reduce)')
  }

  /** Draws `nodes` (addresses) in the order of the ring, this peer at the top, and `links` between them,
   *  each `{ a, b }`. */
  draw (self, nodes, links) {
    const ring = [...new Set([self, ...nodes])].sort()
    ring.push(...ring.splice(0, ring.indexOf(self)))
    ring.length = Math.min(ring.length, MOST_DRAWN)
    this.places = new Map(ring.map((address, index) => {
      const angle = 2 * Math.PI * index / ring.length - Math.PI / 2
      return [address, [RADIUS * Math.cos(angle), RADIUS * Math.sin(angle)]]
    }))
    this.svg.classList.toggle('dense', ring.length > 60)
    this.drawNodes(self, Math.max(2.2, Math.min(6, 160 / ring.length)))
    const own = this.drawLinks(self, links)
    this.svg.setAttribute('aria-label', `${count(ring.length, 'peer')} on the ring, you have ${count(own, 'link')}`)
  }

  drawNodes (self, size) {
    for (const [address, dot] of this.dots) {
      if (!this.places.has(address)) { dot.remove(); this.dots.delete(address) }
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
      dot.setAttribute('cx', x)
      dot.setAttribute('cy', y)
      dot.setAttribute('r', address === self ? Math.max(4.5, size * 1.35) : size)
    }
  }

  drawLinks (self, links) {
    const drawn = new Map() // one line per pair, whichever end reported it
    for (const { a, b } of links) {
      if (this.places.has(a) && this.places.has(b)) drawn.set([a, b].sort().join(), [a, b])
    }
    let own = 0
    const lines = []
    for (const [from, to] of drawn.values()) {
      const mine = from === self || to === self
      own += mine
      const line = shape('path', { class: mine ? 'own' : '', d: this.path(from, to) })
      if (mine) lines.push(line)
      else lines.unshift(line) // own links lie on top
    }
    this.links.replaceChildren(...lines)
    return own
  }

  /** A curve that bends towards the middle, so that links of ring neighbors and long links are told apart. */
  path (from, to) {
    const [ax, ay] = this.places.get(from)
    const [bx, by] = this.places.get(to)
    const bend = 0.3 + 0.1 * Math.hypot(ax + bx, ay + by) / RADIUS
    return `M${ax} ${ay}Q${(ax + bx) * bend} ${(ay + by) * bend} ${bx} ${by}`
  }

  /** Lets a message fly along the addresses it visited. */
  fly (visited) {
    if (document.hidden || this.still.matches || this.flights.childElementCount > 20) return
    const known = visited.filter(address => this.places.has(address))
    known.slice(1).forEach((to, hop) => {
      const dot = shape('circle', { r: 3 })
      dot.style.offsetPath = `path("${this.path(known[hop], to)}")`
      dot.style.offsetRotate = '0deg'
      this.flights.append(dot)
      dot.animate([{ offsetDistance: '0%' }, { offsetDistance: '100%' }],
        { duration: 350, delay: 350 * hop, easing: 'ease-in-out', fill: 'backwards' }).finished.finally(() => dot.remove())
    })
  }
}
