// The acceptance tests that automerge-repo publishes for network adapters. They are written for vitest, which is not here.
import { register } from 'node:module'
// With the WebAssembly of Automerge, which the tests themselves do not load.
import '@automerge/automerge-repo'

const url = new URL('vitest.mjs', import.meta.url)
register(`data:text/javascript,${encodeURIComponent(`
  export const resolve = (name, context, next) => name === 'vitest' ? { url: '${url}', shortCircuit: true } : next(name, context)`)}`)

export const { runNetworkAdapterTests } = await import('@automerge/automerge-repo/helpers/tests/network-adapter-tests.js')
