// Who is measured, and what is on loopback in place of public servers: a tracker for all but one.
import { fileURLToPath } from 'node:url'

import { build } from 'esbuild'

import { Tracker } from '../../tests/e2e/harness.mjs'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const tracker = () => Tracker.start()

/** `often`: measured in every run, and the others once. */
export const CONTENDERS = {
  bare: { title: 'bare WebRTC', server: tracker, often: true },
  easypeers: { title: 'Easypeers', server: tracker, often: true },
  trystero: { title: 'trystero', server: tracker },
  p2pt: { title: 'p2pt', server: tracker },
  gossipsub: { title: 'libp2p gossipsub', server: async () => (await import('./relay.mjs')).relay() },
  original: { title: 'JavaScript Easypeers', server: tracker, missing: process.env.ORIGINAL ? null : '`ORIGINAL` named no file' },
}

/** The contender and what the page does with it, as one script, whose functions may keep their names. */
export async function bundle(name, { minify = true } = {}) {
  const { outputFiles: [{ text }] } = await build({
    stdin: { contents: `import { join } from './${name}.mjs'\nimport { stage } from './page.mjs'\nstage(join)`, resolveDir: HERE },
    alias: process.env.ORIGINAL ? { original: process.env.ORIGINAL } : {},
    bundle: true, format: 'iife', platform: 'browser', write: false, minify, logLevel: 'error',
    // What some were written for and pages do not have.
    define: { global: 'globalThis' },
  })
  return text
}
