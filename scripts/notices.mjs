// What is linked into pkg/ and by whom it is: each crate and package with its license, the same texts once.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const TARGET = 'wasm32-unknown-unknown'
/** Of npm: functions of it are in the adapters' files. */
const PACKAGES = ['lib0']
/** Where somebody may choose, the license that asks for least comes first. */
const TEXTS = [/^licen[cs]e-mit/i, /^licen[cs]e(\.|$)/i, /^licen[cs]e/i, /^copying/i]

/** @returns {string} the notices, in the order of names */
export function notices() {
  const all = [...crates(), ...PACKAGES.map(ofNpm)].sort((one, other) => (one.name < other.name ? -1 : 1))
  const texts = new Map()
  for (const { name, version, license, text } of all) {
    texts.set(text, [...(texts.get(text) ?? []), `${name} ${version} (${license})`])
  }
  const parts = [...texts].map(([text, names]) => `${names.join('\n')}\n\n${text}\n`)
  return [
    'Easypeers is under the MIT license, see LICENSE. Within the files of this package is code of others:\n',
    'the Rust standard library (MIT OR Apache-2.0), copyright (c) The Rust Project Contributors, under the terms of the MIT license, whose\ntext is below\n',
    ...parts,
  ].join(`\n${'-'.repeat(78)}\n\n`)
}

function crates() {
  const cargo = (...words) => execFileSync('cargo', words, { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 28 })
  const tree = ['easypeers', 'pack'].flatMap(name => cargo(
    'tree', '--locked', '--package', name, '--target', TARGET, '--edges', 'normal,no-proc-macro', '--prefix', 'none', '--format', '{p}').split('\n'))
  const linked = new Set(tree.map(line => line.split(' ').slice(0, 2).join(' ')))
  const { packages } = JSON.parse(cargo('metadata', '--locked', '--format-version=1', '--filter-platform', TARGET))
  return packages
    .filter(({ name, version, source }) => source && linked.has(`${name} v${version}`))
    .map(({ name, version, license, authors, repository, manifest_path: manifest }) => {
      // Some come without the text that they name.
      const text = textIn(path.dirname(manifest)) ?? `by ${authors.join(', ') || 'the authors'} of ${repository}`
      return { name, version, license, text }
    })
}

function ofNpm(name) {
  const folder = path.join(ROOT, 'node_modules', name)
  const { version, license } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))
  return { name, version, license, text: textIn(folder) }
}

function textIn(folder) {
  const names = readdirSync(folder)
  const found = TEXTS.flatMap(pattern => names.filter(name => pattern.test(name)))[0]
  return found && readFileSync(path.join(folder, found), 'utf8').replace(/\r\n/g, '\n').trim()
}
