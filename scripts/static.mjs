// Serves the pages and the documentation: / is www/, /pkg/ is pkg/, and /config.json tells a page where its tracker is.
import { fileURLToPath } from 'node:url'
import sirv from 'sirv'
import { listen } from './listen.mjs'

// `dev`: what is on the disk now, never what was there at the start.
const files = folder => sirv(fileURLToPath(new URL(`../${folder}`, import.meta.url)), { dev: true, onNoMatch: notFound })
const www = files('www')
const pkg = files('pkg')

/**
 * @param {object} options
 * @param {number} [options.port] or the next free one; 0 takes any
 * @param {object} [options.config] what /config.json says, such as `{ tracker: 'ws://localhost:8000' }`
 * @param {(path: string, response: import('node:http').ServerResponse) => boolean} [options.first] answers what is in no
 *   file, and says whether it did
 * @returns {Promise<{ url: string, port: number, close: () => Promise<void> }>}
 */
export async function serve({ port = 3000, config = {}, first = () => false } = {}) {
  const { port: taken, close } = await listen(port, server => {
    server.on('request', (request, response) => answer(request, response, config, first))
  })
  return { url: `http://localhost:${taken}`, port: taken, close }
}

function answer(request, response, config, first) {
  response.setHeader('cache-control', 'no-store')
  response.setHeader('x-content-type-options', 'nosniff')
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    return say(response, 405, 'Only GET and HEAD are served here.')
  }
  const [path] = request.url.split('?', 1)
  if (first(path, response)) return
  // Links of that page are relative.
  if (path === '/docs') return response.writeHead(301, { location: '/docs/' }).end()
  if (path === '/config.json') {
    response.setHeader('content-type', 'application/json')
    return response.end(JSON.stringify(config))
  }
  if (!path.startsWith('/pkg/')) return www(request, response)
  request.url = request.url.slice('/pkg'.length)
  pkg(request, response)
}

function notFound(_request, response) {
  say(response, 404, 'There is no such page.')
}

function say(response, status, text) {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`)
}
