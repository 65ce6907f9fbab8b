// Draws docs/figures/ from what the simulator measured: `node scripts/figures.mjs [REPORT...]`.
//
// Reports are what `sim run ... --report REPORT` writes. What the figures need of it goes into simulations/figures.json,
// in the place of what was there of that scenario and number of peers; the figures are drawn from that file.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'

const SUMMARY = new URL('../simulations/figures.json', import.meta.url)
const FIGURES = new URL('../docs/figures/', import.meta.url)
const SIZES = [50, 200, 500, 1000]

const crowd = (name, metric) => ({ name, points: SIZES.map(n => [n, `flash-crowd/${n}`, metric]) })
const coverage = metric => ({ points: [1, 2, 3, 4, 6].map(k => [k, 'coverage/200', `k${k}.later.${metric}`]) })
const healing = ['death_noticed_p50_s', 'ring_90_s', 'ring_99_s', 'ring_s']
const deaths = share => ({
  name: `${share} % died`, points: healing.map((metric, x) => [x, `death-${share}/1000`, `healed.${metric}`]),
})
const sizes = { label: 'peers', ticks: SIZES, scale: Math.log }
const links = { label: 'k, the links that a broadcast is meant to use', ticks: [1, 2, 3, 4, 5, 6], scale: k => k }

/** Each with what it shows in words, and its panels: lines over an axis, a point as [x, scenario, metric]. */
const CHARTS = {
  ring: {
    title: 'When the ring is right after a flash crowd',
    panels: [{
      x: sizes, y: { label: 'seconds after the first of a crowd that joins within 1 s', step: 1 },
      lines: [crowd('all of it', 'crowd.ring_s'), crowd('99 %', 'crowd.ring_99_s'), crowd('90 %', 'crowd.ring_90_s')],
    }],
  },
  hops: {
    title: 'Links that a direct message crosses',
    panels: [{
      x: sizes, y: { label: 'links', step: 2 },
      lines: [
        crowd('99th percentile', 'direct.hops_p99'), crowd('mean', 'direct.hops'),
        crowd('shortest path', 'direct.hops_shortest'),
      ],
    }],
  },
  broadcast: {
    title: 'Broadcasts: the first message of a source, and later ones',
    panels: [{
      x: sizes, y: { label: 'copies of the payload per peer', step: 1 },
      lines: [crowd('first', 'broadcast.first.copies'), crowd('later', 'broadcast.later.copies')],
    }, {
      x: sizes, y: { label: 'ms until the last peer has it', step: 50 },
      lines: [crowd('first', 'broadcast.first.last_p50_ms'), crowd('later', 'broadcast.later.last_p50_ms')],
    }],
  },
  coverage: {
    title: 'What coverage costs and buys: 200 peers, later messages of a source',
    panels: [
      { x: links, y: { label: 'copies of the payload per peer', step: 1 }, lines: [coverage('copies')] },
      { x: links, y: { label: 'ms until the last peer has it', step: 250 }, lines: [coverage('last_p50_ms')] },
    ],
  },
  deaths: {
    title: 'When the ring is right again after a share of 1,000 peers died',
    panels: [{
      x: {
        label: 'what is reached', ticks: [0, 1, 2, 3], scale: x => x,
        names: ['half of it noticed', '90 % right', '99 % right', 'all right'],
      },
      y: { label: 'seconds after the deaths', step: 2 },
      lines: [deaths(70), deaths(50)],
    }],
  },
}

/** What the figures need of each scenario: the values of each metric, one for each seed. */
const summary = JSON.parse(readFileSync(SUMMARY, 'utf8'))
const reports = process.argv.slice(2).flatMap(file => JSON.parse(readFileSync(file, 'utf8')))
const lines = Object.values(CHARTS).flatMap(chart => chart.panels).flatMap(panel => panel.lines)
const points = lines.flatMap(line => line.points)
for (const { scenario, peers, runs } of reports) {
  const key = `${scenario}/${peers}`
  const metrics = points.filter(([, place]) => place === key).map(([, , metric]) => metric).sort()
  const values = metric => runs.map(run => Number(run.metrics[metric].toPrecision(4)))
  if (metrics.length > 0) summary[key] = Object.fromEntries(metrics.map(metric => [metric, values(metric)]))
}
if (reports.length > 0) {
  const rows = Object.keys(summary).sort().map(key => {
    const metrics = Object.entries(summary[key]).map(([metric, values]) => `    "${metric}": ${JSON.stringify(values)}`)
    return `  "${key}": {\n${metrics.join(',\n')}\n  }`
  })
  writeFileSync(SUMMARY, `{\n${rows.join(',\n')}\n}\n`)
}

mkdirSync(FIGURES, { recursive: true })
for (const [name, chart] of Object.entries(CHARTS)) writeFileSync(new URL(`${name}.svg`, FIGURES), draw(chart))

/** The means of a line's points over the seeds, with the least and the greatest. */
function measured({ points }) {
  return points.map(([x, key, metric]) => {
    const values = summary[key][metric]
    const mean = values.reduce((sum, value) => sum + value) / values.length
    return { x, y: mean, least: Math.min(...values), most: Math.max(...values) }
  })
}

function draw({ title, panels }) {
  const width = panels.length > 1 ? 400 : 560
  const parts = panels.map((panel, turn) => drawPanel(panel, 20 + turn * (width + 20), width))
  const total = 20 + panels.length * (width + 20)
  const described = panels.map(({ x, y, lines }) => {
    const values = line => measured(line).map(point => `${short(point.y)} at ${nameOf(point.x, x)}`).join(', ')
    const all = lines.map(line => [line.name, values(line)].filter(Boolean).join(': ')).join('; ')
    return `Up: ${y.label}. Across: ${x.label}. ${all}.`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${total} 360" role="img" aria-labelledby="title desc">
<title id="title">${title}</title>
<desc id="desc">${described.join(' ')} Means over the seeds; bars reach from the least to the greatest.</desc>
<style>
text{font:13px system-ui,sans-serif;fill:#3b4246}.title{font-weight:600;font-size:15px}
.end{text-anchor:end}.mid{text-anchor:middle}
path{fill:none;stroke-width:2}.grid{stroke:#7b8a90;stroke-opacity:.3;stroke-width:1}.back{fill:#fff}
.c0{stroke:#0a6b5c}.c1{stroke:#a3500c}.c2{stroke:#3c56b0}.line.c1{stroke-dasharray:7 4}.line.c2{stroke-dasharray:2 4}
.bar{stroke-width:1.2}circle{fill:#fff;stroke-width:2}
@media(prefers-color-scheme:dark){
text{fill:#c9d1d4}.back,circle{fill:#0d1117}.c0{stroke:#5fd9bd}.c1{stroke:#f0a35e}.c2{stroke:#9db2ff}
}
</style>
<rect class="back" width="${total}" height="360" rx="8"/>
<text class="title" x="20" y="30">${title}</text>
${parts.join('\n')}
</svg>
`
}

function drawPanel({ x, y, lines }, left, width) {
  const all = lines.map(measured)
  const most = Math.ceil(Math.max(...all.flat().map(point => point.most)) / y.step) * y.step
  const named = lines.some(line => line.name)
  const [west, east, south, north] = [left + 42, left + width - (named ? 118 : 20), 305, 78]
  const [first, last] = [x.ticks[0], x.ticks.at(-1)].map(x.scale)
  const across = value => round(west + 14 + (east - west - 28) * (x.scale(value) - first) / (last - first))
  const up = value => round(south - (south - north) * value / most)
  const svg = [`<text x="${left}" y="58">${y.label}</text>`]
  for (let value = 0; value <= most; value += y.step) {
    svg.push(`<path class="grid" d="M${west} ${up(value)}H${east}"/>`)
    svg.push(`<text class="end" x="${west - 8}" y="${up(value) + 4}">${value.toLocaleString('en')}</text>`)
  }
  x.ticks.forEach(tick => svg.push(`<text class="mid" x="${across(tick)}" y="325">${nameOf(tick, x)}</text>`))
  svg.push(`<text class="mid" x="${(west + east) / 2}" y="346">${x.label}</text>`)
  all.forEach((line, turn) => {
    svg.push(`<path class="c${turn} line" d="M${line.map(point => `${across(point.x)} ${up(point.y)}`).join('L')}"/>`)
    for (const point of line) {
      svg.push(`<path class="c${turn} bar" d="M${across(point.x)} ${up(point.least)}V${up(point.most)}"/>`)
      svg.push(`<circle class="c${turn}" cx="${across(point.x)}" cy="${up(point.y)}" r="3.5"/>`)
    }
  })
  // Names at the ends of the lines, the highest first, and never one upon another.
  const names = lines.map(({ name }, turn) => ({ name, at: up(all[turn].at(-1).y) + 4 })).sort((a, b) => a.at - b.at)
  names.forEach((label, turn) => {
    label.at = Math.max(label.at, turn > 0 ? names[turn - 1].at + 16 : 0)
    if (label.name) svg.push(`<text x="${east + 2}" y="${round(label.at)}">${label.name}</text>`)
  })
  return svg.join('\n')
}

function nameOf(tick, { names }) {
  return names?.[tick] ?? tick.toLocaleString('en')
}

function round(value) {
  return Math.round(value * 10) / 10
}

function short(value) {
  return String(Number(value.toPrecision(3)))
}
