// What Easypeers and its JavaScript original have in common: all but the name of one option.

export const joins = (Easypeers, options) => (topic, tracker, { onConnect, onMessage }) => {
  const easypeers = new Easypeers(topic, options(tracker))
  easypeers.on('connect', onConnect)
  easypeers.on('message', ({ message }) => onMessage(message))
  return {
    id: easypeers.address,
    neighbors: () => easypeers.wireCount,
    send: text => easypeers.send(text),
    sendTo: (id, text) => easypeers.send(id, text),
  }
}
