// `npm run bench` as it is run for a test: that it measures all and tells of all, never what it measures.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { SCENES } from '../../../benches/beside/scenes.mjs'

const run = promisify(execFile)
const BESIDE = fileURLToPath(new URL('../../../benches/beside', import.meta.url))
/** A run that takes longer hangs, in milliseconds. */
const PATIENCE = 15 * 60_000

test('a quick bench measures every scene of bare channels and of Easypeers, and tells of each figure', { timeout: PATIENCE }, async t => {
  const into = await mkdtemp(path.join(tmpdir(), 'easypeers-bench-'))
  t.after(() => rm(into, { recursive: true }))
  await run(process.execPath, [`${BESIDE}/run.mjs`, '--quick', '--into', into, 'bare', 'easypeers'])

  const { measured } = JSON.parse(await readFile(`${into}/results.json`, 'utf8'))
  const wanted = Object.keys(SCENES).filter(name => !SCENES[name].asked)
  assert.deepEqual(measured.filter(({ failed }) => failed), [])
  for (const subject of ['bare', 'easypeers']) {
    assert.deepEqual(measured.filter(turn => turn.subject === subject).map(({ scene }) => scene), wanted, subject)
  }

  const report = await readFile(`${into}/REPORT.md`, 'utf8')
  assert.match(report, /\*\*Not a result\.\*\* A quick run/)
  const [table] = /(\|.*\n)+/.exec(report)
  const rows = table.trim().split('\n').slice(2).map(line => line.split('|').slice(1, -1).map(cell => cell.trim()))
  assert.deepEqual(rows.filter(([, bare, ours]) => !/\d/.test(bare) || !/\d/.test(ours)), [], 'a row without a figure')
  for (const plot of ['connect', 'throughput', 'processor']) assert.match(await readFile(`${into}/plots/${plot}.svg`, 'utf8'), /class="spread c1"/)

  // Of what was measured the report can be made again.
  await rm(`${into}/REPORT.md`)
  await run(process.execPath, [`${BESIDE}/report.mjs`, into])
  assert.equal(await readFile(`${into}/REPORT.md`, 'utf8'), report)
})

test('a bench of what there is none of says what there is', async () => {
  const failed = await run(process.execPath, [`${BESIDE}/run.mjs`, '--only', 'conect']).catch(error => error)
  assert.equal(failed.code, 2)
  assert.match(failed.stderr, /there is no scene conect: there are connect, small,/)
})
