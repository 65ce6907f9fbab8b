// Draws figures as SVG by hand: lines over an axis, and bars. A value is `{ least, median, most }`, and each has its spread.

const [WEST, WIDTH, NAMES, NORTH, SOUTH] = [64, 640, 170, 80, 330]
const [PANEL, BAR] = [46, 22]
/** The distance of two names, one below the other. */
const LINE = 16

const STYLE = `<style>
text{font:13px system-ui,sans-serif;fill:#3b4246}.title{font-weight:600;font-size:15px}
.end{text-anchor:end}.mid{text-anchor:middle}.back{fill:#fff}
path{fill:none;stroke-width:2}.grid{stroke:#7b8a90;stroke-opacity:.3;stroke-width:1}
.c0{stroke:#5b666b}.c1{stroke:#0a6b5c}.c2{stroke:#a3500c}.c3{stroke:#3c56b0}.c4{stroke:#8a2f7c}.c5{stroke:#806400}
.line.c0{stroke-dasharray:8 4}.line.c1{stroke-width:3}.line.c3{stroke-dasharray:2 4}.line.c4{stroke-dasharray:10 3 2 3}.line.c5{stroke-dasharray:4 3}
circle{fill:#fff;stroke-width:2}rect.bar{stroke-width:1.5;fill-opacity:.25}path.spread{stroke-width:1.5}
rect.c0{fill:#5b666b}rect.c1{fill:#0a6b5c}rect.c2{fill:#a3500c}rect.c3{fill:#3c56b0}rect.c4{fill:#8a2f7c}rect.c5{fill:#806400}
@media(prefers-color-scheme:dark){
text{fill:#c9d1d4}.back,circle{fill:#0d1117}
.c0{stroke:#a9b4b9}.c1{stroke:#5fd9bd}.c2{stroke:#f0a35e}.c3{stroke:#9db2ff}.c4{stroke:#e59ad8}.c5{stroke:#dcc052}
rect.c0{fill:#a9b4b9}rect.c1{fill:#5fd9bd}rect.c2{fill:#f0a35e}rect.c3{fill:#9db2ff}rect.c4{fill:#e59ad8}rect.c5{fill:#dcc052}
}
</style>`

/**
 * Lines over logarithmic axes.
 * @param {object} plot
 * @param {{ label: string, ticks: [number, string][] }} plot.x
 * @param {{ label: string }} plot.y
 * @param {{ name: string, color: number, points: { x: number, least: number, median: number, most: number }[] }[]} plot.series
 */
export function lines({ title, x, y, series }) {
  const drawn = series.filter(({ points }) => points.length > 0)
  const values = drawn.flatMap(({ points }) => points.flatMap(({ least, most }) => [least, most])).filter(value => value > 0)
  const ticks = steps(Math.min(...values), Math.max(...values))
  const east = WIDTH - NAMES
  const across = scale(x.ticks[0][0], x.ticks.at(-1)[0], WEST + 14, east - 14)
  const up = scale(ticks[0], ticks.at(-1), SOUTH, NORTH)
  const svg = [text(20, 58, y.label)]
  for (const tick of ticks) {
    svg.push(`<path class="grid" d="M${WEST} ${up(tick)}H${east}"/>`, text(WEST - 8, up(tick) + 4, short(tick), 'end'))
  }
  for (const [at, name] of x.ticks) svg.push(text(across(at), SOUTH + 20, name, 'mid'))
  svg.push(text((WEST + east) / 2, SOUTH + 42, x.label, 'mid'))
  for (const { color, points } of drawn) {
    svg.push(`<path class="line c${color}" d="M${points.map(point => `${across(point.x)} ${up(point.median)}`).join('L')}"/>`)
    for (const point of points) {
      svg.push(`<path class="spread c${color}" d="M${across(point.x)} ${up(point.least)}V${up(point.most)}"/>`)
      svg.push(`<circle class="c${color}" cx="${across(point.x)}" cy="${up(point.median)}" r="3.5"/>`)
    }
  }
  // Names at the ends of the lines, the highest first, and never one upon another.
  const ends = drawn.map(({ name, points }) => ({ name, x: across(points.at(-1).x), at: up(points.at(-1).median) + 4 }))
  ends.sort((a, b) => a.at - b.at)
  ends.forEach((end, i) => { end.at = Math.max(end.at, i > 0 ? ends[i - 1].at + LINE : 0) })
  for (const { name, at } of ends) svg.push(text(east + 4, at, name))
  const said = drawn.map(({ name, points }) => `${name}: ${points.map(point => `${short(point.median)} at ${nameOf(x, point.x)}`).join(', ')}`)
  return framed(title, `Up: ${y.label}. Across: ${x.label}. ${said.join('; ')}.`, SOUTH + 60, svg)
}

/**
 * Bars in panels, each panel with an axis of its own.
 * @param {object} plot
 * @param {{ label: string, unit: string, bars: { name: string, color: number, least: number, median: number, most: number }[] }[]} plot.panels
 */
export function bars({ title, panels }) {
  const svg = []
  let top = 44
  const [west, east] = [20 + NAMES, WIDTH - 90]
  for (const { label, unit, bars } of panels.filter(({ bars }) => bars.length > 0)) {
    svg.push(text(20, top + 20, label))
    const most = Math.max(...bars.map(({ most }) => most)) || 1
    const along = value => round(west + (east - west) * value / most)
    bars.forEach(({ name, color, ...value }, i) => {
      const y = top + 30 + i * BAR
      svg.push(text(west - 8, y + 13, name, 'end'))
      svg.push(`<rect class="bar c${color}" x="${west}" y="${y}" width="${round(along(value.median) - west)}" height="${BAR - 6}"/>`)
      svg.push(`<path class="spread c${color}" d="M${along(value.least)} ${y + 8}H${along(value.most)}"/>`)
      svg.push(text(along(value.most) + 6, y + 13, `${short(value.median)} ${unit}`))
    })
    top += PANEL + bars.length * BAR
  }
  const said = panels.map(({ label, unit, bars }) => `${label}: ${bars.map(({ name, median }) => `${name} ${short(median)} ${unit}`).join(', ')}`)
  return framed(title, `${said.join('; ')}.`, top + 10, svg)
}

function framed(title, described, height, parts) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title desc">
<title id="title">${title}</title>
<desc id="desc">${described} Medians of the runs; thin lines reach from the least to the greatest.</desc>
${STYLE}
<rect class="back" width="${WIDTH}" height="${height}" rx="8"/>
${text(20, 30, title, 'title')}
${parts.join('\n')}
</svg>
`
}

/** A logarithmic scale from one interval to another. */
function scale(first, last, from, to) {
  const span = Math.log(last / first) || 1
  return value => round(from + (to - from) * Math.log(Math.max(value, first) / first) / span)
}

/** 1, 2, 5, 10, ...: the least of them that hold all; of tens only, if that were too many. */
function steps(least, most) {
  const all = [1, 2, 5].flatMap(digit => Array.from({ length: 14 }, (_, power) => digit * 10 ** (power - 6))).sort((a, b) => a - b)
  const within = ticks => ticks.slice(Math.max(0, ticks.findLastIndex(tick => tick <= least)), ticks.findIndex(tick => tick >= most) + 1)
  const fine = within(all)
  return fine.length <= 8 ? fine : within(all.filter(tick => Number.isInteger(Math.round(Math.log10(tick) * 1e6) / 1e6)))
}

function text(x, y, words, kind) {
  return `<text${kind ? ` class="${kind}"` : ''} x="${round(x)}" y="${round(y)}">${words}</text>`
}

function nameOf({ ticks }, at) {
  return ticks.find(([tick]) => tick === at)?.[1] ?? at
}

function round(value) {
  return Math.round(value * 10) / 10
}

/** Three digits. */
function short(value) {
  return Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: 6 })
}
