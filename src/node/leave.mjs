// The ways out: a peer that says goodbye whatever ends its program.

/** Easypeers lets out within two seconds what was sent before. */
const PATIENCE = 2500

/** Closes a peer, and waits until it is gone. */
export function leave(easypeers) {
  if (easypeers.closed) return Promise.resolve()
  return new Promise(resolve => {
    const timer = setTimeout(resolve, PATIENCE)
    easypeers.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
    easypeers.close()
  })
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']

/**
 * A promise of the first signal that asks the program to end. From the second on they do what they do by themselves.
 * @returns {{ signal: Promise<string>, ignore: () => void }} `ignore` stops to listen
 */
export function untilSignal() {
  let ignore
  const signal = new Promise(resolve => {
    const listener = name => {
      ignore()
      resolve(name)
    }
    for (const name of SIGNALS) process.on(name, listener)
    ignore = () => SIGNALS.forEach(name => process.off(name, listener))
  })
  return { signal, ignore }
}

/** The exit code of a program whose terminal is gone, as a shell has it. */
export const HUNG_UP = 129

/**
 * Lets the process end with an exit code. One whose terminal is gone ends by the signal that said so: on the ordinary way
 * out Node sets the terminal back to what it was, and aborts when it cannot.
 */
export function finish(code) {
  process.exitCode = code
  if (code !== HUNG_UP) return
  process.removeAllListeners('SIGHUP')
  process.kill(process.pid, 'SIGHUP')
}

/** The exit code after a signal: 0, as it was asked to end and did, but for a terminal that is gone. */
export function codeAfter(signal, { stdin, stdout, stderr }) {
  return signal === 'SIGHUP' && (stdin.isTTY || stdout.isTTY || stderr.isTTY) ? HUNG_UP : 0
}
