// What every page of the comparison does, whichever contender it holds.
//
// A contender is one function: `join(topic, tracker, { size, onConnect, onMessage })` returns, or promises,
// `{ id, neighbors(), send(text), sendTo(id, text) }`. `size` is how many pages there will be: only the bare one asks.

/** Makes `window.beside`, which the runner calls. */
export function stage(join) {
  const heard = []
  let peer
  let began
  let connected
  const connects = new Promise(resolve => { connected = resolve })

  window.beside = {
    async join(topic, tracker, size) {
      began = performance.now()
      peer = await join(topic, tracker, {
        size,
        onConnect: () => connected(performance.now() - began),
        onMessage: text => heard.push([text, now()]),
      })
      return peer.id
    },
    /** The milliseconds from before the constructor to the first neighbor. */
    connects,
    neighbors: () => peer.neighbors(),
    /** Sends to `to`, or to everyone; returns when. */
    send(text, to) {
      const at = now()
      if (to === undefined) peer.send(text)
      else peer.sendTo(to, text)
      return at
    },
    /** Each text that came, with the time when it came first. */
    heard: () => [...new Map(heard.toReversed())],
  }
}

/** A time that pages of one machine agree on. */
const now = () => performance.timeOrigin + performance.now()
