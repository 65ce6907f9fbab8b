// Makes REPORT.md of results.json: `node benches/yjs/report.mjs [DIRECTORY]`. Measures nothing.
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const NONE = '–'

const number = (value, digits = 0) => value === null ? 'never' : value === undefined || Number.isNaN(value)
  ? NONE
  : value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })

/** What a key costs above what the same pages say when nobody types. */
const above = ({ keys, idle, pages }, settings) => keys && idle && (keys.messages - idle.messages / 60 * keys.seconds / settings.keys) / pages

/** The rows: a title, what a turn's figure is, and how it is written. */
const ROWS = [
  { title: 'a key: messages, all pages together', of: ({ keys }) => keys?.messages, digits: 1 },
  { title: 'a key: messages for each page', of: ({ keys, pages }) => keys?.messages / pages, digits: 2 },
  { title: 'the same, without what they say when nobody types', of: above, digits: 2 },
  { title: 'a key: kB, all pages together', of: ({ keys }) => keys?.bytes / 1000, digits: 1 },
  { title: 'a key: ms until all have it, p50', of: ({ keys }) => keys?.allHaveItMs },
  { title: 'a key and its cursor: messages, all pages together', of: ({ keysWithCursor }) => keysWithCursor?.messages, digits: 1 },
  { title: 'a key and its cursor: kB, all pages together', of: ({ keysWithCursor }) => keysWithCursor?.bytes / 1000, digits: 1 },
  { title: 'an idle minute: messages for each page', of: ({ idle, pages }) => idle?.messages / pages },
  { title: 'an idle minute: kB for each page', of: ({ idle, pages }) => idle?.bytes / pages / 1000, digits: 1 },
  { title: 'all have 1 MB that one page wrote, after, ms', of: ({ filledMs }) => filledMs },
  { title: 'a newcomer has 1 MB after, ms', of: ({ newcomerMs }) => newcomerMs },
  { title: 'its longest task, ms (0: none of 50 or more)', of: ({ newcomerLongestTaskMs }) => newcomerLongestTaskMs },
]

/** The same of a long history. */
const HISTORY_ROWS = [
  { title: 'insertions', of: ({ insertions }) => insertions },
  { title: 'MB, as one update', of: ({ bytes }) => bytes / 1_000_000, digits: 1 },
  { title: 'a newcomer has it after, ms', of: ({ newcomerMs }) => newcomerMs },
  { title: 'its longest task, ms', of: ({ thereLongestTaskMs }) => thereLongestTaskMs },
  { title: 'the longest task of who gives it, ms', of: ({ hereLongestTaskMs }) => hereLongestTaskMs },
  { title: 'Yjs alone: reads it in, ms', of: ({ alone }) => alone?.readMs },
  { title: 'Yjs alone: writes it in, ms', of: ({ alone }) => alone?.writeMs },
]

export function report (directory) {
  const results = JSON.parse(readFileSync(path.join(directory, 'results.json'), 'utf8'))
  writeFileSync(path.join(directory, 'REPORT.md'), told(results))
}

function told ({ made, machine, settings, measured, histories = [], notes = [] }) {
  const sizes = [...new Set(measured.map(({ pages }) => pages))]
  const of = (subject, pages) => measured.find(turn => turn.subject === subject && turn.pages === pages)
  const head = sizes.flatMap(pages => [`${pages} pages: Easypeers`, 'y-webrtc'])
  const lines = ROWS.map(({ title, of: figure, digits }) =>
    [title, ...sizes.flatMap(pages => ['easypeers', 'y-webrtc'].map(subject => cell(of(subject, pages), turn => figure(turn, settings), digits)))])
  const alone = ['an idle minute of the mesh alone: messages for each page', ...sizes.flatMap(pages =>
    [cell(of('mesh', pages), ({ idle }) => idle?.messages / pages), ''])]
  const failures = [...measured, ...histories].filter(({ failed }) => failed).map(({ subject, pages, letters, failed }) =>
    `- ${subject}, ${letters ? `a history in insertions of ${letters}` : `${pages} pages`}: ${failed}`)
  return `${[
    '# A document of Yjs in many pages',
    '',
    `Made by \`npm run bench:yjs\` on ${made.slice(0, 10)}: ${machine.processor}, ${machine.cores} cores, ${machine.memory}, ${machine.browser}.`,
    `Each document in a page of its own, all on one machine; ${settings.keys} keys, one every 150 ms; messages and bytes are what is handed to data channels.`,
    `Others used up to ${Math.round(100 * Math.max(...[...measured, ...histories].map(({ others }) => others ?? 0)))} % of the machine meanwhile: counts do not care, milliseconds do.`,
    '',
    row(['', ...head]),
    row(['', ...head].map(() => '---')),
    ...[...lines, alone].map(row),
    ...(histories.length > 0 ? ['', ...historyTold(histories)] : []),
    ...(notes.length > 0 ? ['', ...notes] : []),
    ...(failures.length > 0 ? ['', 'Not measured:', '', ...failures] : []),
  ].join('\n')}\n`
}

function historyTold (histories) {
  return [
    '## A long history, in two pages',
    '',
    row(['', ...histories.map(({ letters }) => `insertions of ${number(letters)} letters`)]),
    row(['', ...histories].map(() => '---')),
    ...HISTORY_ROWS.map(({ title, of: figure, digits }) => row([title, ...histories.map(turn => cell(turn, figure, digits))])),
  ]
}

function cell (turn, figure, digits) {
  return turn ? number(figure(turn), digits) : NONE
}

function row (cells) {
  return `| ${cells.join(' | ')} |`
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) report(process.argv[2] ?? HERE)
