// A real WebTorrent tracker on this machine. On its own: `node scripts/tracker.mjs [port]`.
import { pathToFileURL } from 'node:url'
import { listen } from './listen.mjs'

/** @returns {Promise<{ url: string, port: number, close: () => Promise<void> }>} */
export async function startTracker({ port = 8000 } = {}) {
  // The package's main entry loads a native WebRTC binary; the server does not.
  const { default: Server } = await import('bittorrent-tracker/server')
  const tracker = new Server({ udp: false, http: false, stats: false, ws: { noServer: true } })
  tracker.on('warning', () => {}) // nonsense sent by a client: the tracker has answered it already
  tracker.on('error', error => console.error(`tracker: ${error.message}`))
  const listening = await listen(port, server => {
    server.on('request', (_request, response) => {
      response.writeHead(426, { 'content-type': 'text/plain' }).end('This is a WebTorrent tracker: use ws://.\n')
    })
    server.on('upgrade', (request, socket, head) => {
      tracker.ws.handleUpgrade(request, socket, head, ws => tracker.ws.emit('connection', ws, request))
    })
  })
  return { url: `ws://localhost:${listening.port}`, port: listening.port, close: listening.close }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { url } = await startTracker({ port: Number(process.argv[2] ?? 8000) })
  console.log(`WebTorrent tracker on ${url}`)
}
