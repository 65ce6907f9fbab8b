// `import { createEasypeersSynchronizer } from 'easypeers/tinybase'`. Importing does nothing by itself.
export { createEasypeersSynchronizer } from './synchronizer.mjs'
