// npm and npx run a command in a shell of its own. They pass SIGTERM on to that shell only, and SIGHUP and SIGKILL to
// nobody: then the command would go on without them, unseen.
import { spawnSync } from 'node:child_process'

const LOOK_EVERY = 500 // milliseconds
const NPM = /(^|[/ ])np[mx](-cli\.js)?( |$)/

/** Ends this process as SIGTERM does when the npm that runs it is no more. Does nothing where none does. */
export function endWithNpm() {
  if (!process.env.npm_lifecycle_event) return
  const parent = process.ppid
  const above = npmAbove(parent)
  if (above.length === 0) return
  const timer = setInterval(() => {
    if (process.ppid === parent && above.every(isAlive)) return
    clearInterval(timer)
    if (!process.emit('SIGTERM', 'SIGTERM')) process.exit(0)
  }, LOOK_EVERY)
  timer.unref()
}

/** npm, and its shell where that has not become this process; nothing where npm is farther away, or there is no `ps`. */
function npmAbove(parent) {
  const { above, command } = look(parent)
  if (NPM.test(command)) return [parent]
  return NPM.test(look(above).command) ? [parent, above] : []
}

function look(pid) {
  const { stdout } = spawnSync('ps', ['-o', 'ppid=,args=', '-p', `${pid}`], { encoding: 'utf8' })
  const [, above, command] = /^\s*(\d+)\s+(.*)/.exec(stdout ?? '') ?? []
  return { above: Number(above), command: command ?? '' }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch ({ code }) {
    return code !== 'ESRCH'
  }
}
