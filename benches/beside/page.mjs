// What every page of the comparison does, whichever contender it holds.
//
// A contender is one function: `join(topic, tracker, { size, onConnect, onMessage })` returns, or promises,
// `{ id, neighbors(), send(text), sendTo(id, data) }`. `size` is how many pages there will be: only the bare one asks.
// `data` is a text or bytes, or with `texts: true` texts only; what `sendTo` returns resolves when there is room for more.
// `onMessage(data, proved)` may say whether the sender was proved.

/** A page that sends as fast as it can lets others have the thread after so long. */
const TASK_MS = 8
/** So much may be on its way where a contender tells by a promise what has arrived. */
const WINDOW = { messages: 1024, bytes: 1_048_576 }
/** What begins so is counted, and not kept. */
const BULK = 'bulk'

/** Makes `window.beside`, which the runner calls. */
export function stage(join) {
  const heard = []
  const count = { messages: 0, bytes: 0, unproved: 0 }
  const waiting = new Set()
  let peer
  let began
  let connected
  let joined
  const connects = new Promise(resolve => { connected = resolve })
  const joins = new Promise(resolve => { joined = resolve })

  /** Resolves with the first truthy value of `f`, which is asked again at every message. */
  const until = f => new Promise(resolve => {
    const look = () => {
      const value = f()
      if (!value) return
      waiting.delete(look)
      resolve(value)
    }
    waiting.add(look)
    look()
  })

  const onConnect = () => {
    beside.connectMs ??= performance.now() - began
    connected(beside.connectMs)
    beside.tell()
  }
  const onMessage = (data, proved) => {
    count.messages++
    count.bytes += data.length ?? data.byteLength
    if (proved === false) count.unproved++
    if (typeof data === 'string' && !data.startsWith(BULK)) heard.push([data, now()])
    for (const look of waiting) look()
  }

  window.beside = {
    /** Joins at a time that all pages were told, or now if that is over. */
    async join(topic, tracker, size, at = 0) {
      await reached(at)
      began = performance.now()
      peer = await join(topic, tracker, { size, onMessage, onConnect })
      joined()
      return peer.id
    },
    /** The milliseconds from before the constructor to the first neighbor. */
    connects,
    /** The same, if that has been. */
    connectMs: null,
    neighbors: () => peer.neighbors(),
    /** Sends to `to`, or to everyone; returns when. */
    send(text, to) {
      const at = now()
      if (to === undefined) peer.send(text)
      else peer.sendTo(to, text)
      return at
    },
    /** Broadcasts each of the texts at its time; returns when that was. */
    async talk(turns) {
      const sent = []
      for (const [at, text] of turns) {
        await reached(at)
        sent.push([text, beside.send(text)])
      }
      return sent
    },
    /** Broadcasts numbered texts, at each new neighbor and from the first on at a steady pace, until `beside.quiet` is called. */
    async probe(name, everyMs, bytes) {
      await Promise.all([connects, joins])
      let n = 0
      beside.tell = () => peer.send(`${name} ${n++} `.padEnd(bytes, '.'))
      const timer = setInterval(beside.tell, everyMs)
      beside.quiet = () => {
        clearInterval(timer)
        beside.tell = () => {}
      }
      beside.tell()
    },
    tell: () => {},
    quiet: () => {},
    /** Resolves when a text has come that begins with each of these words. */
    hears: names => until(() => names.every(name => heard.some(([text]) => text.startsWith(`${name} `)))).then(() => true),
    /** Each text that came, with the time when it came first. */
    heard: () => [...new Map(heard.toReversed())],

    /** Sends messages of so many bytes to `to` for a while, as fast as it may; returns how many. */
    async flood(to, bytes, milliseconds) {
      const data = bulk(bytes)
      const room = Math.max(1, Math.min(WINDOW.messages, Math.floor(WINDOW.bytes / bytes)))
      const ends = performance.now() + milliseconds
      let [sent, failed, pending, wake] = [0, 0, 0, () => {}]
      const settle = failure => {
        pending--
        if (failure) failed++
        wake()
      }
      // It ends also if nothing settles any more.
      setTimeout(() => wake(), milliseconds)
      while (performance.now() < ends) {
        const slice = performance.now() + TASK_MS
        while (pending < room && performance.now() < slice) {
          sent++
          const taken = peer.sendTo(to, data)
          if (typeof taken?.then !== 'function') continue
          pending++
          taken.then(() => settle(), settle)
        }
        await (pending < room ? turn() : new Promise(resolve => { wake = resolve }))
      }
      return { sent, failed }
    },
    /** Counts what comes for a while: how many messages and bytes a second. */
    async rate(milliseconds) {
      const before = { ...count, at: performance.now() }
      await new Promise(resolve => setTimeout(resolve, milliseconds))
      const seconds = (performance.now() - before.at) / 1000
      return { messages: (count.messages - before.messages) / seconds, bytes: (count.bytes - before.bytes) / seconds }
    },
    count: () => ({ ...count }),
    /** Sends one message of so many bytes; returns when it began. What becomes of it, the other page tells. */
    large(to, bytes) {
      const data = bulk(bytes)
      const at = now()
      Promise.resolve(peer.sendTo(to, data)).catch(error => { beside.failure = String(error) })
      return at
    },
    /** Resolves with the time when so many bytes more than `since` have come. */
    gets: (bytes, since) => until(() => count.bytes - since >= bytes && now()),
  }

  /** Bytes that do not compress, or letters for a contender of texts. */
  function bulk(bytes) {
    if (peer.texts) return BULK.padEnd(bytes, 'x')
    const data = new Uint8Array(bytes)
    // At most so many are given at once.
    for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(data.subarray(at, at + 65_536))
    return data
  }
}

/** A time that pages of one machine agree on. */
const now = () => performance.timeOrigin + performance.now()

const reached = at => new Promise(resolve => setTimeout(resolve, Math.max(0, at - now())))

const { port1, port2 } = new MessageChannel()
/** Resolves in a task of its own, with nothing waited for. */
const turn = () => new Promise(resolve => {
  port1.onmessage = resolve
  port2.postMessage(0)
})
