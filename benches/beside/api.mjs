// What Easypeers and its JavaScript original have in common: all but the name of one option.

export const joins = (Easypeers, options, also = () => ({})) => (topic, tracker, { onConnect, onMessage }) => {
  const easypeers = new Easypeers(topic, options(tracker))
  easypeers.on('connect', onConnect)
  easypeers.on('message', ({ message, verified }) => onMessage(message, verified))
  return {
    id: easypeers.address,
    neighbors: () => easypeers.wireCount,
    send: data => easypeers.send(data),
    sendTo: (id, data) => easypeers.send(id, data),
    ...also(easypeers),
  }
}
