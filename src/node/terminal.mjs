// A peer at a terminal: what is typed goes out, and what comes in is printed above the line that is being typed.
import { createHash } from 'node:crypto'
import { createInterface, clearScreenDown, moveCursor, cursorTo } from 'node:readline'
import { Addresses } from './addresses.mjs'
import { command, complete, valueOf } from './commands.mjs'
import { codeAfter, HUNG_UP, leave, untilSignal } from './leave.mjs'
import { count, milliseconds, shortened, textOf, visible } from './text.mjs'
import { watchTrackers } from './trackers.mjs'

const PROMPT = '> '
/** Lines of one message that are shown. */
const MOST_LINES = 40
const COLORS = [31, 32, 33, 34, 35, 36, 91, 92, 93, 94, 95, 96]

/**
 * @param {import('easypeers').default} easypeers
 * @param {object} options
 * @param {string} options.topic
 * @param {(topic: string) => string} options.invitation the command that joins the same swarm
 * @param {object} options.streams stdin, stdout, stderr
 * @returns {Promise<number>} the exit code, when all is over
 */
export async function terminal(easypeers, { topic, invitation, streams }) {
  const { stdin, stdout } = streams
  const addresses = new Addresses(easypeers)
  const lines = createInterface({
    input: stdin, output: stdout, terminal: true, prompt: PROMPT,
    completer: line => complete(line, addresses),
  })
  const { bold, dim, red, colored } = styles(stdout)
  const { signal, ignore } = untilSignal()
  let open = true

  /** Puts lines above the one being typed, which stays as it is, and so does the cursor in it. */
  const print = text => {
    if (!open) return void stdout.write(`${text}\n`)
    moveCursor(stdout, 0, -lines.getCursorPos().rows)
    cursorTo(stdout, 0)
    clearScreenDown(stdout)
    stdout.write(`${text}\n`)
    // readline would go up as many rows as the line had, to draw it where it was.
    lines.prevRows = 0
    lines.prompt(true)
  }
  const note = text => print(dim(text))
  const complain = text => print(red(text))
  const who = address => colored(addresses.short(address), address)

  const send = (value, to) => {
    let delivery
    try {
      delivery = to ? easypeers.send(to, value) : easypeers.send(value)
    } catch (error) {
      return complain(`Not sent: ${error.message}`)
    }
    if (easypeers.wireCount === 0) note('Held until somebody is here.')
    delivery.then(
      ({ hops, rtt }) => to && note(`${clock()} ${addresses.short(to)} has it: ${milliseconds(rtt)}, ${count(hops, 'hop')}`),
      error => complain(`${clock()} Not delivered${to ? ` to ${addresses.short(to)}` : ''}: ${error.message}`))
  }

  let moving = false
  let alone = false
  const welcome = named => {
    alone = false
    print(`Swarm ${bold(visible(named))}. You are ${who(easypeers.address)}.\n${dim(`Others join with: ${visible(invitation(named))}`)}`)
  }
  const join = named => {
    moving = true
    easypeers.identifier = identifierOf(named)
    addresses.forget()
    moving = false
    welcome(named)
  }
  const self = { easypeers, addresses, print, complain, send, join, quit: () => lines.close() }

  lines.on('line', line => {
    if (/^\/(?!\/)/.test(line)) command(line, self)
    else if (line.trim()) send(valueOf(line.replace(/^\/\//, '/')))
    if (open) lines.prompt()
  })

  easypeers.on('message', ({ message, from, to, verified }) => {
    addresses.heard(from)
    const marks = [to && 'to you', verified ? '' : 'unverified'].filter(Boolean).join(', ')
    const head = `${dim(clock())} ${who(from)}${marks ? dim(` (${marks})`) : ''}`
    print(`${head} ${paragraphs(textOf(message))}`)
  })
  easypeers.on('connect', address => note(`${clock()} ${addresses.short(address)} is a neighbor now`))
  easypeers.on('disconnect', address => {
    if (!open || moving) return
    note(`${clock()} ${addresses.short(address)} is a neighbor no more${easypeers.wireCount === 0 ? ': nobody is left' : ''}`)
  })
  const warned = new Set(['ERR_ALL_TRACKERS_BLOCKED']) // in words for a page; `watchTrackers` has those for a terminal
  easypeers.on('warning', ({ code, message }) => {
    if (warned.has(code)) return
    warned.add(code)
    note(`Warning: ${visible(message)}`)
  })
  easypeers.on('error', error => complain(visible(error.message)))
  watchTrackers(easypeers, note)
  easypeers.on('tracker', ({ state, peers }) => {
    if (alone || state !== 'ready' || peers > 1 || easypeers.wireCount > 0) return
    alone = true
    note('Nobody else is here yet.')
  })

  welcome(topic)
  note('What you type goes to everyone. /help lists the commands, Ctrl-C ends.')
  let gone = false
  lines.on('error', () => { gone = true }) // of a terminal that was closed
  stdout.on('error', () => lines.close())
  const closed = new Promise(resolve => lines.on('close', () => {
    open = false
    resolve()
  }))
  const name = await Promise.race([signal, closed])
  lines.close()
  ignore()
  stdout.write('\n')
  await leave(easypeers)
  return gone ? HUNG_UP : codeAfter(name, streams)
}

/** Several lines of a message stay apart from lines that are somebody else's. */
function paragraphs(text) {
  const all = shortened(text).split(/\r?\n/).map(visible)
  const shown = all.slice(0, MOST_LINES)
  if (all.length > shown.length) shown.push(`… (${all.length} lines)`)
  return shown.join('\n        │ ')
}

/** The name of a swarm, as the first argument of `new Easypeers` gives it. */
function identifierOf(topic) {
  return createHash('sha1').update(`easypeers-${topic}`).digest('hex')
}

function clock() {
  return new Date().toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
}

/** Functions that style a text; none of them does where colors are not wanted (NO_COLOR) or not there. */
function styles(stdout) {
  const style = (begin, end) => text => stdout.hasColors() ? `\x1b[${begin}m${text}\x1b[${end}m` : text
  const color = address => COLORS[parseInt(address.slice(0, 2), 16) % COLORS.length]
  return { bold: style(1, 22), dim: style(2, 22), red: style(31, 39), colored: (text, address) => style(color(address), 39)(text) }
}
