// A peer between other programs: lines in are messages, lines out are messages, and all else goes to stderr.
import { createInterface } from 'node:readline'
import { codeAfter, leave, untilSignal } from './leave.mjs'
import { count, plainly, safeJson, shortened, textOf, visible } from './text.mjs'
import { watchTrackers } from './trackers.mjs'

/** Messages under way at once. More would only wait inside, where nobody holds back who writes them. */
const MOST_UNDER_WAY = 256
/** What may wait for whoever reads the output, in characters or bytes; messages beyond are left out. */
const MOST_UNREAD = 64 << 20

/**
 * @param {import('easypeers').default} easypeers
 * @param {object} options
 * @param {string} options.topic
 * @param {boolean} options.json one JSON object a line, for every event
 * @param {number} options.timeout how long to wait for somebody when there is something to send and no more to read, ms
 * @param {boolean} options.stay goes on when the input has ended
 * @param {object} options.streams stdin, stdout, stderr
 * @returns {Promise<number>} the exit code
 */
export async function piped(easypeers, { topic, json, timeout, stay, streams }) {
  const { stdin, stdout, stderr } = streams
  const { signal, ignore } = untilSignal()
  const notice = text => stderr.write(`${text}\n`)
  const tell = (event, about) => json && stdout.write(`${safeJson({ event, ...about, time: new Date().toISOString() })}\n`)
  const shown = text => stdout.isTTY ? shortened(text) : text

  // `head` has read enough, or nobody reads any more.
  const deaf = new Promise(resolve => stdout.once('error', resolve))
  stderr.on('error', () => {})

  let unread = 0
  easypeers.on('message', ({ message, from, to, verified, id, hops }) => {
    if (stdout.writableLength > MOST_UNREAD) return void unread++
    if (unread > 0) notice(`Nobody read what this wrote: ${count(unread, 'message')} left out.`)
    unread = 0
    if (!json) return stdout.write(`${visible(shown(textOf(message)))}\n`)
    const content = message instanceof Uint8Array ? { bytes: Buffer.from(message).toString('base64') } : { data: plainly(message) }
    tell('message', { from, ...content, direct: to !== undefined, verified, id, hops })
  })
  for (const event of ['connect', 'disconnect']) easypeers.on(event, address => tell(event, { address }))
  easypeers.on('warning', ({ code, message }) => tell('warning', { code, message }))
  easypeers.on('error', ({ code, message }) => {
    tell('error', { code, message })
    notice(visible(message))
  })
  easypeers.on('tracker', status => tell('tracker', status))
  watchTrackers(easypeers, notice)
  tell('join', { topic, address: easypeers.address })

  const outbox = new Outbox(easypeers, (outcome, { id, to, ...about }) => {
    tell('delivery', { delivered: outcome, id, to, ...about })
    if (!outcome && !outbox.abandoned) notice(`Not delivered${to ? ` to ${visible(to)}` : ''}: ${about.message}`)
  })
  const lines = createInterface({ input: stdin, crlfDelay: Infinity })
  stdin.on('error', () => lines.close()) // a terminal that is gone
  const sent = sendAll(lines, outbox, { json, timeout: stay ? undefined : timeout, notice })

  const name = await Promise.race([...(stay ? [] : [sent]), signal, deaf])
  ignore()
  lines.close()
  stdin.destroy()
  await leave(easypeers)
  tell('close', {})
  await outbox.settled()
  return codeAfter(name, streams) || (outbox.failed ? 1 : 0)
}

/** Sends every line, and waits for what becomes of them. */
async function sendAll(lines, outbox, { json, timeout, notice }) {
  for await (const line of lines) {
    if (line === '') continue
    let message
    try {
      message = json ? fromJson(line) : { message: line }
    } catch (error) {
      notice(error.message)
      outbox.failed = true
      continue
    }
    outbox.send(message)
    // With nobody there, nothing moves: then it is no use to read on, and the clock runs as if there were no more.
    if (outbox.underWay < MOST_UNDER_WAY) continue
    if (!(await outbox.met(timeout))) return giveUp(outbox, notice, timeout)
    await outbox.room(MOST_UNDER_WAY)
  }
  // Whoever was there may go before the last has been delivered.
  while (outbox.underWay > 0) {
    if (!(await outbox.met(timeout))) return giveUp(outbox, notice, timeout)
    await outbox.settledOrAlone()
  }
}

function giveUp(outbox, notice, timeout) {
  // Who ends it is told of each message.
  if (outbox.easypeers.closed) return false
  notice(`Nobody came within ${count(timeout / 1000, 'second')}: ${count(outbox.underWay, 'message')} not delivered.`)
  outbox.abandoned = true
  return false
}

/** A line of `--json`: an object that says what to send and to whom, or text. */
function fromJson(line) {
  let value
  try {
    value = JSON.parse(line)
  } catch {
    return { message: line }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { message: line }
  const { to, message, bytes } = value
  if (to !== undefined && typeof to !== 'string') throw new Error(`Not sent: "to" is an address: ${visible(line)}`)
  if (typeof bytes === 'string') return { to, message: Buffer.from(bytes, 'base64') }
  if (message === undefined) throw new Error(`Not sent: an object has a "message" (or "bytes", in base64): ${visible(line)}`)
  return { to, message }
}

/** What has been sent, until it is known what became of it. */
class Outbox {
  failed = false
  /** Nobody came: what is under way fails, and that has been said. */
  abandoned = false
  #underWay = new Set()

  /** @param {(outcome: boolean, about: object) => void} told called for each when it is known */
  constructor(easypeers, told) {
    this.easypeers = easypeers
    this.told = told
  }

  get underWay() {
    return this.#underWay.size
  }

  send({ to, message }) {
    let delivery
    try {
      delivery = to === undefined ? this.easypeers.send(message) : this.easypeers.send(to, message)
    } catch ({ code, message }) {
      this.failed = true
      return this.told(false, { to, code, message })
    }
    const { id } = delivery
    const settled = delivery.then(
      ({ hops, rtt }) => this.told(true, { id, to, hops, rtt }),
      ({ code, message }) => {
        this.failed = true
        this.told(false, { id, to, code, message })
      },
    ).then(() => this.#underWay.delete(settled))
    this.#underWay.add(settled)
  }

  /** Whether somebody is there, or comes before `timeout` is over; without one, it waits as long as it takes. */
  async met(timeout) {
    if (this.easypeers.wireCount > 0) return true
    let timer, listener
    const met = await new Promise(resolve => {
      listener = () => resolve(true)
      this.easypeers.once('connect', listener)
      this.easypeers.once('close', () => resolve(false))
      if (timeout !== undefined) timer = setTimeout(resolve, timeout, false)
    })
    clearTimeout(timer)
    this.easypeers.off('connect', listener)
    return met
  }

  /** Waits until fewer than `most` are under way. */
  async room(most) {
    while (this.#underWay.size >= most) await Promise.race(this.#underWay)
  }

  async settled() {
    await Promise.all(this.#underWay)
  }

  /** Waits until nothing is under way, or nobody is there any more. */
  async settledOrAlone() {
    let listener
    const alone = new Promise(resolve => {
      listener = () => this.easypeers.wireCount === 0 && resolve()
      this.easypeers.on('disconnect', listener)
      listener()
    })
    await Promise.race([this.settled(), alone])
    this.easypeers.off('disconnect', listener)
  }
}
