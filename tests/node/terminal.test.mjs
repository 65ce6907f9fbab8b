// The command at a terminal, driven by its keys and seen on its screen.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLI, isAlive, next, peer, TERMINAL, terminal, tracker } from './peers.mjs'

const CTRL = { C: '\x03', D: '\x04' }

/** A terminal in a swarm with one other peer, when they are linked. */
async function pair(t, topic, options) {
  const url = await tracker(t)
  const other = peer(t, topic, url)
  const seen = terminal(t, `${process.execPath} ${CLI} ${topic} --tracker ${url}`, options)
  await other.ready
  await seen.shows(new RegExp(`${other.address.slice(0, 6)} is a neighbor now`))
  return { ...seen, other, url, get pid() { return seen.pid } }
}

test('what is typed goes to everyone, and what comes appears above the line being typed', TERMINAL, async t => {
  const { other, type, shows, screen } = await pair(t, 'typing')
  type('hello there\r')
  assert.equal((await next(other, 'message')).message, 'hello there')

  type('half a lin')
  await shows(/^> half a lin$/m)
  other.send('interrupting')
  await shows(/^\d\d:\d\d [0-9a-f]{6} interrupting\n> half a lin$/m)
  assert.equal(screen.last, '> half a lin')
  // The cursor is where it was, too.
  type('\x1b[D')
  other.send('again')
  await shows(/^\d\d:\d\d [0-9a-f]{6} again\n> half a lin$/m)
  type('x')
  await shows(/^> half a lixn$/m)
  type('\r')
  assert.equal((await next(other, 'message')).message, 'half a lixn')
})

test('a line longer than the terminal is wide stays whole when a message comes', TERMINAL, async t => {
  const { other, type, shows, screen } = await pair(t, 'wrapping', { columns: 40 })
  const long = 'word '.repeat(20).trim()
  type(long)
  const typed = () => screen.lines.slice(-3).join('').trimEnd() === `> ${long}`
  await shows(typed)
  other.send('one')
  other.send('two')
  await shows(() => typed() && / one\n.* two\n> word/.test(screen.text))
  type('\r')
  assert.equal((await next(other, 'message')).message, long)
})

test('a message to one goes by the first digits of an address, Tab completes it, and its arrival is told', TERMINAL, async t => {
  const { other, type, shows } = await pair(t, 'direct')
  const digits = other.address.slice(0, 6)
  const heard = next(other, 'message')
  type(`/to ${digits} only you\r`)
  const { message, to } = await heard
  assert.deepEqual([message, to.length], ['only you', 1])
  await shows(new RegExp(`${digits} has it: \\d+ ms, 1 hop`))

  // A Tab that comes in one piece with others counts as pasted, and as text.
  type('/t')
  await shows(/^> \/t$/m)
  type('\t')
  await shows(/^> \/to$/m)
  type(digits.slice(0, 4))
  await shows(new RegExp(`^> /to ${digits.slice(0, 4)}$`, 'm'))
  type('\t')
  await shows(new RegExp(`^> /to ${other.address}$`, 'm'))
  type('{"a":[1]}\r')
  assert.deepEqual((await next(other, 'message')).message, { a: [1] })

  type(`/to ${'0'.repeat(40)} nobody\r`)
  await shows(/Not delivered to 000000: \w+/)
})

test('JSON that is typed arrives as the value, and what only looks like it as text', TERMINAL, async t => {
  const { other, type } = await pair(t, 'json')
  for (const [typed, value] of [['{"a":1}', { a: 1 }], ['[1,"b"]', [1, 'b']], ['{oh', '{oh'], ['12', '12'], ['//etc', '/etc']]) {
    const heard = next(other, 'message')
    type(`${typed}\r`)
    assert.deepEqual((await heard).message, value)
  }
})

test('what others send cannot reach the terminal but as text, nor fill it', TERMINAL, async t => {
  const { other, type, shows, screen } = await pair(t, 'escapes')
  other.send('\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp\r> forged\n12:00 000000 forged too')
  await shows(/forged too/)
  for (const unsafe of ['\x1b]', '\x07', '\x1b[2J', '\x9b', '\u202e']) assert.ok(!screen.raw.includes(unsafe), JSON.stringify(unsafe))
  assert.match(screen.text, /\\u001b\]0;owned\\u0007\\u001b\[2J\\u009b31m\\u202egnp\\r> forged\n +│ 12:00 000000 forged too/)
  other.send({ key: '\x1b[31m' })
  await shows(/\{"key":"\\u001b\[31m"\}/)
  other.send('x'.repeat(100_000))
  await shows(/x… \(100000 characters\)/)
  other.send('y\n'.repeat(1000))
  await shows(/… \(1001 lines\)/)
  type('still here\r')
  assert.equal((await next(other, 'message')).message, 'still here')
})

test('the commands show the peers, the mesh and the counters, and an unknown one names what is near', TERMINAL, async t => {
  const { other, type, shows } = await pair(t, 'commands')
  type('/peers\r')
  await shows(new RegExp(`1 peer known, 1 neighbor:\n.*${other.address}  neighbor`))
  type('/mesh\r')
  await shows(new RegExp(`2 peers and 1 link known.*\n┌.*you\n├── ${other.address.slice(0, 6)}  your (next|previous)`))
  type('/stats\r')
  await shows(/packets in +\d/)
  type('/help\r')
  await shows(/\/join TOPIC +leave/)
  type('/pears\r')
  await shows(/There is no \/pears\. Did you mean \/peers\?/)
  const gone = next(other, 'disconnect')
  type('/join elsewhere\r')
  await shows(/Swarm elsewhere\./)
  await gone
})

for (const [name, keys] of Object.entries({ 'Ctrl-C': CTRL.C, 'Ctrl-D': CTRL.D, '/quit': '/quit\r' })) {
  test(`${name} says goodbye, and leaves no process`, TERMINAL, async t => {
    const { other, type, exit, pid } = await pair(t, 'leaving')
    assert.ok(isAlive(pid))
    const gone = next(other, 'disconnect')
    type(keys)
    await gone
    assert.equal(await exit, 0)
    assert.ok(!isAlive(pid))
  })
}

test('a terminal that is closed leaves no process', TERMINAL, async t => {
  const { other, child, pid } = await pair(t, 'closing')
  const gone = next(other, 'disconnect')
  child.kill('SIGKILL')
  await gone
  while (!t.signal.aborted && isAlive(pid)) await new Promise(resolve => setImmediate(resolve))
})

test('without a topic it makes one up, and says how others join', TERMINAL, async t => {
  const url = await tracker(t)
  const { shows, type, exit } = terminal(t, `${process.execPath} ${CLI} --tracker ${url}`)
  const [, topic] = await shows(/Others join with: npx easypeers ([0-9a-f]{16}) --tracker ws:/)
  await shows(/Nobody else is here yet/)
  const other = peer(t, topic, url)
  await other.ready
  type(CTRL.C)
  assert.equal(await exit, 0)
})

test('a tracker that cannot be reached is said once, in words', TERMINAL, async t => {
  const { shows, type, exit, screen } = terminal(t, `${process.execPath} ${CLI} nowhere --tracker ws://localhost:1`)
  await shows(/The tracker ws:\/\/localhost:1 does not answer/)
  type('hello?\r')
  await shows(/Held until somebody is here/)
  assert.equal(screen.text.match(/does not answer/g).length, 1)
  type(CTRL.C)
  assert.equal(await exit, 0)
})

test('the secret is asked for, and not shown', TERMINAL, async t => {
  const url = await tracker(t)
  const other = peer(t, 'secretly', url, { secret: 'open sesame' })
  const { shows, type, screen } = terminal(t, `${process.execPath} ${CLI} secretly --secret --tracker ${url}`)
  await shows(/Secret of the swarm:/)
  type('open sesame\r')
  await other.ready
  assert.ok(!screen.raw.includes('sesame'))
})
