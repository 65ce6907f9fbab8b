// The end-to-end tests, one after another in one process and one browser.
//   npm run test:e2e                      those of every day
//   npm run test:e2e -- ring close        some, by the names of their files
//   npm run test:e2e -- long              those of long/, too many pages or too slow for every day
import { readdir } from 'node:fs/promises'
import { describe, test } from 'node:test'

const TEST = '.test.mjs'

const files = (await readdir(new URL('.', import.meta.url), { recursive: true })).filter(name => name.endsWith(TEST)).sort()
const wanted = process.argv.slice(2)
const matches = (file, name) => file === name + TEST || file.startsWith(`${name}/`)
for (const name of wanted) if (!files.some(file => matches(file, name))) throw new Error(`no end-to-end test is called ${name}`)

describe('pages', { concurrency: 2 }, async () => {
  for (const file of files) {
    if (wanted.length > 0 ? wanted.some(name => matches(file, name)) : !file.includes('/')) await load(file)
  }
})

/** A file that cannot be loaded has tests that did not run, and the runner of tests would call that a success. */
async function load(file) {
  try {
    await import(`./${file}`)
  } catch (error) {
    test(`${file} can be loaded`, () => { throw error })
  }
}
