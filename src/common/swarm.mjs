// Where an adapter is told to meet its like: at a topic, by an instance of Easypeers of its own, or on an instance that the page
// shares among several.
import Easypeers from 'easypeers'
import { invalid, kindOf } from './errors.mjs'
import { checkInstance } from './instance.mjs'

/** Longest name that the page gives a channel, in bytes: every message carries it, and Easypeers takes 255. */
const LONGEST_CHANNEL = 200
/** Of an instance of its own these cannot be said. */
const TAKEN = {
  identifier: 'the topic is an argument of its own',
  address: 'the others could not write to an address that nothing proves: keep one by `identity`',
  easypeers: 'give the instance in place of the topic',
}

export class Swarm {
  #topic
  #options

  /**
   * @param {unknown} where a topic or an instance, as the page gave it
   * @param {unknown} options `channel`, and those of Easypeers where it is a topic
   * @param {string} base the channel of the adapter, with the version of what is said in it
   */
  constructor (where, options = {}, base) {
    if (options === null || typeof options !== 'object') throw invalid(`the options: expected an object, got ${kindOf(options)}`)
    const { channel, ...rest } = options
    /** The name of the channel. */
    this.channel = channel === undefined ? base : `${base}:${checkedName(channel)}`
    const given = Object.keys(rest).filter(name => rest[name] !== undefined)
    if (typeof where === 'string' && where !== '') {
      for (const name of given) if (Object.hasOwn(TAKEN, name)) throw invalid(`\`${name}\` is no option here: ${TAKEN[name]}`)
      this.#topic = where
      // Whoever joins again has the address that it had.
      this.#options = { ...rest, identity: rest.identity ?? Easypeers.createIdentity() }
      return
    }
    if (where === null || typeof where !== 'object') {
      throw invalid(`expected a topic or an instance of Easypeers, got ${where === '' ? 'an empty string' : kindOf(where)}`)
    }
    checkInstance(where, 'the instance')
    if (given.length > 0) throw invalid(`\`${given[0]}\` belongs to the instance that is given: say it where that is made`)
    /** The instance that the page shares, if it does. */
    this.given = where
  }

  /** @throws whatever `new Easypeers` throws; for an instance of the page's that is closed */
  join () {
    if (this.given?.closed) throw Object.assign(new TypeError('the instance that was given is closed'), { code: 'ERR_CLOSED' })
    return this.given ?? new Easypeers(this.#topic, this.#options)
  }
}

function checkedName (name) {
  if (typeof name !== 'string' || name === '') throw invalid(`\`channel\`: expected a string that is not empty, got ${name === '' ? 'an empty one' : kindOf(name)}`)
  const { length } = new TextEncoder().encode(name)
  if (length > LONGEST_CHANNEL) {
    throw Object.assign(new RangeError(`\`channel\`: expected at most ${LONGEST_CHANNEL} bytes, got ${length}`), { code: 'ERR_OUT_OF_RANGE' })
  }
  return name
}
