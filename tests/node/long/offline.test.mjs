// `npm start` on a machine in no network but its own. Needs Linux, and the right to make one (`unshare`).
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const START = fileURLToPath(new URL('../../../scripts/start.mjs', import.meta.url))

test('npm start in no network says where the pages are, and once that nobody can be reached', async t => {
  const start = `ip link set lo up && exec "${process.execPath}" "${START}" 2>&1`
  const child = spawn('unshare', ['--map-root-user', '--net', 'sh', '-c', start], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  const lines = []
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (line.includes('the machine is in no network')) child.kill('SIGINT')
  }
  assert.deepEqual(await ended, [0, null], lines.join('\n'))
  assert.ok(lines.some(line => /^ +Pages +http:/.test(line)))
  assert.equal(lines.filter(line => line.includes('no network')).length, 1, lines.join('\n'))
})
