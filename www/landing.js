'use strict'
// The landing page: you are a peer on the map, and may add more, talk, and see what becomes of the swarm when half of it dies. It is
// the swarm of the chat and the console, too.

destination().then(place => place && new Landing(place))

class Landing {
  constructor ({ topic, options }) {
    this.refresh = coalesced(() => { if (!document.hidden) this.show() })
    this.swarm = new Swarm(topic, { maxPeers: 6, coverage: 0.33, ...options }, this.refresh, (peer, data) => this.heard(peer, data))
    this.me = this.swarm.add(enter)
    if (!this.me) return
    this.mesh = new Mesh($('mesh'), address => this.whisper(address))
    this.said = undefined // the last hello: `{ id, toOne, others, reached, farthest }`
    this.hurt = undefined // from the death of many until all is well again: `{ at, what }`

    $('add').addEventListener('click', () => this.add())
    $('kill').addEventListener('click', () => this.kill())
    $('hello').addEventListener('click', () => this.greet())
    $('whisper').addEventListener('click', () => this.whisperFar())
    this.slide('max-peers', 'maxPeers')
    this.slide('coverage', 'coverage')
    this.me.on('tracker', this.refresh)
    this.me.on('warning', warning => console.warn(warning.message))
    this.me.on('error', error => tell(error.message))
    document.addEventListener('visibilitychange', this.refresh)
    setInterval(this.refresh, 1000) // far peers come and go without an event
    enable()
    this.show()
  }

  show () {
    const { nodes, links, parts, gaps, own } = this.swarm.map()
    this.mesh.draw(this.me.address, nodes, links, own)
    $('alone').hidden = nodes.length > 1
    $('kill').disabled = this.swarm.peers.length < 2
    showStatus(this.me)
    const state = [parts > 1 && `${parts} parts`, gaps > 0 && `${count(gaps, 'gap')} in the ring`].filter(Boolean).join(', ')
    if (nodes.length > 1) say($('status'), `${count(nodes.length, 'peer')}, ${count(links.length, 'link')}: ${state || 'one mesh'}`)

    if (!this.hurt) return
    const { at, what } = this.hurt
    if (state) return tellStory(`${what}: ${state}.`)
    const seconds = (performance.now() - at) / 1000
    tellStory(`${what}. ${seconds < 0.1 ? 'What is left holds' : `Healed after ${seconds.toFixed(1)} s`}: one mesh, no gap in the ring.`)
    this.hurt = undefined
  }

  /** A peer of this page has a message. */
  heard (peer, { id, message, from, to, has, hops }) {
    this.mesh.fly(has, id)
    if (this.said?.id === id) {
      this.said.reached++
      this.said.farthest = Math.max(this.said.farthest, hops)
      this.tellReached()
    } else if (peer === this.me && !this.swarm.peers.some(({ address }) => address === from)) {
      tellStory(`${short(from)} says “${textOf(message).slice(0, 80)}” to ${to ? 'you' : 'all'}.`)
    }
  }

  // ---- what the visitor does

  greet () {
    this.said = { id: this.me.send('hello').id, others: this.swarm.peers.length - 1, reached: 0, farthest: 0 }
    this.tellReached()
  }

  tellReached = coalesced(() => {
    const { toOne, others, reached, farthest } = this.said
    if (toOne) return // its receipt says more
    tellStory(others === 0
      ? 'Nobody else is in this page to show it: add peers.'
      : `“hello” reached ${reached} of ${count(others, 'other peer')} of this page over ${count(farthest, 'link')} at most.`)
  })

  /** To one, wherever in the mesh it is. */
  whisper (address) {
    const delivery = this.me.send(address, 'hello')
    this.said = { id: delivery.id, toOne: true, reached: 0, farthest: 0 }
    delivery.then(
      ({ hops, rtt }) => tellStory(`${short(address)} had it over ${count(hops, 'link')}, and said so after ${Math.max(1, Math.round(rtt))} ms. Nobody between them could read it.`),
      error => tellStory(`${short(address)} did not get it: ${error.message}.`))
  }

  /** To one that is no neighbor, if there is one. */
  whisperFar () {
    const others = this.swarm.map().nodes.filter(address => address !== this.me.address)
    const far = others.filter(address => !(address in this.me.wires))
    const choice = far.length > 0 ? far : others
    if (choice.length === 0) tellStory('Nobody else is here yet: add peers.')
    else this.whisper(choice[Math.floor(Math.random() * choice.length)])
  }

  async add () {
    const { swarm } = this
    const before = swarm.peers.length
    $('add').disabled = true
    tellStory('They join, one after the other.')
    await swarm.grow(10)
    this.show()
    tellStory(`${count(Math.max(0, swarm.peers.length - before), 'peer')} more in this page.${swarm.full ? ' That is as many as one page should have: open another one.' : ''}`)
    this.limit()
  }

  kill () {
    this.hurt = { at: performance.now(), what: `${count(this.swarm.halve(), 'peer')} died without a goodbye` }
    this.limit()
    this.show()
  }

  /** One page has only so many connections. */
  limit () {
    $('add').disabled = this.swarm.full
  }

  /** A slider sets an option of all peers of this page. */
  slide (control, name) {
    const value = $(`${control}-value`)
    $(control).value = this.me[name]
    say(value, String(this.me[name]))
    $(control).addEventListener('input', ({ target }) => {
      const wanted = Number(target.value)
      const set = this.swarm.set(name, wanted)
      if (set < wanted) tellStory(`With ${count(this.swarm.peers.length, 'peer')} in one page, ${count(set, 'link')} each is what a browser bears.`)
      target.value = set
      say(value, String(set))
      this.limit()
    })
  }
}

/** What just happened, in words. */
function tellStory (text) {
  say($('story'), text)
}
