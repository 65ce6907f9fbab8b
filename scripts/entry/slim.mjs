// The module is in a file of its own beside this one, easypeers.wasm, and compiled while it comes in.
import { ClosedError, DeliveryError, Easypeers as Compiled, EasypeersError, initSync, RequestError } from './class.mjs'

let ready = false
let loading

/**
 * Loads the module, once: another call waits for the same, and one after a failure tries again.
 * @param source where it is (a URL), or what it is (a Response or bytes), or a promise of one
 */
export function init(source) {
  loading ??= load(source).catch(error => {
    loading = undefined
    throw error
  })
  return loading
}

async function load(source) {
  // A bundler that finds this brings the file along, and puts its own URL here.
  const module = await compiled(await (source ?? new URL('./easypeers.wasm', import.meta.url)))
  try {
    initSync({ module })
  } catch (error) {
    throw failure(`this WebAssembly is not that of easypeers ${VERSION} (${error.message}): take easypeers.wasm and the JavaScript from one package`, error)
  }
  ready = true
}

async function compiled(source) {
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return fromBytes(source, 'what init() was given')
  return fromResponse(typeof source === 'string' || source instanceof URL ? await answer(source) : source)
}

async function answer(url) {
  try {
    return await fetch(url)
  } catch (error) {
    throw failure(`${url} cannot be fetched (${error.message}). ${ADVICE}, or its bytes where there is no server, as in Node`, error)
  }
}

async function fromResponse(response) {
  if (!(response instanceof Response)) {
    throw Object.assign(new TypeError('init() takes a URL, a Response or bytes, or a promise of one'), { code: 'ERR_INVALID_ARG_TYPE' })
  }
  const from = response.url || 'the response'
  if (!response.ok) throw failure(`${from} is not there: the server answered ${response.status}. ${ADVICE}`)
  // Of this type only, a browser compiles what is still coming in.
  if (!/^application\/wasm\s*$/i.test(response.headers.get('content-type'))) return fromBytes(await response.arrayBuffer(), from)
  const copy = response.clone()
  return WebAssembly.compileStreaming(response).catch(async () => fromBytes(await copy.arrayBuffer(), from))
}

async function fromBytes(bytes, from) {
  const begin = new Uint8Array(bytes.buffer ?? bytes, bytes.byteOffset, Math.min(4, bytes.byteLength))
  const text = String.fromCharCode(...begin)
  if (text[0] === '<') throw failure(`${from} is a page of HTML, not easypeers.wasm: the server has no such file and sent a page instead. ${ADVICE}`)
  if (text !== '\0asm') throw failure(`${from} is not WebAssembly: it begins with ${JSON.stringify(text)}. ${ADVICE}`)
  try {
    return await WebAssembly.compile(bytes)
  } catch (error) {
    throw failure(`${from} cannot be compiled (${error.message}). Is it cut off, or does a Content-Security-Policy lack 'wasm-unsafe-eval'?`, error)
  }
}

const ADVICE = 'Put easypeers.wasm of the package on your server, and give its URL to init()'

function failure(message, cause) {
  return Object.assign(new EasypeersError('ERR_LOAD_FAILED', message), { cause })
}

/** The class, which says so when the module is not there yet. */
class Easypeers extends Compiled {
  constructor(...options) {
    checkReady()
    super(...options)
  }

  static createIdentity() {
    checkReady()
    return super.createIdentity()
  }
}
Object.defineProperty(Easypeers, 'name', { value: 'Easypeers' })

function checkReady() {
  if (!ready) throw new EasypeersError('ERR_NOT_READY', 'the WebAssembly of easypeers/slim is not loaded yet: await init() first')
}

export { Easypeers, Easypeers as default, EasypeersError, DeliveryError, RequestError, ClosedError }
