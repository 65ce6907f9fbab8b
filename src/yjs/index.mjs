// `import { EasypeersProvider } from 'easypeers/yjs'`. Importing does nothing by itself.
import { EasypeersProvider } from './provider.mjs'

// A minifier renames classes; who prints one should read its name.
Object.defineProperty(EasypeersProvider, 'name', { value: 'EasypeersProvider' })

export { EasypeersProvider }
