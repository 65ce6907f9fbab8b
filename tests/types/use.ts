// Every member of the declarations in real use. It is compiled and never run; a line after `@ts-expect-error`
// must not compile.
import Easypeers, { ClosedError, DeliveryError, EasypeersError, RequestError } from 'easypeers'
import type {
  Channel, Delivery, Diagnosis, EasypeersEvents, EasypeersOptions, EasypeersRtcConfiguration, Estimate, Message, Receipt, Respond, Sendable, Stats,
  Topology, TrackerStatus, Warning, Wire,
} from 'easypeers'

const options: EasypeersOptions = {
  identifier: 'topic', maxPeers: 6, coverage: 0.33, bitLength: 64, tracker: 'ws://localhost:8000',
  trackers: ['wss://tracker.example'], timeout: 30_000, address: 'ab'.repeat(20),
  identity: Easypeers.createIdentity(), secret: 'shared by few', maxMessageSize: 1 << 20, debug: false,
  rtcConfig: { iceServers: [{ urls: 'stun:stun.example' }], iceTransportPolicy: 'all' },
}
const fromDom: RTCConfiguration = { iceServers: [{ urls: ['turn:turn.example'], username: 'a', credential: 'b' }] }
const rtcConfig: EasypeersRtcConfiguration = { iceServers: [], iceCandidatePoolSize: 1 }

const easypeers = new Easypeers('topic', options)
new Easypeers({ identifier: 'topic', tracker: ['wss://tracker.example'], identity: new Uint8Array(32) })
new Easypeers('topic', { rtcConfig: async () => rtcConfig })
new Easypeers('topic', { rtcConfig: () => rtcConfig, trackers: [] })
new Easypeers('topic', { rtcConfig: Promise.resolve(rtcConfig) })
new Easypeers('topic', { rtcConfig: { iceServers: { urls: 'stun:stun.example' } } })
easypeers.on('address', address => { const text: string = address; text.length })
easypeers.send(null, 'hello', { signal: new AbortController().signal, timeout: 1000 })
// @ts-expect-error everyone is meant only with options
easypeers.send(null, 'hello')
easypeers.diagnose().then(({ text, findings, candidates, attempts, servers, clockShift }: Diagnosis) => {
  console.log(text, findings[0]?.advice, candidates?.mdns, attempts[0]?.cause === 'ice', servers[0]?.url, clockShift.toFixed())
})
new Easypeers('topic', { rtc: { RTCPeerConnection, WebSocket } })
// @ts-expect-error the constructor is what counts
new Easypeers('topic', { rtc: { WebSocket } })
new Easypeers('topic', { rtcConfig: { iceServers: fromDom.iceServers! } })
// @ts-expect-error a topic is needed
new Easypeers()
// @ts-expect-error a topic is needed among the options too
new Easypeers({ maxPeers: 6 })
// @ts-expect-error no such option
new Easypeers('topic', { maxpeers: 6 })

// Listeners: the arguments are known by the event, and calls chain on the class and on what extends it.
easypeers
  .on('message', ({ message, from, id, to, has, verified, hops }) => {
    const known: [string, string, string[], boolean, number] = [from, id, has, verified, hops]
    const me: string | undefined = to?.[0]
    console.log(message.toString().trim(), known, me)
  })
  .once('connect', address => console.log(address.length))
  .on('disconnect', address => console.log(address.length))
  .on('tracker', ({ url, state, peers, lastError, nextAttempt }) => {
    console.log(url, state === 'waiting', peers, lastError?.length, new Date(nextAttempt ?? 0))
  })
  .on('warning', ({ code, message }) => console.warn(code, message))
  .on('error', error => console.error(error.message))
  .on('close', () => console.log('closed'))
  .on('an event of my own', (...args: number[]) => console.log(args))
  .on(Symbol('mine'), () => {})
const onMessage = (data: Message) => console.log(data.from)
easypeers.addListener('message', onMessage).removeListener('message', onMessage)
easypeers.off('message', onMessage).off('message').removeAllListeners('connect').removeAllListeners()
const any: boolean = easypeers.emit('score', 3) || easypeers.emit('connect', 'ab'.repeat(20))
const count: number = easypeers.listenerCount('message')
easypeers.prependListener('message', ({ from }) => console.log(from)).prependOnceListener('mine', () => {}).setMaxListeners(0)
const names: (string | symbol)[] = easypeers.eventNames()
console.log(names, easypeers.listeners('message').length, easypeers.rawListeners('message').length)
// @ts-expect-error no such event
easypeers.prependListener('message', (message: number) => console.log(message))
// @ts-expect-error an address is a string
easypeers.on('connect', (address: number) => address)
// @ts-expect-error a listener is a function
easypeers.on('connect', 'listener')

class Chat extends Easypeers {
  shout (text: string): Delivery { return this.send(text.toUpperCase()) }
}
new Chat('topic').on('connect', () => {}).shout('hi')

// Sending.
const sendables: Sendable[] = [
  'text', 1, true, null, [1, 'a', null], { a: { b: 1 } }, new Uint8Array(3), new ArrayBuffer(3), new DataView(new ArrayBuffer(1)),
]
for (const value of sendables) easypeers.send(value)
const delivery: Delivery = easypeers.send('ab'.repeat(20), 'text')
const id: string = delivery.id
const receipt: Receipt = await delivery
const facts: [string, number, number] = [receipt.id, receipt.hops, receipt.rtt]
const rtt: number | string = await delivery.then(({ rtt }) => rtt, error => error.code)
await delivery.catch(error => {
  if (error.code === 'ERR_UNREACHABLE' || error.code === 'ERR_TIMEOUT' || error.code === 'ERR_ABORTED') return undefined
  const closed: 'ERR_CLOSED' = error.code
  return closed
})
await delivery.finally(() => console.log(id, rtt, facts))
const all: Receipt[] = await Promise.all([easypeers.send('a'), easypeers.send('b')])
// @ts-expect-error undefined cannot be sent
easypeers.send(undefined)
// @ts-expect-error an address is a string
easypeers.send(5, 'text')

// Requests and channels.
const answer: { price: number } = await easypeers.request<{ price: number }>('ab'.repeat(20), { article: 7 }, { timeout: 5000 })
easypeers.on('request', async (data, respond) => {
  const ask: Message = data
  const say: Respond = respond
  say(Promise.resolve(ask.from))
  respond(new Error('not today'))
  // @ts-expect-error undefined cannot be sent
  respond(undefined)
})
const channel: Channel = easypeers.channel('cursors').on('message', ({ message }) => console.log(message, answer.price))
channel.once('request', (data, respond) => respond(data.message)).off('message').off('request', () => {})
channel.send('all')
channel.send('ab'.repeat(20), 'one', { claimed: true })
channel.send(null, 'all', { timeout: 5 })
await channel.request('ab'.repeat(20), 'one').catch((error: RequestError) => console.log(error.code === 'ERR_REFUSED', error.cause?.name))
if (!channel.closed && channel.listenerCount('message') > 0) channel.close()
// @ts-expect-error a channel has messages and requests
channel.on('connect', () => {})

// Properties.
easypeers.identifier = 'cd'.repeat(20)
easypeers.address = 'cd'.repeat(20)
easypeers.maxPeers = 4
easypeers.coverage += 0.1
easypeers.timeout = 60_000
const first: string = await easypeers.ready
const counts: number = easypeers.wireCount + easypeers.peerCount + count + all.length
const peers: string[] = easypeers.peers
const wire: Wire | undefined = easypeers.wires[first]
if (wire) console.log(wire.address, wire.rtt?.toFixed(), new Date(wire.since), wire.role === 'successor')
// @ts-expect-error read only
easypeers.wireCount = 3

const trackers: TrackerStatus[] = easypeers.trackers
easypeers.addTracker('wss://tracker.example')
easypeers.removeTracker('wss://tracker.example')
const { nodes, links }: Topology = easypeers.topology()
for (const { a, b, rtt, role } of links) console.log(nodes.includes(a), b, rtt ?? 50, role === 'long')
const { peers: size, low, high }: Estimate = easypeers.estimate()
console.log(size + low + high)
const stats: Stats = easypeers.stats()
console.log(
  stats.delivered, stats.sent, stats.forwarded, stats.duplicates, stats.packetsIn, stats.bytesIn, stats.packetsOut,
  stats.bytesOut, stats.restarts, stats.dropped['forged'], stats.links[first]?.rtt,
)

// Errors, by name and as statics of the class.
try {
  easypeers.send('late')
} catch (error) {
  if (error instanceof ClosedError || error instanceof Easypeers.ClosedError) console.log(error.code)
  if (error instanceof DeliveryError || error instanceof Easypeers.DeliveryError) console.log(error.code, error.stack)
  if (error instanceof RequestError || error instanceof Easypeers.RequestError) console.log(error.code)
  if (error instanceof EasypeersError || error instanceof Easypeers.EasypeersError) console.log(error.code, error.message)
}
const own = new EasypeersError('ERR_MINE', 'something is missing')
const warning: Warning = own

easypeers.close()
easypeers.destroy()
const closed: boolean = easypeers.closed
{
  using scoped = new Easypeers('topic')
  scoped.send('short')
}
const listener: (...args: EasypeersEvents['message']) => void = onMessage
console.log(any, counts, peers, trackers, warning, closed, listener)
