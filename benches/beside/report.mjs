// Makes REPORT.md and its plots of results.json: `node benches/beside/report.mjs [DIRECTORY]`. Measures nothing.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { isQuiet, QUIET } from './machine.mjs'
import { bars, lines } from './plot.mjs'

const BESIDE = fileURLToPath(new URL('..', import.meta.url))
const [BARE, OURS] = ['bare', 'easypeers']
const TITLES = {
  bare: 'bare WebRTC', easypeers: 'Easypeers', trystero: 'trystero', p2pt: 'p2pt', gossipsub: 'libp2p gossipsub', original: 'JavaScript Easypeers',
}
const SUBJECTS = Object.keys(TITLES)
const NONE = '–'

/** Reads results.json in a directory, and writes the report beside it. */
export function report(directory) {
  const results = JSON.parse(readFileSync(path.join(directory, 'results.json'), 'utf8'))
  const plots = path.join(directory, 'plots')
  mkdirSync(plots, { recursive: true })
  for (const [name, svg] of Object.entries(drawn(results))) writeFileSync(path.join(plots, `${name}.svg`), svg)
  writeFileSync(path.join(directory, 'REPORT.md'), told(results))
}

// ---------------------------------------------------------------- what is measured

/** The rows of a table: each a figure of what a scene gives. `most` and `least` are what is wanted of ours as a share of the
 *  bare one, or with `plain` of ours alone. */
function rows({ crowd, many, large, broadcasts }) {
  return [
    { scene: 'connect', title: '2 pages, no STUN: constructor to connect', unit: 'ms', of: v => middle(v.connectMs), most: 1.2 },
    { scene: 'sizes', title: '16 kB messages to one peer', unit: 'MB/s', of: v => v.floods[16_384]?.mb, least: 0.9 },
    { scene: 'small', title: 'messages of 100 bytes to one peer, every proof verified', unit: '/s', of: v => v.floods[100].messages, least: 0.5 },
    { scene: 'large', title: `${large / 1e6} MB to one peer`, unit: 'MB/s', of: v => v.mb, least: 0.9 },
    { scene: 'large', title: 'the same: longest task of either page (0: none of 50 or more)', unit: 'ms', of: v => v.longestTaskMs },
    { scene: 'crowd', title: `${crowd} pages at once: usable mesh`, unit: 'ms', of: v => v.usableMs, most: 0.6 },
    { scene: 'many', title: `${many} pages at once: first link, p50`, unit: 'ms', of: v => middle(present(v.connectMs)), most: 0.8 },
    { scene: 'many', title: `${many} pages at once: usable mesh`, unit: 'ms', of: v => v.usableMs, most: 0.4 },
    { scene: 'many', title: `${many} pages: processor time to join, of all`, unit: 's', of: joining, most: 0.5 },
    { scene: 'many', title: `${many} pages: RTCPeerConnections made for each end of a link kept`, unit: '', of: made, most: 1.3, plain: true },
    { scene: 'crowd', title: `${crowd} pages, 10 broadcasts/s, ${broadcasts / 10} s: processor time`, unit: 's', of: v => v.talk.processor, most: 1.3 },
    { scene: 'crowd', title: 'the same: latency, p50', unit: 'ms', of: v => v.talk.p50, most: 1.6 },
    { scene: 'crowd', title: 'the same: latency, p99', unit: 'ms', of: v => v.talk.p99, most: 2 },
    { scene: 'crowd', title: `${crowd} pages, idle: channel messages a second and peer`, unit: '', of: v => v.idle.messages, most: 2, plain: true },
  ]
}

/** What nothing is promised of, or not as a share of the bare one. */
function further({ crowd, many, crashes }) {
  return [
    { scene: 'crowd', title: `${crowd} pages at once: first link, p50`, unit: 'ms', of: v => middle(present(v.connectMs)) },
    { scene: 'crowd', title: `${crowd} pages: processor time to join, of all`, unit: 's', of: joining },
    { scene: 'crowd', title: `${crowd} pages: RTCPeerConnections made for each end of a link kept`, unit: '', of: made },
    { scene: 'crowd', title: `${crowd} pages: links of a page, mean`, unit: '', of: v => v.links / v.pages },
    { scene: 'crowd', title: `${crowd} pages, 10 broadcasts/s: delivered`, unit: '%', of: v => share(v.talk) },
    { scene: 'crowd', title: `${crowd} pages, idle: processor time a minute, of all`, unit: 's', of: v => v.idle.processor * 60 },
    { scene: 'many', title: `${many} pages: links of a page, mean`, unit: '', of: v => v.links / v.pages },
    { scene: 'many', title: `${many} pages: broadcasts delivered`, unit: '%', of: v => share(v.talk) },
    { scene: 'many', title: `${many} pages: direct messages delivered`, unit: '%', of: v => share(v.directs) },
    { scene: 'crash', title: `${crowd} pages, ${crashes} crash, tracker dead: survivors reached after 35 s`, unit: '%', of: v => share(v.survivors) },
  ]
}

/** One page of them, or of a pair, six times slower. */
function slow({ crowd }) {
  return [
    { scene: 'slow-connect', title: '2 pages, one slower: constructor to connect', unit: 'ms', of: v => middle(v.connectMs) },
    { scene: 'slow-small', title: 'messages of 100 bytes to a slower peer', unit: '/s', of: v => v.floods[100].messages },
    { scene: 'slow-crowd', title: `${crowd} pages at once, one slower: its first link`, unit: 'ms', of: v => v.slowConnectMs },
    { scene: 'slow-crowd', title: 'the same: usable mesh', unit: 'ms', of: v => v.usableMs },
    { scene: 'slow-crowd', title: 'the same, 10 broadcasts/s: latency, p50', unit: 'ms', of: v => v.talk.p50 },
    { scene: 'slow-crowd', title: 'the same, 10 broadcasts/s: latency, p99', unit: 'ms', of: v => v.talk.p99 },
  ]
}

const joining = v => v.usableProcessor === null ? null : v.usableProcessor + v.settlingProcessor
const made = v => v.links > 0 ? v.made / v.links : null
const share = ({ delivered, wanted }) => 100 * delivered / wanted
const present = values => values.filter(value => value !== null)

/** By run: what a row says of a subject; those runs are left out that have no such figure. */
function figures({ measured }, { scene, of }, subject) {
  const turns = measured.filter(turn => turn.scene === scene && turn.subject === subject && turn.values)
  return new Map(turns.map(({ run, values }) => [run, of(values)]).filter(([, value]) => Number.isFinite(value)))
}

function spread(values) {
  return values.length === 0 ? null : { least: Math.min(...values), median: middle(values), most: Math.max(...values) }
}

/** Of two in the middle their mean. */
function middle(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length / 2
  return sorted.length === 0 ? null : (sorted[Math.ceil(half) - 1] + sorted[Math.floor(half)]) / 2
}

// ---------------------------------------------------------------- the report

function told(results) {
  const { settings, made, machine } = results
  return `# Measured in real pages

${warning(results)}Made by \`npm run bench\` on ${made.slice(0, 10)}: ${machine.browser}, ${settings.runs} ${settings.runs === 1 ? 'run' : 'runs'}, in each of which bare channels and Easypeers take their turns.
A figure is the median of the runs, and in parentheses the least and the greatest; a ratio is that of two figures of the same run.

${beside(results, rows(settings))}

Messages to one peer are bytes where a contender takes them, and letters elsewhere. A mesh is usable when of each of three pages one
and the same broadcast has reached all others. The processor time to join is that of all processes of the browser until the mesh is
usable, and then until the last connection was made or lost before ${settings.still} s without such a change, or before ${settings.settling} s had passed. The bare mesh
knows how many pages there will be, and makes its offers for them at once; the offers that nobody takes are also connections made.

![Connect time by number of pages](plots/connect.svg)

![Throughput by message size](plots/throughput.svg)

![Processor time](plots/processor.svg)

## Beside others

${table(results, [...rows(settings), ...further(settings)])}

${NONE}: not there, or not measured; [why](#what-was-not-measured). Whoever is neither bare nor ours was measured once, after the runs. Messages
that were sent at full speed and did not arrive: ${lost(results)}.

## A page that is six times slower

${beside(results, slow(settings))}

As by a phone: the browser stops the thread of that page for five of six milliseconds, and the others have what is left of the machine.

## What was not measured

${missing(results)}

## The machine

${machine.processor}, ${machine.cores} cores, ${machine.memory}, ${machine.system}, Node ${machine.node.slice(1)}, ${machine.browser}, headless.

${load(results)}

Others are all that is neither the browser nor the runner, which holds the tracker; a machine is called quiet while they have no more
than ${QUIET * 100} %. \`load\` is the load average of one minute before a turn, and what was measured just before is in it.
`
}

function warning({ measured, settings, whole }) {
  const loud = measured.filter(({ others }) => others !== undefined && !isQuiet(others))
  const warnings = []
  if (loud.length > 0) {
    warnings.push(`**Not a result.** The machine was not quiet: in ${loud.length} of ${measured.length} turns others used up to ${Math.round(Math.max(...loud.map(({ others }) => others)) * 100)} % of its processors. These figures show only that the bench works.`)
  }
  if (!whole) warnings.push('**Not a result.** The run was broken off: what comes late in it is missing.')
  if (settings.quick) warnings.push('**Not a result.** A quick run, of as little as shows that all works.')
  return warnings.map(line => `> ${line}\n\n`).join('')
}

/** Bare and ours, their ratio, and what is wanted of it. */
function beside(results, rows) {
  const wanted = rows.some(({ most, least }) => most ?? least)
  const head = ['', 'bare', 'Easypeers', 'ratio', ...(wanted ? ['wanted', ''] : [])]
  return markdown(head, rows.map(row => {
    const [bare, ours] = [figures(results, row, BARE), figures(results, row, OURS)]
    const ratios = [...ours].filter(([run]) => bare.get(run) > 0).map(([run, value]) => value / bare.get(run))
    const judged = row.plain ? spread([...ours.values()]) : spread(ratios)
    return [row.title, cell(bare, row.unit), cell(ours, row.unit), row.plain ? NONE : number(spread(ratios)), ...(wanted ? [wish(row), met(row, judged)] : [])]
  }))
}

function wish({ most, least, plain }) {
  if (!most && !least) return NONE
  return `${least ? '≥' : '≤'} ${least ?? most}${plain ? '' : 'x'}`
}

function met({ most, least }, judged) {
  if (!judged || (!most && !least)) return NONE
  return (least ? judged.median >= least : judged.median <= most) ? 'yes' : '**no**'
}

function table(results, rows) {
  const there = SUBJECTS.filter(subject => results.measured.some(turn => turn.subject === subject))
  const filled = rows.map(row => [`${row.title}${row.unit ? `, ${row.unit}` : ''}`, ...there.map(subject => cell(figures(results, row, subject), ''))])
  return markdown(['', ...there.map(subject => TITLES[subject])], filled.filter(([, ...cells]) => cells.some(cell => cell !== NONE)))
}

function markdown(head, rows) {
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

function cell(figures, unit) {
  const told = number(spread([...figures.values()]))
  return told === NONE ? NONE : `${told}${unit ? ` ${unit}` : ''}`
}

function number(spread) {
  if (!spread) return NONE
  const { least, median, most } = spread
  return short(least) === short(most) ? short(median) : `${short(median)} (${short(least)}–${short(most)})`
}

/** Three digits, but no less than the whole number. */
function short(value) {
  return (Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3))).toLocaleString('en-US')
}

function lost({ measured }) {
  const all = new Map()
  for (const { subject, values } of measured) {
    for (const { sent, lost } of Object.values(values?.floods ?? {})) {
      const sum = all.get(subject) ?? { sent: 0, lost: 0 }
      all.set(subject, { sent: sum.sent + sent, lost: sum.lost + Math.max(0, lost) })
    }
  }
  return [...all].map(([subject, { sent, lost }]) => `${TITLES[subject]} ${lost.toLocaleString('en-US')} of ${sent.toLocaleString('en-US')}`).join('; ') || 'none were sent'
}

function missing({ measured, left }) {
  const lines = Object.entries(left).map(([subject, why]) => `- ${TITLES[subject]}: ${why}.`)
  for (const turn of measured) {
    const who = `${TITLES[turn.subject]}, scene \`${turn.scene}\`, run ${turn.run}`
    if (turn.failed) lines.push(`- ${who}: ${turn.failed}.`)
    if (turn.values?.usableMs === null) lines.push(`- ${who}: no usable mesh of ${turn.values.pages} pages in time.`)
    if (turn.errors) lines.push(`- ${who}: ${turn.errors.number} uncaught errors in pages, the first: \`${turn.errors.first}\``)
  }
  return lines.join('\n') || 'Nothing.'
}

function load({ measured, settings }) {
  return markdown(['run', 'turns', 'minutes', 'load', 'used by others, mean', 'most', 'quiet'], Array.from({ length: settings.runs }, (_, i) => {
    const turns = measured.filter(({ run, others }) => run === i + 1 && others !== undefined)
    const time = turns.reduce((sum, { seconds }) => sum + seconds, 0)
    const others = turns.reduce((sum, { others, seconds }) => sum + others * seconds, 0) / time
    const most = Math.max(...turns.map(({ others }) => others))
    const loads = turns.map(({ load }) => load)
    return [
      i + 1, turns.length, Math.round(time / 6) / 10, `${Math.min(...loads)}–${Math.max(...loads)}`,
      `${Math.round(others * 100)} %`, `${Math.round(most * 100)} %`, turns.every(({ others }) => isQuiet(others)) ? 'yes' : '**no**',
    ]
  }))
}

// ---------------------------------------------------------------- the plots

function drawn(results) {
  const { settings } = results
  const sizes = [100, ...settings.sizes]
  const numbers = [2, ...settings.growth, settings.crowd, settings.many].sort((a, b) => a - b)
  return {
    connect: lines({
      title: 'Pages that join at once: constructor to the first link, p50',
      x: { label: 'pages', ticks: numbers.map(number => [number, `${number}`]) }, y: { label: 'milliseconds' },
      series: series(results, numbers, number => crowdOf(settings, number)),
    }),
    throughput: lines({
      title: 'Messages to one peer, as fast as they go',
      x: { label: 'bytes of a message', ticks: sizes.map(size => [size, sizeName(size)]) }, y: { label: 'MB/s' },
      series: series(results, sizes, size => ({ scene: size === 100 ? 'small' : 'sizes', of: v => v.floods[size]?.mb })),
    }),
    processor: bars({ title: 'Processor time of all processes of the browser', panels: panels(results) }),
  }
}

function sizeName(size) {
  if (size < 1_000) return `${size}`
  return `${size % 1_024 === 0 ? size / 1_024 : size / 1_000} k`
}

/** The row of the time to the first link in a crowd of so many. */
function crowdOf({ crowd, many }, number) {
  const p50 = times => middle(present(times))
  if (number === 2) return { scene: 'connect', of: v => p50(v.connectMs) }
  if (number === crowd || number === many) return { scene: number === crowd ? 'crowd' : 'many', of: v => p50(v.connectMs) }
  return { scene: 'growth', of: v => p50(v.growth[number]?.connectMs ?? []) }
}

function series(results, at, row) {
  return SUBJECTS.map((subject, color) => ({
    name: TITLES[subject], color,
    points: at.map(x => ({ x, ...spread([...figures(results, row(x), subject).values()]) })).filter(({ median }) => median > 0),
  }))
}

function panels(results) {
  const { crowd, many, broadcasts } = results.settings
  return [
    { label: `${crowd} pages join`, row: { scene: 'crowd', of: joining } },
    { label: `${many} pages join`, row: { scene: 'many', of: joining } },
    { label: `${crowd} pages, 10 broadcasts/s for ${broadcasts / 10} s`, row: { scene: 'crowd', of: v => v.talk.processor } },
    { label: `${crowd} pages, a minute of silence`, row: { scene: 'crowd', of: v => v.idle.processor * 60 } },
  ].map(({ label, row }) => ({
    label, unit: 's',
    bars: SUBJECTS.map((subject, color) => ({ name: TITLES[subject], color, ...spread([...figures(results, row, subject).values()]) }))
      .filter(({ median }) => median !== undefined),
  }))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) report(path.resolve(process.argv[2] ?? BESIDE))
