// A real WebTorrent tracker on this machine, for peers on this machine. On its own: `node scripts/tracker.mjs [port]
// [origin ...]`, such as `https://chat.example`, whose pages may use it, too.
import { pathToFileURL } from 'node:url'
import { listen } from './listen.mjs'

/** Where pages of this machine come from, as a browser says it. */
const HERE = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/

/**
 * @param {object} options
 * @param {number} [options.port] or the next free one; 0 takes any
 * @param {string[]} [options.origins] whose pages are taken beside those of this machine. Every page that is visited
 *   can open a socket to this machine; its browser says whose it is. What is no page says nothing, and is taken.
 * @returns {Promise<{ url: string, port: number, close: () => Promise<void> }>}
 */
export async function startTracker({ port = 8000, origins = [] } = {}) {
  const takes = origin => origin === undefined || HERE.test(origin) || origins.includes(origin)
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
      if (!takes(request.headers.origin)) {
        socket.on('error', () => {}) // it may be gone before it hears
        return socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
      }
      tracker.ws.handleUpgrade(request, socket, head, ws => tracker.ws.emit('connection', ws, request))
    })
  })
  return { url: `ws://localhost:${listening.port}`, port: listening.port, close: listening.close }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [port = 8000, ...origins] = process.argv.slice(2)
  const { url } = await startTracker({ port: Number(port), origins })
  console.log(`WebTorrent tracker on ${url}`)
}
