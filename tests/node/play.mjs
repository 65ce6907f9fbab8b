// What the documentation shows, as programs.
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { ROOT } from './peers.mjs'

/** The snippets in JavaScript of a file of docs/, in their order. */
export async function snippets (file) {
  const text = await readFile(path.join(ROOT, 'docs', file), 'utf8')
  return [...text.matchAll(/```js\n([^]*?)```/g)].map(([, code]) => code)
}

/** Runs one with a tracker in place of the public ones, until the test's end, and returns the lines that it says. */
export function play (t, code, url, { before = '', after = '' } = {}) {
  const local = code.replaceAll('{ secret:', `{ trackers: ['${url}'], rtcConfig: { iceServers: [] }, secret:`)
  if (local === code) throw new Error('a snippet that would join public trackers')
  const child = spawn(process.execPath, ['--input-type=module', '--eval', `${before}\n${local}\n${after}`], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  // It keeps those that nobody waits for yet.
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    /** The next line. */
    async line () {
      const { value } = await lines.next()
      return value
    },
  }
}
