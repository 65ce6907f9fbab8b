// Who one is, kept in a file that nobody else reads.
import { readFile, stat, writeFile } from 'node:fs/promises'
import { UsageError } from './usage-error.mjs'

/**
 * The identity in a file; made where there is none.
 * @param {typeof import('easypeers').default} Easypeers
 * @param {(text: string) => void} warn
 * @returns {Promise<string>} 64 hexadecimal digits
 */
export async function identityIn(file, Easypeers, warn) {
  try {
    const made = Easypeers.createIdentity()
    await writeFile(file, `${made}\n`, { flag: 'wx', mode: 0o600 })
    return made
  } catch (error) {
    if (error.code !== 'EEXIST') throw new UsageError(`--identity: ${file} cannot be made: ${error.message}`)
  }
  const [text, { mode }] = await Promise.all([readFile(file, 'utf8'), stat(file)]).catch(error => {
    throw new UsageError(`--identity: ${file} cannot be read: ${error.message}`)
  })
  // Windows has no such bits.
  if (process.platform !== 'win32' && mode & 0o077) {
    warn(`Others on this machine can read ${file}, and with it pass for you: chmod 600 ${file}`)
  }
  const identity = text.trim()
  if (!/^[0-9a-f]{64}$/i.test(identity)) throw new UsageError(`--identity: ${file} does not hold an identity, which is 64 hexadecimal digits`)
  return identity
}
