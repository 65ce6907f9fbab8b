// npm runs a script in a shell of its own. It passes SIGTERM on to that shell only, and SIGHUP or SIGKILL to nobody: then
// the script would go on without npm, and hold its ports.
import { spawnSync } from 'node:child_process'

const LOOK_EVERY = 500 // milliseconds

/** Ends this process as SIGTERM does when npm, or the shell between, is no more. Does nothing where npm has no part in it. */
export function endWithNpm() {
  if (!process.env.npm_lifecycle_event) return
  const parent = process.ppid
  const above = [parent, npmAbove(parent)].filter(Boolean)
  const timer = setInterval(() => {
    // Where there are no signals, a process keeps the number of a parent that is gone.
    if (process.ppid === parent && above.every(isAlive)) return
    clearInterval(timer)
    process.emit('SIGTERM', 'SIGTERM')
  }, LOOK_EVERY)
  timer.unref()
}

/** Who started the shell that started this: npm, unless the shell has become this process, as some do. */
function npmAbove(pid) {
  const { stdout } = spawnSync('ps', ['-o', 'ppid=,comm=', '-p', `${pid}`], { encoding: 'utf8' })
  const [, above] = /^\s*(\d+)\s+\S*sh$/m.exec(stdout ?? '') ?? []
  return Number(above)
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch ({ code }) {
    return code !== 'ESRCH'
  }
}
