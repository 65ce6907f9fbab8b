// `import { EasypeersNetworkAdapter } from 'easypeers/automerge'`. Importing does nothing by itself.
import { EasypeersNetworkAdapter } from './adapter.mjs'

// A minifier renames classes; who prints one should read its name.
Object.defineProperty(EasypeersNetworkAdapter, 'name', { value: 'EasypeersNetworkAdapter' })

export { EasypeersNetworkAdapter }
