import P2PT from 'p2pt'

import { drained } from './drained.mjs'

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
    texts: true,
    neighbors: () => peers.size,
    send: text => peers.forEach(peer => p2pt.send(peer, text)),
    // The promise of its `send` is one of a reply, which nobody makes here.
    sendTo: (id, text) => {
      const peer = peers.get(id)
      if (!peer) return
      p2pt.send(peer, text)
      return drained(() => peer._channel?.bufferedAmount ?? 0)
    },
  }
}
