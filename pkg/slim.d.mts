export * from './easypeers.mjs'
export { default } from './easypeers.mjs'

/**
 * Loads `easypeers.wasm`, once: before it is there, `new Easypeers` throws an `EasypeersError` with the code
 * `ERR_NOT_READY`. Without an argument it is the file beside this module. A failure is an `EasypeersError` with the code
 * `ERR_LOAD_FAILED`, and the next call tries again.
 * @example await init()
 * @example await init('/static/easypeers.wasm')
 * @example await init(readFile(fileURLToPath(import.meta.resolve('easypeers/easypeers.wasm'))))
 */
export function init (source?: Source | PromiseLike<Source>): Promise<void>

/** A URL, an answer, or the WebAssembly itself. */
type Source = string | URL | Response | ArrayBuffer | ArrayBufferView
