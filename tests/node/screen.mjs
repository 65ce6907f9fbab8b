// What one sees of a program that runs in a terminal: the few sequences that readline and the terminal peer write.

export class Screen {
  /** Everything that was written, as it was written. */
  raw = ''
  lines = ['']
  #row = 0
  #column = 0
  #rest = ''

  constructor(columns) {
    this.columns = columns
  }

  /** What is on it, without the empty end of lines. */
  get text() {
    return this.lines.map(line => line.trimEnd()).join('\n').trimEnd()
  }

  /** The line with the cursor in it. */
  get last() {
    return this.lines.at(-1).trimEnd()
  }

  write(data) {
    this.raw += data
    this.#rest += data
    // The end of a sequence may be still to come.
    const whole = /^(?:\x1b\[[\d;?]*[A-Za-z]|[^\x1b])*/.exec(this.#rest)[0]
    this.#rest = this.#rest.slice(whole.length)
    for (const [part, number, letter] of whole.matchAll(/\x1b\[([\d;?]*)([A-Za-z])|[^\x1b]/g)) {
      if (letter) this.#move(letter, number)
      else this.#put(part)
    }
  }

  #put(letter) {
    if (letter === '\r') this.#column = 0
    else if (letter === '\n') this.#goTo(this.#row + 1)
    else if (letter >= ' ') {
      if (this.#column === this.columns) {
        this.#column = 0
        this.#goTo(this.#row + 1)
      }
      const line = this.lines[this.#row].padEnd(this.#column)
      this.lines[this.#row] = line.slice(0, this.#column) + letter + line.slice(this.#column + 1)
      this.#column++
    } else throw new Error(`this screen knows no ${JSON.stringify(letter)}`)
  }

  #move(letter, number) {
    const by = Number(number || 1)
    if (letter === 'A') this.#row = Math.max(0, this.#row - by)
    else if (letter === 'B') this.#goTo(this.#row + by)
    else if (letter === 'C') this.#column += by
    else if (letter === 'D') this.#column = Math.max(0, this.#column - by)
    else if (letter === 'G') this.#column = by - 1
    else if (letter === 'J' && Number(number) === 0) {
      this.lines.length = this.#row + 1
      this.lines[this.#row] = this.lines[this.#row].slice(0, this.#column)
    } else if (letter === 'K' && Number(number) === 0) this.lines[this.#row] = this.lines[this.#row].slice(0, this.#column)
    else if (letter !== 'm') throw new Error(`this screen knows no ${number}${letter}`)
  }

  #goTo(row) {
    while (this.lines.length <= row) this.lines.push('')
    this.#row = row
  }
}
