import Easypeers from '../../pkg/easypeers.mjs'

export function join(topic, tracker, { onConnect, onMessage }) {
  const easypeers = new Easypeers(topic, { trackers: [tracker] })
  easypeers.on('connect', onConnect)
  easypeers.on('message', ({ message }) => onMessage(message))
  return {
    id: easypeers.address,
    neighbors: () => easypeers.wireCount,
    send: text => easypeers.send(text),
    sendTo: (id, text) => easypeers.send(id, text),
  }
}
