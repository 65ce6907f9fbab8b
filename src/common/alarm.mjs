// A timer that is set again and again.

export class Alarm {
  #timer = null
  #ring

  constructor (ring) {
    this.#ring = ring
  }

  get isSet () {
    return this.#timer !== null
  }

  set (milliseconds) {
    this.clear()
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#ring()
    }, milliseconds)
    // Under Node nobody is kept from ending by it.
    this.#timer.unref?.()
  }

  /** Sets it unless it is set. */
  setOnce (milliseconds) {
    if (!this.isSet) this.set(milliseconds)
  }

  clear () {
    clearTimeout(this.#timer)
    this.#timer = null
  }
}

/** A time near this one, so that peers that saw the same do not all act at once. */
export function about (milliseconds) {
  return milliseconds * (0.75 + Math.random() / 2)
}
