// The command between other programs.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { CLI, command, next, PATIENCE, peer, ROOT, tracker } from './peers.mjs'

const options = { timeout: PATIENCE }

async function folder(t) {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'easypeers-node-'))
  t.after(() => rm(dir, { recursive: true }))
  return dir
}

test('lines in are messages, messages are lines out, in a pipeline of a shell', options, async t => {
  const url = await tracker(t)
  const listener = peer(t, 'pipeline', url)
  const heard = []
  listener.on('message', ({ message }) => heard.push(message))
  const { stdout, stderr } = await promisify(execFile)('sh', ['-c', `printf 'one\\ntwo\\n' | "$0" "$1" pipeline --tracker ${url}`, process.execPath, CLI])
  assert.deepEqual([stdout, stderr, heard], ['', '', ['one', 'two']])
})

test('two of them talk, in text and in JSON, and end with 0', options, async t => {
  const url = await tracker(t)
  const text = command(t, ['talk', '--tracker', url])
  const json = command(t, ['talk', '--tracker', url, '--json'])
  const { address } = await json.event('join')
  const { address: other } = await json.event('connect')

  text.say('hello')
  const heard = await json.event('message')
  assert.deepEqual([heard.from, heard.data, heard.direct, heard.verified], [other, 'hello', false, true])
  assert.ok(!Number.isNaN(Date.parse(heard.time)))

  json.say(JSON.stringify({ to: other, message: { deep: [1, null] } }))
  assert.equal(await text.line(), '{"deep":[1,null]}')
  const { delivered, to, rtt } = await json.event('delivery')
  assert.deepEqual([delivered, to, typeof rtt], [true, other, 'number'])
  json.say('plain \x1b[2J\u202e text')
  assert.equal(await text.line(), 'plain \\u001b[2J\\u202e text')
  json.say(JSON.stringify({ message: 'two\nlines' }))
  assert.equal(await text.line(), 'two\\nlines')
  json.say(JSON.stringify({ bytes: 'AAEC' }))
  assert.equal(await text.line(), '3 bytes: 00 01 02')

  text.end()
  assert.equal(await text.exit, 0)
  assert.equal((await json.event('disconnect')).address, other)
  json.end()
  await json.event('close')
  assert.equal(await json.exit, 0)
  assert.equal(text.errors + json.errors, '')
  assert.notEqual(address, other)
})

test('what is read before anybody is there is delivered when somebody comes', options, async t => {
  const url = await tracker(t)
  const early = command(t, ['early', '--tracker', url])
  for (let i = 0; i < 1000; i++) early.say(`${i}`)
  early.end()
  const heard = []
  const late = peer(t, 'early', url)
  late.on('message', ({ message }) => heard.push(message))
  assert.equal(await early.exit, 0)
  assert.deepEqual(heard, Array.from({ length: 1000 }, (_, i) => `${i}`))
})

test('it ends with 1 when everybody has gone again before there was something to say', options, async t => {
  const url = await tracker(t)
  const left = command(t, ['left', '--tracker', url, '--json', '--timeout', '1'])
  await left.event('join')
  const other = peer(t, 'left', url)
  await left.event('connect')
  other.close()
  await left.event('disconnect')
  left.say('anybody?')
  left.end()
  assert.equal((await left.event('delivery')).delivered, false)
  assert.equal(await left.exit, 1)
})

test('it ends with 1 when nobody comes, and when a message is not delivered', options, async t => {
  const url = await tracker(t)
  const lonely = command(t, ['lonely', '--tracker', url, '--timeout', '1'])
  lonely.say('anybody?')
  lonely.end()
  assert.equal(await lonely.exit, 1)
  assert.equal(lonely.errors, 'Nobody came within 1 second: 1 message not delivered.\n')

  peer(t, 'nobody', url)
  const wrong = command(t, ['nobody', '--tracker', url, '--json'])
  await wrong.event('connect')
  wrong.say(JSON.stringify({ to: 'ab'.repeat(20), message: 'are you there?' }))
  wrong.end()
  const { delivered, code } = await wrong.event('delivery')
  assert.deepEqual([delivered, code], [false, 'ERR_UNREACHABLE'])
  assert.equal(await wrong.exit, 1)
})

test('ended while somebody is waited for, it says of each message that it was not delivered, and nothing else', options, async t => {
  const url = await tracker(t)
  const lonely = command(t, ['lonely', '--tracker', url, '--timeout', '1000', '--json'])
  lonely.say('anybody?')
  // What is said of this shows that the line before was read.
  lonely.say('{ "to": 5 }')
  lonely.end()
  await once(lonely.child.stderr, 'data')
  lonely.child.kill('SIGINT')
  const { delivered, code } = await lonely.event('delivery')
  assert.deepEqual([delivered, code], [false, 'ERR_CLOSED'])
  await lonely.exit
  assert.match(lonely.errors, /^Not sent: "to" is an address: .*\nNot delivered: .*\n$/)
})

test('it ends with 2 when it is called wrongly, and says why', options, async t => {
  const wrong = {
    '': /a topic is needed/, 'a b': /one topic, not 2/, 'x --nonsense': /'--nonsense'/, 'x --max-peers 1': /--max-peers/,
    'x --max-peers many': /--max-peers/, 'x --timeout never': /--timeout/, 'x --tracker localhost:8000': /--tracker/,
    'x --identity /nowhere/id': /--identity/, 'x --secret': /EASYPEERS_SECRET/,
  }
  for (const [args, why] of Object.entries(wrong)) {
    const called = command(t, args.split(' ').filter(Boolean))
    assert.equal(await called.exit, 2, args)
    assert.match(called.errors, why)
  }
})

test('it says what it takes, and which version it is', options, async t => {
  const help = await promisify(execFile)(process.execPath, [CLI, '--help'])
  assert.match(help.stdout, /^Usage: easypeers \[topic\][^]*--keep[^]*Exit codes:/)
  const { version } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8'))
  assert.equal((await promisify(execFile)(process.execPath, [CLI, '-v'])).stdout, `${version}\n`)
})

test('it ends with 3 where there is no WebRTC, with the command that mends it', options, async t => {
  const dir = await folder(t)
  for (const name of ['cli.mjs', 'node.cjs', 'easypeers.cjs']) await cp(path.join(path.dirname(CLI), name), path.join(dir, name))
  const bare = command(t, ['x'], { cli: path.join(dir, 'cli.mjs') })
  assert.equal(await bare.exit, 3)
  assert.match(bare.errors, /npm install node-datachannel/)
})

test('it ends without a word when nobody reads its output any more', options, async t => {
  const url = await tracker(t)
  const speaker = peer(t, 'epipe', url)
  const cut = command(t, ['epipe', '--tracker', url])
  await speaker.ready
  cut.child.stdout.destroy()
  speaker.send('into the void')
  const again = setInterval(() => speaker.closed || speaker.send('and more'), 100)
  t.after(() => clearInterval(again))
  assert.equal(await cut.exit, 0)
  assert.equal(cut.errors, '')
})

test('an identity is made once, is nobody else’s to read, and keeps the address', options, async t => {
  const file = path.join(await folder(t), 'identity')
  const address = async () => {
    const one = command(t, ['identity', '--tracker', 'ws://localhost:1', '--identity', file, '--json'])
    const { address } = await one.event('join')
    one.end()
    assert.equal(await one.exit, 0)
    return address
  }
  const first = await address()
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  assert.equal(await address(), first)

  await chmod(file, 0o644)
  const careless = command(t, ['identity', '--tracker', 'ws://localhost:1', '--identity', file])
  careless.end()
  assert.equal(await careless.exit, 0)
  assert.match(careless.errors, /chmod 600/)

  await writeFile(file, 'not one')
  assert.equal(await command(t, ['identity', '--identity', file]).exit, 2)
})

test('only who has the same secret is met', options, async t => {
  const url = await tracker(t)
  const member = secret => command(t, ['private', '--tracker', url, '--json', '--timeout', '5'], { env: { EASYPEERS_SECRET: secret } })
  const [one, two, stranger] = ['right', 'right', 'wrong'].map(member)
  stranger.say('let me in')
  stranger.end()
  const { address } = await two.event('join')
  assert.equal((await one.event('connect')).address, address)
  one.say('welcome')
  assert.equal((await two.event('message')).data, 'welcome')
  assert.equal(await stranger.exit, 1)
  one.end()
  two.end()
  assert.deepEqual([await one.exit, await two.exit], [0, 0])
})

test('an always-on member says goodbye on SIGTERM, before the death of another is noticed', options, async t => {
  const url = await tracker(t)
  const keepers = [1, 2].map(() => command(t, ['kept', '--tracker', url, '--keep', '--json']))
  const [polite, killed] = await Promise.all(keepers.map(async keeper => (await keeper.event('join')).address))
  const other = peer(t, 'kept', url)
  await Promise.all([polite, killed].map(address => next(other, 'connect', connected => connected === address)))
  await keepers[0].event('linked')

  const gone = next(other, 'disconnect')
  keepers[1].child.kill('SIGKILL')
  keepers[0].child.kill('SIGTERM')
  assert.equal(await gone, polite)
  assert.equal((await keepers[0].event('close')).signal, 'SIGTERM')
  assert.equal(await keepers[0].exit, 0)
})
