// What the machine is, and who uses its processor: by /proc, so on Linux only.
import { readdirSync, readFileSync } from 'node:fs'
import os from 'node:os'

/** `USER_HZ`, in which /proc counts time, is 100 on every Linux. */
const TICKS = 100
/** Others may use this share of the processors on a machine that is called quiet: a guess. */
export const QUIET = 0.05

/** Seconds of processor time, user and system, of a process and all that came of it, those that ended included. */
export function processorTime(pid) {
  const children = new Map()
  const times = new Map()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const fields = stat(name)
    if (!fields) continue
    const [parent, ...time] = fields
    times.set(Number(name), time.reduce((sum, ticks) => sum + ticks))
    children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const sum = pid => (times.get(pid) ?? 0) + (children.get(pid) ?? []).map(sum).reduce((a, b) => a + b, 0)
  return sum(pid) / TICKS
}

/** The parent of a process, its user and system time, and those of its children that have ended; nothing if it has. */
function stat(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name before the last parenthesis may hold anything; field 4 of proc(5) is the second after it.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ').map(Number)
    return [fields[1], ...fields.slice(11, 15)]
  } catch {
    return null
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
