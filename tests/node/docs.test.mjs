// What docs/node.md shows works as it stands there.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { next, PATIENCE, peer, ROOT, tracker } from './peers.mjs'

const text = await readFile(path.join(ROOT, 'docs/node.md'), 'utf8')

test('the bot answers those who write to it alone, and ends on SIGTERM with a goodbye', { timeout: PATIENCE }, async t => {
  const url = await tracker(t)
  const [, bot] = /```js\n([^]*?)```/.exec(text)
  const code = bot.replace(/wss:[^']+/, url)
  assert.notEqual(code, bot)
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))

  const other = peer(t, 'my bots', url)
  const address = await other.ready
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  assert.equal(line, `linked with ${other.address}`)
  const answer = next(other, 'message')
  other.send('to everyone')
  await other.send(address, 'hello')
  assert.equal((await answer).message, 'hello, too')

  const gone = next(other, 'disconnect')
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await gone
  assert.deepEqual(await exit, [0, null])
})

test('every option and every command is in the documentation', async () => {
  const [cli, commands] = await Promise.all(['cli', 'commands'].map(name => readFile(path.join(ROOT, `src/node/${name}.mjs`), 'utf8')))
  const options = [...cli.matchAll(/^ +'?([a-z-]+)'?: \{ type:/gm)].map(([, name]) => `--${name}`)
  const slashed = [...commands.matchAll(/usage: '(\/\w+)/g)].map(([, name]) => name)
  assert.ok(options.length > 5 && slashed.length > 5)
  for (const name of [...options, ...slashed]) {
    if (name !== '--help' && name !== '--version') assert.ok(text.includes(`\`${name}`), name)
  }
})
