// `npm run bench`: Easypeers in real pages, beside bare data channels and other libraries, in the same run.
//
//   npm run bench                                 three runs, less than half an hour on two cores
//   npm run bench -- --only connect,small         some scenes, by their names in scenes.mjs
//   npm run bench -- --runs 1 bare easypeers      some contenders, by their names in contenders.mjs
//   npm run bench -- --quick --into DIRECTORY     as little of all as shows that it works, for a test
//
// Every peer has a page, and so a process, of its own in headless Chromium. A contender has the machine to itself, with a
// fresh browser and tracker for each scene, and the settings that its documentation gives for a tracker of one's own. All
// take their turns within a run, in another order in each; but whoever is not named, and is neither bare nor ours, is
// measured once, after that. Raw figures go into results.json, and report.mjs makes
// REPORT.md of them.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { bounded } from '../../tests/e2e/harness.mjs'

import { bundle, CONTENDERS } from './contenders.mjs'
import { describeMachine, isQuiet } from './machine.mjs'
import { report } from './report.mjs'
import { FULL, QUICK, SCENES } from './scenes.mjs'
import { World } from './world.mjs'

/** What has begun when the minutes are over has so long to end. */
const GRACE_MS = 60_000
/** A load average above it says that others are at work. */
const QUIET_LOAD = 0.5

const HERE = fileURLToPath(new URL('.', import.meta.url))

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string' },
    only: { type: 'string', default: '' },
    quick: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '28' },
    into: { type: 'string', default: path.join(HERE, '..') },
  },
})
const runs = Number(options.runs ?? (options.quick ? 1 : 3))
const ends = performance.now() + Number(options.minutes) * 60_000
const only = options.only.split(',').filter(Boolean)
const scenes = only.length > 0 ? only : Object.keys(SCENES).filter(name => !SCENES[name].asked)
const names = chosen()

check()
mkdirSync(options.into, { recursive: true })
const scripts = new Map(await Promise.all(names.map(async name => [name, await bundle(name)])))
const results = {
  made: new Date().toISOString(),
  machine: { ...describeMachine(), browser: null },
  settings: { runs, quick: options.quick, ...(options.quick ? QUICK : FULL) },
  left: Object.fromEntries(Object.entries(CONTENDERS).filter(([, { missing }]) => missing).map(([name, { missing }]) => [name, missing])),
  whole: false,
  measured: [],
}
warnOfLoad()
for (const turn of plan()) {
  results.measured.push(await take(turn))
  // What is there is kept if the run is broken off.
  keep()
}
results.whole = true
keep()
report(options.into)
warn()
process.exit(results.measured.some(({ failed, subject }) => failed && CONTENDERS[subject].often) ? 1 : 0)

/** Who is measured: those that were named, or all but who is missing. */
function chosen() {
  if (positionals.length > 0) return positionals
  const present = Object.keys(CONTENDERS).filter(name => !CONTENDERS[name].missing)
  return options.quick ? present.filter(name => CONTENDERS[name].often) : present
}

function check() {
  const lists = [[positionals, CONTENDERS, 'contender'], [only, SCENES, 'scene']]
  for (const [given, known, kind] of lists) {
    const unknown = given.filter(name => !(name in known))
    if (unknown.length > 0) fail(`there is no ${kind} ${unknown.join(', ')}: there are ${Object.keys(known).join(', ')}`)
  }
  if (!(runs >= 1 && Number(options.minutes) > 0)) fail('--runs and --minutes want a number')
  for (const name of names) if (CONTENDERS[name].missing) fail(`${name}: ${CONTENDERS[name].missing}`)
  const others = names.some(name => !CONTENDERS[name].often)
  if (others && !existsSync(`${HERE}node_modules`)) fail('first: npm ci --prefix benches/beside')
}

/** Every turn of every run. Whoever is measured once only comes last, and takes no time of the others. */
function plan() {
  const often = name => CONTENDERS[name].often || positionals.includes(name)
  const runsOf = Array.from({ length: runs }, (_, run) => turns(run + 1, scenes, rotated(names.filter(often), run)))
  return [...runsOf.flat(), ...turns(1, scenes.filter(scene => !SCENES[scene].pair), names.filter(name => !often(name)))]
}

function turns(run, scenes, names) {
  return scenes.flatMap(scene => names.map(subject => ({ run, scene, subject })))
}

function rotated(list, by) {
  return list.map((_, i) => list[(i + by) % list.length])
}

/** One scene of one contender: its figures, or why there are none, and what the machine did meanwhile. */
async function take({ run, scene, subject }) {
  const began = performance.now()
  const { measure } = SCENES[scene]
  const patience = Math.round(Math.min(SCENES[scene].patience * 1_000, ends + GRACE_MS - began) / 1_000) * 1_000
  const turn = { run, scene, subject }
  let world
  try {
    if (began > ends) throw new Error('no time was left')
    if (!able(turn)) throw new Error('no usable mesh of fewer pages either')
    world = await bounded(World.start(subject, scripts.get(subject)), 'a browser', patience)
    results.machine.browser ??= `Chromium ${world.browser.browser.version()}`
    turn.values = await bounded(measure(world, results.settings), scene, patience)
  } catch (error) {
    turn.failed = error.message.split('\n')[0].slice(0, 200)
  }
  if (world) Object.assign(turn, world.machine())
  if (world?.errors.length > 0) turn.errors = { number: world.errors.length, first: world.errors[0] }
  await world?.end()
  turn.seconds = Math.round((performance.now() - began) / 1_000)
  console.log(`run ${run}, ${scene}, ${subject}: ${turn.failed ? `not measured: ${turn.failed}` : JSON.stringify(turn.values)}`)
  console.log(`  ${turn.seconds} s, load ${turn.load ?? '–'} before, others used ${percent(turn.others ?? 0)} of the machine`)
  return turn
}

/** A larger crowd is not tried by who is measured once only, and could not do a smaller one. */
function able({ scene, subject }) {
  const before = results.measured.find(turn => turn.scene === SCENES[scene].after && turn.subject === subject)
  return !before || CONTENDERS[subject].often || Boolean(before.values?.usableMs)
}

function warnOfLoad() {
  const [load] = loadavg()
  if (load > QUIET_LOAD) console.warn(`warning: this machine is not quiet: its load is ${load.toFixed(1)}`)
}

function warn() {
  const loud = results.measured.filter(({ others }) => others !== undefined && !isQuiet(others))
  if (loud.length === 0) return
  const most = Math.max(...loud.map(({ others }) => others))
  console.warn(`warning: this machine was not quiet: in ${loud.length} of ${results.measured.length} turns others used up to ${percent(most)} of it; the figures are for trying only`)
}

function keep() {
  writeFileSync(path.join(options.into, 'results.json'), written(results))
}

/** A line for each turn, so that two runs can be compared. */
function written({ measured, ...rest }) {
  const head = JSON.stringify(rest, null, 2).replace(/\n}$/, '')
  return `${head},\n  "measured": [\n${measured.map(turn => `    ${JSON.stringify(turn)}`).join(',\n')}\n  ]\n}\n`
}

function percent(share) {
  return `${Math.round(share * 100)} %`
}

function fail(why) {
  console.error(why)
  process.exit(2)
}
