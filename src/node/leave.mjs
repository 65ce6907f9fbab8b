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
