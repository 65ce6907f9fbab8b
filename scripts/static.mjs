// Serves the demo pages: / is www/, /pkg/ is pkg/, and /config.json tells a page where its tracker is.
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { listen } from './listen.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const WWW = path.join(ROOT, 'www')
const PKG = path.join(ROOT, 'pkg')

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.cjs': 'text/javascript; charset=utf-8',
  '.ts': 'text/plain; charset=utf-8',
  '.mts': 'text/plain; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
  '.md': 'text/plain; charset=utf-8',
}

/**
 * @param {{ port?: number, config?: object }} options `config` is what /config.json says, such as
 *   `{ tracker: 'ws://localhost:8000' }`
 * @returns {Promise<{ url: string, port: number, close: () => Promise<void> }>}
 */
export async function serve({ port = 3000, config = {} } = {}) {
  const { port: taken, close } = await listen(port, server => {
    server.on('request', (request, response) => {
      answer(request, response, config).catch(error => {
        console.error(`${request.method} ${request.url}: ${error.message}`)
        response.destroy()
      })
    })
  })
  return { url: `http://localhost:${taken}`, port: taken, close }
}

async function answer(request, response, config) {
  response.setHeader('cache-control', 'no-store')
  response.setHeader('x-content-type-options', 'nosniff')
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    return say(response, 405, 'Only GET and HEAD are served here.')
  }
  const place = resolve(request.url)
  if (place === '/config.json') {
    response.setHeader('content-type', TYPES['.json'])
    return response.end(JSON.stringify(config))
  }
  const file = place && (await stat(place).catch(() => null))
  if (!file?.isFile()) return say(response, 404, 'There is no such page.')
  response.setHeader('content-type', TYPES[path.extname(place)] ?? 'application/octet-stream')
  response.setHeader('content-length', file.size)
  if (request.method === 'HEAD') return response.end()
  // A visitor who closes the tab half-way is no error.
  pipeline(createReadStream(place), response, () => {})
}

/** The file that a URL names, or null when it names none inside the two folders. */
function resolve(url) {
  let pathname
  try {
    pathname = decodeURIComponent(new URL(url, 'http://localhost').pathname)
  } catch {
    return null
  }
  if (pathname.includes('\0')) return null
  if (pathname === '/config.json') return pathname
  const [folder, rest] = pathname.startsWith('/pkg/') ? [PKG, pathname.slice('/pkg'.length)] : [WWW, pathname]
  const place = path.join(folder, rest.endsWith('/') ? `${rest}index.html` : rest)
  return place.startsWith(folder + path.sep) ? place : null
}

function say(response, status, text) {
  response.writeHead(status, { 'content-type': TYPES['.txt'] }).end(`${text}\n`)
}
