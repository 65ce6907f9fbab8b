import { joinRoom, selfId } from '@trystero-p2p/torrent'

export function join(topic, tracker, { onConnect, onMessage }) {
  const room = joinRoom({ appId: 'beside', relayConfig: { urls: [tracker] }, rtcConfig: { iceServers: [] } }, topic)
  const text = room.makeAction('text')
  room.onPeerJoin = onConnect
  text.onMessage = data => onMessage(data)
  return {
    id: selfId,
    neighbors: () => Object.keys(room.getPeers()).length,
    send: value => text.send(value),
    sendTo: (id, value) => text.send(value, { target: id }),
  }
}
