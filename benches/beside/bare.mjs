// The ideal: a full mesh of plain data channels, each message sent as it is, and a large one in parts that nobody joins. Pages meet through the tracker, as those of the
// others do; but they know how many there will be, so that each has an offer for every other one in its only announce.

/** Bytes of a message that goes in one piece, and of those that wait in a channel before the sender does. */
const [PART, ENOUGH] = [65_536, 1_048_576]

export async function join(topic, tracker, { size, onConnect, onMessage }) {
  const id = random()
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-1', new TextEncoder().encode(topic)))
  const swarm = { action: 'announce', info_hash: String.fromCharCode(...hash), peer_id: id }
  const offered = new Map()
  const channels = new Map()

  const watch = (channel, other) => {
    channel.onopen = () => {
      channels.set(other(), channel)
      onConnect()
    }
    channel.binaryType = 'arraybuffer'
    channel.onclose = () => channels.delete(other())
    channel.onmessage = ({ data }) => onMessage(data)
  }

  const socket = new WebSocket(tracker)
  const opened = new Promise((resolve, reject) => Object.assign(socket, { onopen: resolve, onerror: reject }))
  socket.onmessage = async ({ data }) => {
    const { offer, answer, offer_id, peer_id, complete, incomplete } = JSON.parse(data)
    if (incomplete !== undefined) {
      // So many are there, this page included; this tracker gives the first offers to them, and the others to nobody.
      for (const { connection } of [...offered.values()].slice(complete + incomplete - 1)) connection.close()
    } else if (offer) {
      const connection = new RTCPeerConnection()
      connection.ondatachannel = ({ channel }) => watch(channel, () => peer_id)
      await connection.setRemoteDescription(offer)
      socket.send(JSON.stringify({ ...swarm, to_peer_id: peer_id, offer_id, answer: await described(connection, 'answer') }))
    } else if (answer && offered.has(offer_id)) {
      const attempt = offered.get(offer_id)
      offered.delete(offer_id)
      attempt.other = peer_id
      await attempt.connection.setRemoteDescription(answer)
    }
  }

  const offers = await Promise.all(Array.from({ length: size - 1 }, async () => {
    const offer_id = random()
    const attempt = { connection: new RTCPeerConnection(), other: null }
    offered.set(offer_id, attempt)
    watch(attempt.connection.createDataChannel(''), () => attempt.other)
    return { offer_id, offer: await described(attempt.connection, 'offer') }
  }))
  await opened
  socket.send(JSON.stringify({ ...swarm, numwant: offers.length, offers }))

  return {
    id,
    neighbors: () => channels.size,
    // One that has just broken is there until it tells.
    send: text => channels.forEach(channel => channel.readyState === 'open' && channel.send(text)),
    sendTo: (other, data) => {
      const channel = channels.get(other)
      if (channel?.readyState !== 'open') return
      return data.length > PART ? inParts(channel, data) : sent(channel, data)
    },
  }
}

/** Nothing while the channel takes more, and otherwise a promise of that. */
function sent(channel, data) {
  channel.send(data)
  if (channel.bufferedAmount < ENOUGH) return
  channel.bufferedAmountLowThreshold = ENOUGH / 2
  return new Promise(resolve => channel.addEventListener('bufferedamountlow', resolve, { once: true }))
}

async function inParts(channel, data) {
  for (let at = 0; at < data.length; at += PART) await sent(channel, data.subarray(at, at + PART))
}

/** The description with all candidates: a tracker passes on one message each way. */
async function described(connection, type) {
  const gathered = new Promise(resolve => {
    connection.onicegatheringstatechange = () => connection.iceGatheringState === 'complete' && resolve()
  })
  await connection.setLocalDescription()
  await gathered
  return { type, sdp: connection.localDescription.sdp }
}

/** 20 characters, as trackers want ids. */
const random = () => Array.from(crypto.getRandomValues(new Uint8Array(10)), byte => byte.toString(16).padStart(2, '0')).join('')
