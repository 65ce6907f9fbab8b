// The emitter of the provider: as that of y-webrtc, but a listener that throws keeps nobody else from hearing.
import { report } from '../common/errors.mjs'

export class Events {
  #listeners = new Map()

  on (event, listener) {
    if (typeof listener !== 'function') {
      throw Object.assign(new TypeError(`the listener of '${String(event)}': expected a function, got ${typeof listener}`), { code: 'ERR_INVALID_ARG_TYPE' })
    }
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set())
    this.#listeners.get(event).add(listener)
    return this
  }

  once (event, listener) {
    const first = (...args) => {
      this.off(event, first)
      listener(...args)
    }
    first.listener = listener
    return this.on(event, first)
  }

  off (event, listener) {
    const there = this.#listeners.get(event)
    for (const one of there ?? []) if (one === listener || one.listener === listener) there.delete(one)
    return this
  }

  /** Calls everybody who listened when it began. `args` is an array, as with y-webrtc. */
  emit (event, args) {
    for (const listener of [...this.#listeners.get(event) ?? []]) {
      try {
        listener(...args)
      } catch (error) {
        report(error)
      }
    }
  }

  removeAllListeners () {
    this.#listeners.clear()
  }
}
