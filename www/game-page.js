'use strict'
// The page of the game: the field, the hand, and robots, each a peer of its own in this page.

const MOST_ROBOTS = 6
const REFRESH = 500

destination().then(place => place && start(place))

function start ({ topic, options }) {
  const named = `${topic}, the game`
  const easypeers = enter(named, options)
  if (!easypeers) return
  let target
  hand($('field'), 60, (x, y) => { target = [x, y] })
  const game = play(easypeers, me => target ?? [me.x, me.y])
  let robots = 0
  $('robot').addEventListener('click', () => {
    const peer = new Easypeers(named, { ...options, tracker: [] }) // it meets this page's own peer as tabs meet
    peer.on('warning', () => {}).on('error', () => {}) // the page's own peer says it, too
    play(peer, robot)
    $('robot').disabled = ++robots >= MOST_ROBOTS
  })

  const frame = () => {
    paintField(game)
    requestAnimationFrame(frame)
  }
  frame()
  let heard = 0
  setInterval(() => {
    const { me, others } = game
    const { delivered } = easypeers.stats()
    const [it] = [...others].find(([, other]) => other.it) ?? []
    say($('turn'), others.size === 0
      ? 'Open this page once more, or add a robot: somebody has to run.'
      : me.it ? 'You are it: catch somebody!' : it ? `${short(it)} is it: run!` : 'Who is it?')
    say($('rates'), `${count(others.size + 1, 'player')}; ${Math.round((delivered - heard) * 1000 / REFRESH)} broadcasts a second come in. ` +
      (me.catches ? `You caught ${me.catches}, by direct messages; the last was acknowledged after ${Math.max(1, Math.round(me.rtt))} ms.` : ''))
    heard = delivered
  }, REFRESH)
  keepStatus(easypeers)
}

/** Draws everybody; who is it has a ring. */
function paintField ({ me, others }) {
  const pen = $('field').getContext('2d')
  const { color } = getComputedStyle($('field'))
  pen.clearRect(0, 0, WIDTH, HEIGHT)
  const dot = (address, { x, y, it }) => {
    pen.beginPath()
    pen.arc(x, y, REACH / 2, 0, 2 * Math.PI)
    pen.fillStyle = `oklch(65% 0.15 ${byte(address, 0) * 360 / 256})`
    pen.fill()
    if (address === me.address) {
      pen.beginPath()
      pen.arc(x, y, 7, 0, 2 * Math.PI)
      pen.fillStyle = color
      pen.fill()
    }
    if (!it) return
    pen.beginPath()
    pen.arc(x, y, REACH / 2 + 8, 0, 2 * Math.PI)
    Object.assign(pen, { lineWidth: 5, strokeStyle: color })
    pen.stroke()
  }
  for (const [address, other] of others) dot(address, other)
  dot(me.address, me)
}

/** Runs after the nearest when it is it, and away from who is. */
function robot (me, others) {
  const byDistance = [...others.values()].sort((a, b) => Math.hypot(a.x - me.x, a.y - me.y) - Math.hypot(b.x - me.x, b.y - me.y))
  const hunter = byDistance.find(({ it }) => it)
  if (me.it && byDistance.length > 0) return [byDistance[0].x, byDistance[0].y]
  if (!hunter || Math.hypot(hunter.x - me.x, hunter.y - me.y) > 300) return [me.x, me.y]
  // Along the walls rather than into them.
  return [2 * me.x - hunter.x + (WIDTH / 2 - me.x) / 2, 2 * me.y - hunter.y + (HEIGHT / 2 - me.y) / 2]
}
