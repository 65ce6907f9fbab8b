// The secret of a private swarm: never an argument, which every user of a machine can read.
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { UsageError } from './usage-error.mjs'

/** Asks on the terminal, and shows nothing of what is typed. */
export async function askSecret({ stdin, stderr }) {
  if (!stdin.isTTY) throw new UsageError('--secret asks on a terminal, and there is none: put the secret into EASYPEERS_SECRET')
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output: nowhere, terminal: true, historySize: 0 })
  const given = new AbortController()
  lines.on('SIGINT', () => given.abort())
  lines.on('close', () => given.abort()) // Ctrl-D
  stderr.write('Secret of the swarm: ')
  try {
    const secret = await lines.question('', { signal: given.signal })
    if (!secret) throw new UsageError('--secret: a secret has at least one character')
    return secret
  } catch (error) {
    if (error.name === 'AbortError') throw new UsageError('no secret was given')
    throw error
  } finally {
    stderr.write('\n')
    lines.close()
  }
}
