// What the machine is, and who uses its processor: by /proc, so on Linux only.
import { readdirSync, readFileSync } from 'node:fs'
import os from 'node:os'

/** `USER_HZ`, in which /proc counts time, is 100 on every Linux. */
const TICKS = 100
/** Others may use this share of the processors on a machine that is called quiet: a guess. */
export const QUIET = 0.05

/** Seconds of processor time, user and system, of a process and all that came of it, those that ended included. */
export function processorTime(pid) {
  const ticks = family(pid).map(({ own, ended }) => own + ended)
  return ticks.reduce((a, b) => a + b, 0) / TICKS
}

/** Seconds of processor time of each thread of a process and all that came of it: by its number, with its name and the kind of its process. */
export function threadTimes(pid) {
  const times = new Map()
  for (const { id: process } of family(pid)) {
    const kind = /--type=([a-z-]+)/.exec(read(`/proc/${process}/cmdline`))?.[1] ?? 'browser'
    for (const id of numbers(`/proc/${process}/task`)) {
      const thread = stat(`/proc/${process}/task/${id}`)
      if (thread) times.set(id, { kind, name: thread.name, seconds: thread.own / TICKS })
    }
  }
  return times
}

/** A process and all that came of it, as far as it lives. */
function family(pid) {
  const children = new Map()
  const processes = new Map()
  for (const id of numbers('/proc')) {
    const process = stat(`/proc/${id}`)
    if (!process) continue
    processes.set(id, { id, ...process })
    children.set(process.parent, [...(children.get(process.parent) ?? []), id])
  }
  const below = pid => [pid, ...(children.get(pid) ?? []).flatMap(below)]
  return below(pid).map(id => processes.get(id)).filter(Boolean)
}

/** What /proc says of a process or thread: its name, its parent, its user and system time and that of its children that have ended, in
 *  ticks; nothing if it has ended. */
function stat(path) {
  const text = read(`${path}/stat`)
  if (!text) return null
  // The name before the last parenthesis may hold anything; field 4 of proc(5) is the second after it.
  const end = text.lastIndexOf(')')
  const fields = text.slice(end + 2).split(' ').map(Number)
  return { name: text.slice(text.indexOf('(') + 1, end), parent: fields[1], own: fields[11] + fields[12], ended: fields[13] + fields[14] }
}

function numbers(path) {
  try {
    return readdirSync(path).filter(name => /^\d+$/.test(name)).map(Number)
  } catch {
    return []
  }
}

/** What has ended meanwhile has nothing to say. */
function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Watches the machine from now on. Ask it before the browser of `pid` ends: `others` is then the share of all processors'
 *  time that neither that browser nor this process has used, and `load` how busy the machine was at the beginning. */
export function watch(pid) {
  const began = { at: performance.now(), busy: busy(), ours: processorTime(pid) + own() }
  const load = os.loadavg()[0]
  return () => {
    const time = (performance.now() - began.at) / 1000 * os.cpus().length
    const others = busy() - began.busy - (processorTime(pid) + own() - began.ours)
    return { load: round(load), others: round(Math.max(0, others / time)) }
  }
}

export const isQuiet = others => others <= QUIET

/** Seconds that all processors were busy with processes, or were kept from us by others on the same hardware. Interrupts
 *  are left out: most of them are packets of our own on loopback, and nobody's. */
function busy() {
  const [user, nice, system, , , , , steal] = readFileSync('/proc/stat', 'utf8').split('\n')[0].split(/\s+/).slice(1).map(Number)
  return (user + nice + system + steal) / TICKS
}

/** What this process has used: the runner, the tracker, and what drives the browser. */
function own() {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

export const describeMachine = () => ({
  processor: os.cpus()[0].model.trim(),
  cores: os.cpus().length,
  memory: `${Math.round(os.totalmem() / 2 ** 30)} GiB`,
  system: `${os.type()} ${os.release()}`,
  node: process.version,
})

const round = number => Math.round(number * 100) / 100
