// `easypeers [topic]`: a peer for the command line, at a terminal, in a pipe, or as an always-on member.
import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { identityIn } from './identity.mjs'
import { keep } from './keep.mjs'
import { piped } from './piped.mjs'
import { askSecret } from './secret.mjs'
import { terminal } from './terminal.mjs'
import { isHere } from './trackers.mjs'
import { UsageError } from './usage-error.mjs'

const EXIT = { DONE: 0, FAILED: 1, USAGE: 2, NO_WEBRTC: 3 }

const HELP = `Usage: easypeers [topic] [options]

Joins the swarm of a topic: peers in browsers, in Node and at terminals that name the same one.

At a terminal, what you type goes to everyone, and /help lists the commands. Without a topic
it makes one up, and says how others join.
In a pipe, each line in is a message, and each message is a line out. When the input ends, it
waits until what was read has been delivered, and ends.

Options:
  --tracker URL      use this tracker, and not the public ones; may be repeated. With none but
                     trackers on this machine, no STUN server is asked either
  --identity FILE    keep the address: the file is made on first use, and is a secret
  --secret           private swarm: ask for its secret. EASYPEERS_SECRET in the environment
                     holds it where nobody can be asked
  --max-peers N      most connections, 2 to 64 (6)
  --json             one JSON object a line for every event. Lines in may be objects, too:
                     {"to": "ADDRESS", "message": ...}; without "to" it is for everyone
  --timeout SECONDS  in a pipe: how long to wait for anybody once the input has ended (10)
  --keep             an always-on member: no prompt, reads nothing, logs a few lines
  -h, --help         this text
  -v, --version      the version

Exit codes:
  0  done
  1  a message was not delivered, or nobody came in time
  2  called wrongly
  3  there is no WebRTC: npm install node-datachannel

SIGINT, SIGTERM and SIGHUP say goodbye to the swarm and end it.
`

/**
 * Runs the command.
 * @param {typeof import('easypeers').default} Easypeers
 * @param {string[]} argv without the program and its file
 * @param {object} [options]
 * @param {string} [options.version]
 * @param {boolean} [options.stay] in a pipe: goes on when the input has ended
 * @param {object} [options.streams] `process`, or stdin, stdout and stderr
 * @returns {Promise<number>} the exit code, when nothing of it is left
 */
export async function run(Easypeers, argv, { version, stay = false, streams = process } = {}) {
  const { stdin, stdout, stderr } = streams
  const warn = text => stderr.write(`easypeers: ${text}\n`)
  try {
    const options = parse(argv)
    if (options.help) return say(stdout, HELP)
    if (options.version) return say(stdout, `${version}\n`)
    const atTerminal = Boolean(stdin.isTTY && stdout.isTTY) && !options.keep && !options.json
    if (options.topic === undefined && !atTerminal) throw new UsageError('a topic is needed: easypeers TOPIC')
    const { topic = randomBytes(8).toString('hex') } = options
    const settings = await peerOptions(options, Easypeers, { streams, warn })
    const easypeers = join(Easypeers, topic, settings)
    const { json, timeout } = options
    if (options.keep) return await keep(easypeers, { topic, json, streams })
    if (atTerminal) return await terminal(easypeers, { topic, invitation: invitation(options), streams })
    return await piped(easypeers, { topic, json, timeout, stay, streams })
  } catch (error) {
    if (error instanceof UsageError) {
      warn(`${error.message}\nTry easypeers --help`)
      return EXIT.USAGE
    }
    if (error.code !== 'ERR_NO_WEBRTC') throw error
    warn(`${error.message}\nWith npx: npx -p easypeers -p node-datachannel easypeers`)
    return EXIT.NO_WEBRTC
  }
}

function parse(argv) {
  let parsed
  try {
    parsed = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        tracker: { type: 'string', multiple: true, default: [] },
        identity: { type: 'string' },
        secret: { type: 'boolean', default: false },
        'max-peers': { type: 'string' },
        json: { type: 'boolean', default: false },
        timeout: { type: 'string', default: '10' },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        version: { type: 'boolean', short: 'v', default: false },
      },
    })
  } catch (error) {
    throw new UsageError(error.message)
  }
  const { values, positionals } = parsed
  if (positionals.length > 1) throw new UsageError(`one topic, not ${positionals.length}: put quotes around a topic of several words`)
  checkMaxPeers(values['max-peers'])
  values.tracker.forEach(checkTracker)
  const seconds = Number(values.timeout)
  if (!(seconds > 0 && seconds < 1e6)) throw new UsageError(`--timeout takes a number of seconds, not ${values.timeout}`)
  return { ...values, topic: positionals[0], timeout: seconds * 1000 }
}

/** Easypeers would take the nearest number that it can; who types one wants to know. */
function checkMaxPeers(number) {
  if (number !== undefined && !/^([2-9]|[1-5]\d|6[0-4])$/.test(number)) throw new UsageError(`--max-peers takes a number from 2 to 64, not ${number}`)
}

function checkTracker(url) {
  if (!/^wss?:\/\//.test(url) || !URL.canParse(url)) throw new UsageError(`--tracker takes a URL like wss://tracker.example, not ${url}`)
}

async function peerOptions({ tracker, identity, secret, 'max-peers': maxPeers }, Easypeers, { streams, warn }) {
  const options = {}
  if (tracker.length > 0) options.tracker = tracker
  if (tracker.length > 0 && tracker.every(isHere)) options.rtcConfig = { iceServers: [] }
  if (maxPeers !== undefined) options.maxPeers = Number(maxPeers)
  if (identity !== undefined) options.identity = await identityIn(identity, Easypeers, warn)
  if (process.env.EASYPEERS_SECRET) options.secret = process.env.EASYPEERS_SECRET
  else if (secret) options.secret = await askSecret(streams)
  return options
}

/** @throws {UsageError} for a setting that Easypeers does not take; its message says which and why */
function join(Easypeers, topic, settings) {
  try {
    return new Easypeers(topic, settings)
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) throw new UsageError(error.message)
    throw error
  }
}

/** The command that joins the same swarm from elsewhere. */
function invitation({ tracker, secret }) {
  const isPrivate = secret || Boolean(process.env.EASYPEERS_SECRET)
  const options = [...tracker.flatMap(url => ['--tracker', quoted(url)]), ...(isPrivate ? ['--secret'] : [])]
  return topic => ['npx easypeers', quoted(topic), ...options].join(' ')
}

/** As a shell takes it for one word. */
function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

function say(stdout, text) {
  stdout.write(text)
  return EXIT.DONE
}
