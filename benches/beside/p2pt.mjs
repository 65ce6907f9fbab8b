import P2PT from 'p2pt'

export function join(topic, tracker, { onConnect, onMessage }) {
  const p2pt = new P2PT([tracker], topic)
  const peers = new Map()
  p2pt.on('peerconnect', peer => {
    peers.set(peer.id, peer)
    onConnect()
  })
  p2pt.on('peerclose', peer => peers.delete(peer.id))
  p2pt.on('msg', (peer, text) => onMessage(text))
  p2pt.start()
  return {
    id: p2pt._peerId,
    neighbors: () => peers.size,
    send: text => peers.forEach(peer => p2pt.send(peer, text)),
    sendTo: (id, text) => peers.has(id) && p2pt.send(peers.get(id), text),
  }
}
