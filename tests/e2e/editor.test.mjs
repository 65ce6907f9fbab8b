// The editor of www/, as a visitor has it.

import assert from 'node:assert/strict'

import { behavior } from './harness.mjs'

const TOPIC = '/editor.html?topic=editor'

behavior('two visitors write one text, and see each other’s names and cursors', async world => {
  world.site.config.tracker = (await world.tracker()).url
  const [a, b] = [await visit(world, 'Ada'), await visit(world, 'Grace')]
  await a.locator('.cm-content').click()
  await a.keyboard.type('from Ada')
  await line(b, 'from Ada').waitFor()
  await b.locator('.cm-ySelectionInfo', { hasText: 'Ada' }).waitFor()
  await b.locator('#people button', { hasText: 'Ada' }).waitFor()
  await b.locator('.cm-content').click()
  await b.keyboard.press('Control+End')
  await b.keyboard.type(', and Grace')
  await line(a, ', and Grace').waitFor()
  // Undo takes back what was written here, and nothing else.
  await b.keyboard.press('Control+z')
  await a.locator('.cm-line', { hasText: /^from Ada/ }).filter({ hasNotText: 'and Grace' }).waitFor()
  // Tab leads on.
  await b.keyboard.press('Tab')
  assert.equal(await b.evaluate(() => document.activeElement.closest('.cm-editor')), null)
  await b.close({ runBeforeUnload: true })
  await a.locator('#people li').nth(1).waitFor({ state: 'detached' })
  await a.reload()
  assert.equal(await a.locator('#name').inputValue(), 'Ada')
})

behavior('what strangers say of themselves breaks no editor', async world => {
  world.site.config.tracker = (await world.tracker()).url
  const [a, b] = [await visit(world, 'Ada'), await visit(world, 'Eve')]
  await b.locator('#people li').nth(1).waitFor()
  for (const [i, state] of [
    { user: { name: 'x'.repeat(10_000), color: 'red; position: fixed' }, cursor: 7 },
    { user: 'nobody', cursor: { anchor: 'here', head: null } },
    { user: { name: { toString: 1 } }, cursor: { anchor: { type: null, tname: 'text', item: { client: -1, clock: 'x' }, assoc: 0 }, head: {} } },
    { user: { name: 'The end' }, cursor: { anchor: { tname: 'another' }, head: { tname: 'another' } } },
  ].entries()) {
    await b.evaluate(([i, state]) => {
      const doc = new EditorParts.Doc()
      const provider = new EditorParts.EasypeersProvider('text', doc, { easypeers })
      provider.awareness.setLocalState(state)
      window[`stranger${i}`] = provider
    }, [i, state])
  }
  await a.locator('#people li', { hasText: 'The end' }).waitFor()
  await a.locator('.cm-content').click()
  await a.keyboard.type('still writing')
  await line(b, 'still writing').waitFor()
  assert.equal(await a.evaluate(() => document.querySelectorAll('[style*="fixed"]').length), 0)
})

async function visit (world, name) {
  const page = await world.page({ path: TOPIC })
  await page.locator('#name:enabled').fill(name)
  return page
}

function line (page, text) {
  return page.locator('.cm-line', { hasText: text })
}
