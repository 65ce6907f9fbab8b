// The JavaScript Easypeers is on no registry. `ORIGINAL` names the dist/easypeers.dist.js of a checkout of
// github.com/draeder/easypeers; without it this column is left out.
import Easypeers from 'original'

export function join(topic, tracker, { onConnect, onMessage }) {
  const easypeers = new Easypeers(topic, { tracker })
  easypeers.on('connect', onConnect)
  easypeers.on('message', ({ message }) => onMessage(message))
  return {
    id: easypeers.address,
    neighbors: () => easypeers.wireCount,
    send: text => easypeers.send(text),
    sendTo: (id, text) => easypeers.send(id, text),
  }
}
