'use strict'
// Tag: who is “it” catches another, who is it then. A move is a broadcast, twenty a second for each player; a catch is a direct
// message, and counts when it was acknowledged.

const WIDTH = 1000
const HEIGHT = 600
const REACH = 44 // two dots that touch
const HEAD_START = 1500 // milliseconds in which who is it stands still

/** Takes part with a peer; `steer(me, others)` says where to. */
function play (easypeers, steer) {
  const me = { x: Math.random() * WIDTH, y: Math.random() * HEIGHT, it: false, since: 0, catches: 0, rtt: 0, address: easypeers.address }
  const others = new Map() // address -> { x, y, it, at }
  const now = () => performance.now()
  const within = (size, place) => Math.max(REACH / 2, Math.min(size - REACH / 2, place))
  const turn = it => Object.assign(me, { it, since: now() })

  easypeers.on('message', ({ message, from, to }) => {
    if (to && message === 'caught') {
      if (others.has(from)) others.get(from).it = false
      turn(true)
    } else if (!to && Number.isFinite(message?.x) && Number.isFinite(message?.y)) { // anybody may send anything
      others.set(from, { x: message.x, y: message.y, it: message.it === true, at: now() })
    }
  })

  setInterval(() => {
    for (const [address, { at }] of others) if (now() - at > 3000) others.delete(address)
    const [x, y] = steer(me, others)
    const far = Math.hypot(x - me.x, y - me.y) || 1
    const settled = now() - me.since > HEAD_START
    const step = me.it && !settled ? 0 : Math.min(far, me.it ? 13 : 11)
    me.x = within(WIDTH, me.x + (x - me.x) / far * step)
    me.y = within(HEIGHT, me.y + (y - me.y) / far * step)
    easypeers.send({ x: me.x, y: me.y, it: me.it })

    // Nobody is it, or two are: the lowest address decides.
    const its = [...others].filter(([, { it }]) => it)
    if (!settled) return
    if (me.it && its.some(([address]) => address < me.address)) turn(false)
    if (!me.it && its.length === 0 && others.size > 0 && [...others.keys()].every(address => me.address < address)) turn(true)
    if (!me.it) return
    const [caught] = [...others].find(([, { x, y }]) => Math.hypot(x - me.x, y - me.y) < REACH) ?? []
    if (!caught) return
    turn(false)
    easypeers.send(caught, 'caught', { timeout: 2000 })
      .then(({ rtt }) => Object.assign(me, { catches: me.catches + 1, rtt }), () => turn(true))
  }, 50)
  return { me, others }
}
