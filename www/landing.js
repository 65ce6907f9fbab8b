'use strict'
// The landing page: you are a peer on the map, and may add more, talk, and see what becomes of the swarm when half of it dies.

destination().then(place => place && start(place))

function start ({ topic, options }) {
  const refresh = coalesced(() => { if (!document.hidden) show() })
  const swarm = new Swarm(`${topic}, the map`, { maxPeers: 6, coverage: 0.33, ...options }, refresh, heard)
  const me = swarm.add(enter)
  if (!me) return
  const mesh = new Mesh($('mesh'), whisper)
  let watched // what was said last: { id, what, here, reached, farthest, copies }
  let hurt // when half was killed, until it has healed

  function show () {
    const { nodes, links, parts, gaps, own } = swarm.map()
    mesh.draw(me.address, nodes, links, own)
    showStatus(me)
    if (nodes.length > 1) {
      const whole = parts === 1 ? 'one mesh' : `${parts} parts`
      say($('status'), `${count(nodes.length, 'peer')}, ${count(links.length, 'link')}: ${whole}${gaps ? `, ${count(gaps, 'gap')} in the ring` : ''}`)
    }
    $('kill').disabled = swarm.peers.length < 2
    if (!hurt) return
    if (parts > 1 || gaps > 0) return void tellStory(`${hurt.what}: ${parts > 1 ? `${parts} parts, ` : ''}${count(gaps, 'gap')} in the ring.`)
    tellStory(`${hurt.what}. Healed after ${((performance.now() - hurt.at) / 1000).toFixed(1)} s: one mesh, no gap in the ring.`)
    hurt = undefined
  }

  function heard (peer, { id, message, from, to, has, hops }) {
    mesh.fly(has, id)
    if (watched?.id === id) {
      watched.reached++
      watched.farthest = Math.max(watched.farthest, hops)
      if (!to) tellReached()
    } else if (peer === me && !swarm.peers.some(({ address }) => address === from)) {
      tellStory(`${short(from)} says “${textOf(message).slice(0, 80)}” to ${to ? 'you' : 'all'}.`)
    }
  }

  const tellReached = coalesced(() => {
    const { here, reached, farthest } = watched
    tellStory(here === 0
      ? 'Nobody else is in this page to show it: add peers.'
      : `“hello” reached ${reached} of ${count(here, 'other peer')} of this page over ${count(farthest, 'link')} at most.`)
  })

  /** Says hello to one, wherever in the mesh it is. */
  function whisper (address) {
    const delivery = me.send(address, 'hello')
    watched = { id: delivery.id, reached: 0, farthest: 0 }
    delivery.then(
      ({ hops, rtt }) => tellStory(`${short(address)} had it over ${count(hops, 'link')}, and said so after ${Math.max(1, Math.round(rtt))} ms. Nobody between them could read it.`),
      error => tellStory(`${short(address)} did not get it: ${error.message}.`))
  }

  $('hello').addEventListener('click', () => {
    watched = { here: swarm.peers.length - 1, reached: 0, farthest: 0 }
    watched.id = me.send('hello').id
    tellReached()
  })
  $('whisper').addEventListener('click', () => {
    const others = swarm.map().nodes.filter(address => address !== me.address)
    const far = others.filter(address => !(address in me.wires))
    const choice = far.length ? far : others
    if (choice.length === 0) return tellStory('Nobody else is here yet: add peers.')
    whisper(choice[Math.floor(Math.random() * choice.length)])
  })
  $('add').addEventListener('click', async () => {
    $('add').disabled = true
    const before = swarm.peers.length
    tellStory('They join, one after the other.')
    await swarm.grow(10)
    show()
    $('add').disabled = swarm.peers.length >= Swarm.MOST
    tellStory(`${count(swarm.peers.length - before, 'peer')} more in this page.${$('add').disabled ? ' That is as many as one page should have: open another one.' : ''}`)
  })
  $('kill').addEventListener('click', () => {
    const killed = swarm.halve()
    hurt = { at: performance.now(), what: `${count(killed, 'peer')} died without a goodbye` }
    $('add').disabled = false
    show()
  })
  for (const [control, name] of [['max-peers', 'maxPeers'], ['coverage', 'coverage']]) {
    const input = $(control)
    input.value = me[name]
    say($(`${control}-value`), String(me[name]))
    input.addEventListener('input', () => {
      swarm.set(name, Number(input.value))
      say($(`${control}-value`), input.value)
    })
  }

  me.on('tracker', refresh)
  document.addEventListener('visibilitychange', refresh)
  setInterval(refresh, 1000) // far peers come and go without an event
  enable()
  show()
}

function tellStory (text) {
  say($('story'), text)
}
