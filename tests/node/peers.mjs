// Peers of Node and of the command line, and a tracker for them; all end with their test.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import Easypeers from '../../pkg/node.cjs'
import { startTracker } from '../../scripts/tracker.mjs'
import { Screen } from './screen.mjs'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const CLI = path.join(ROOT, 'pkg/cli.mjs')
/** Nothing here takes that long, in milliseconds. */
export const PATIENCE = 60_000
/** For terminals: `script` of Linux makes them. */
export const TERMINAL = { timeout: PATIENCE, skip: process.platform !== 'linux' && 'needs `script` of Linux' }

export async function tracker(t) {
  const { url, close } = await startTracker({ port: 0 })
  t.after(close)
  return url
}

export function peer(t, topic, url, options = {}) {
  const easypeers = new Easypeers(topic, { trackers: [url], rtcConfig: { iceServers: [] }, ...options })
  easypeers.on('warning', () => {}) // an attempt that failed and is made again
  t.after(() => easypeers.close())
  return easypeers
}

/** The next time an event comes. */
export function next(easypeers, event, suits = () => true) {
  return new Promise(resolve => {
    const listener = value => {
      if (!suits(value)) return
      easypeers.off(event, listener)
      resolve(value)
    }
    easypeers.on(event, listener)
  })
}

/** The command in pipes: `say`, `lines` to await, `end` for its input, and `exit`, a promise of its code. */
export function command(t, args, { env = {}, cli = CLI } = {}) {
  const child = spawn(process.execPath, [cli, ...args], { env: { ...process.env, ...env } })
  t.after(() => child.kill('SIGKILL'))
  const out = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  let errors = ''
  child.stderr.on('data', data => { errors += data })
  return {
    child,
    say: text => child.stdin.write(`${text}\n`),
    end: () => child.stdin.end(),
    /** The next line of its output. */
    line: async () => (await out.next()).value,
    /** The next line of `--json` that tells of this event. */
    event: async name => {
      for (;;) {
        const { value, done } = await out.next()
        if (done) throw new Error(`no ${name}; it said: ${errors}`)
        const told = JSON.parse(value)
        if (told.event === name) return told
      }
    },
    exit: once(child, 'close').then(([code]) => code),
    get errors() { return errors },
  }
}

/** A program in a terminal of its own. */
export function terminal(t, program, { columns = 100 } = {}) {
  const child = spawn('script', ['-qfec', `stty cols ${columns} rows 50; echo pid $$; exec ${program}`, '/dev/null'], {
    cwd: ROOT, stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, SHELL: '/bin/sh', TERM: 'xterm' },
  })
  t.after(() => child.kill('SIGKILL'))
  const screen = new Screen(columns)
  const waiting = new Set()
  child.stdout.setEncoding('utf8').on('data', data => {
    screen.write(data)
    for (const look of waiting) look()
  })
  return {
    child,
    screen,
    type: text => child.stdin.write(text),
    /** Waits until the screen matches, and returns the match. */
    shows: pattern => new Promise((resolve, reject) => {
      const look = () => {
        const found = typeof pattern === 'function' ? pattern(screen) : pattern.exec(screen.text)
        if (found) over(() => resolve(found))
      }
      const over = end => {
        clearTimeout(timer)
        waiting.delete(look)
        end()
      }
      const timer = setTimeout(over, PATIENCE / 2, () => reject(new Error(`no ${pattern} on the screen:\n${screen.text}`)))
      waiting.add(look)
      look()
    }),
    exit: once(child, 'close').then(([code]) => code),
    get pid() { return Number(/^pid (\d+)/m.exec(screen.text)[1]) },
  }
}

export function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
