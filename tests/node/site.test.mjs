// The documentation as a site, and what the pages say of the project.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { staleDocs } from '../../scripts/docs.mjs'
import { declarations } from '../../scripts/docs/api.mjs'
import { ROOT } from './peers.mjs'

const WWW = path.join(ROOT, 'www')
const PAGES = readdirSync(WWW, { recursive: true }).filter(name => name.endsWith('.html'))
const read = name => readFileSync(path.join(ROOT, name), 'utf8')

test('www/docs and llms.txt are made of what docs/, README.md and the types say now', () => {
  assert.deepEqual(staleDocs(), [], 'npm run docs, and commit it')
})

test('every link of every page leads somewhere', () => {
  const anchors = new Map()
  const idsOf = file => {
    if (!anchors.has(file)) anchors.set(file, new Set([...readFileSync(file, 'utf8').matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)))
    return anchors.get(file)
  }
  const lost = []
  let followed = 0
  const follow = (page, href) => {
    const [to, anchor] = href.split('#')
    // `npm start` serves pkg/ beside the pages, and a file of the repository is one of this folder.
    const [, outside] = /\/blob\/HEAD\/(.*)$/.exec(to) ?? []
    const target = outside ? path.join(ROOT, outside) : path.join(WWW, path.dirname(page), to || path.basename(page))
    const file = target.startsWith(path.join(WWW, 'pkg')) ? path.join(ROOT, path.relative(WWW, target)) : target
    followed++
    if (!existsSync(file) || (anchor && !outside && !idsOf(file).has(anchor))) lost.push(`${page}: ${href}`)
  }
  for (const page of PAGES) {
    for (const [, href] of readFileSync(path.join(WWW, page), 'utf8').matchAll(/ (?:href|src)="([^"]+)"/g)) {
      if (!/^[a-z]+:/.test(href) || href.includes('/blob/HEAD/')) follow(page, href)
    }
  }
  for (const [, href] of read('www/llms.txt').matchAll(/\]\(\/([^)]+)\)/g)) follow('llms.txt', href)
  assert.ok(followed > 400)
  assert.deepEqual(lost, [])
})

test('every member of the API has an address, and each page knows where the others are', () => {
  const api = read('www/docs/api.html')
  const missing = []
  for (const { name, members } of declarations()) {
    const owner = name === 'Easypeers' ? '' : `${name}.`
    for (const id of [name, ...members.map(member => owner + member.name.replace(/[[\]]/g, ''))]) {
      if (!api.includes(` id="${id}"`)) missing.push(id)
    }
  }
  assert.deepEqual(missing, [])
  const menu = page => [...readFileSync(path.join(WWW, page), 'utf8').matchAll(/<nav aria-label="Pages">([^]*?)<\/nav>/g)]
    .map(([, links]) => links.replace(/ aria-current="\w+"/, '').replaceAll('"../', '"').replace('"index.html"', '"docs/index.html"'))
  const [first] = menu('index.html')
  for (const page of PAGES) assert.deepEqual(menu(page), [first], page)
})

test('what the landing page says was measured is what the documentation says', () => {
  const [, numbers] = /<dl id="numbers"[^>]*>([^]*?)<\/dl>/.exec(read('www/index.html'))
  const told = [...numbers.matchAll(/<dt>(.*?)<\/dt><dd>.*?href="docs\/(\w+)\.html/g)].map(([, number, page]) => [number, read(`www/docs/${page}.html`)])
  assert.ok(told.length >= 6)
  for (const [number, text] of told) assert.ok(text.includes(number), number)
})
