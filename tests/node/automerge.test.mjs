// What docs/automerge.md shows works as it stands there.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Repo } from '@automerge/automerge-repo'
import Easypeers from 'easypeers'
import { EasypeersNetworkAdapter } from 'easypeers/automerge'
import { PATIENCE, tracker } from './peers.mjs'
import { play, snippets } from './play.mjs'

const [first, shared, some, named] = await snippets('automerge.md')
const SECRET = 'correct horse battery staple'

function make (t, topic, url, options, settings) {
  const adapter = new EasypeersNetworkAdapter(topic, { trackers: [url], rtcConfig: { iceServers: [] }, secret: SECRET, ...options })
  t.after(() => adapter.disconnect())
  adapter.easypeers.on('warning', () => {}) // an attempt that failed and is made again
  return { adapter, repo: new Repo({ network: [adapter], ...settings }) }
}

/** A repository that has a peer. */
async function open (...given) {
  const made = make(...given)
  await once(made.repo.networkSubsystem, 'peer')
  return made
}

test('a document is found by its URL in another process', { timeout: PATIENCE }, async t => {
  const url = await tracker(t)
  const page = play(t, first, url)
  const { repo } = await open(t, 'Some unique topic', url)
  const handle = await repo.find(await page.line())
  assert.deepEqual(handle.doc(), { words: ['hello'] })
})

test('two repositories and a chat share an instance', { timeout: PATIENCE }, async t => {
  const url = await tracker(t)
  const page = play(t, shared, url, { after: `
    for (const repo of [notes, board]) {
      repo.networkSubsystem.once('peer', () => console.log(repo.create({ of: repo === notes ? 'notes' : 'board' }).url))
    }` })
  const { adapter, repo } = await open(t, 'Our project', url, { channel: 'board' })
  const handle = await repo.find(await page.line())
  assert.deepEqual(handle.doc(), { of: 'board' })
  const heard = page.line()
  adapter.easypeers.send('a word')
  assert.equal(await heard, 'a word')
})

test('a page has the documents that it opened, and no others', { timeout: PATIENCE }, async t => {
  const url = await tracker(t)
  const { repo } = make(t, 'Our project', url)
  const [opened, another] = ['opened', 'another'].map(name => repo.create({ name }))
  const page = play(t, some, url, {
    before: `const url = '${opened.url}'`,
    after: `
      console.log(handle.doc().name)
      handle.on('change', () => console.log(Object.keys(repo.handles).length))`,
  })
  assert.equal(await page.line(), 'opened')
  // What a link brings it brings in order.
  another.change(doc => { doc.changed = true })
  opened.change(doc => { doc.changed = true })
  assert.equal(await page.line(), '1')
})

test('documents are for friends, by their addresses', { timeout: PATIENCE }, async t => {
  const url = await tracker(t)
  const identity = Easypeers.createIdentity()
  const friend = new Easypeers('elsewhere', { identity, trackers: [] })
  friend.close()
  const page = play(t, named, url, {
    before: `const localStorage = {}; const friends = new Set(['${friend.address}'])`,
    after: `repo.networkSubsystem.once('peer', () => console.log(repo.create({ for: 'friends' }).url))`,
  })
  const stranger = await open(t, 'Our project', url)
  const document = await page.line()
  await assert.rejects(stranger.repo.find(document), /unavailable/)
  // Who has it passes it on, unless it has friends of its own.
  stranger.adapter.disconnect()
  const { repo } = await open(t, 'Our project', url, { identity }, { peerId: friend.address })
  assert.deepEqual((await repo.find(document)).doc(), { for: 'friends' })
})
