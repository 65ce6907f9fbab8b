// Listens where `localhost` points: on 127.0.0.1 and, where there is IPv6, on ::1, at one port.
import http from 'node:http'

/**
 * Takes `port`, or the next free one; 0 takes any free port.
 * @param {number} port
 * @param {(server: http.Server) => void} equip adds the listeners; called once per address
 * @returns {Promise<{ port: number, close: () => Promise<void> }>} `close` drops open connections too
 */
export async function listen(port, equip) {
  const make = () => {
    const server = http.createServer()
    equip(server)
    return server
  }
  for (let tries = 0; tries < 100; tries++) {
    const v4 = make()
    try {
      await bind(v4, port === 0 ? 0 : port + tries, '127.0.0.1')
    } catch (error) {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') continue
      throw error
    }
    const taken = v4.address().port
    const v6 = make()
    try {
      await bind(v6, taken, '::1')
    } catch (error) {
      if (error.code === 'EADDRINUSE') {
        await shut(v4)
        continue
      }
      if (error.code !== 'EADDRNOTAVAIL' && error.code !== 'EAFNOSUPPORT') throw error
    }
    return { port: taken, close: () => Promise.all([shut(v4), shut(v6)]).then(() => {}) }
  }
  throw new Error(`no free port from ${port} on`)
}

function bind(server, port, host) {
  const sockets = (server.sockets = new Set())
  server.on('connection', socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

// Upgraded sockets are no longer the HTTP server's own: `closeAllConnections` would leave WebSockets open.
function shut(server) {
  return new Promise(resolve => {
    server.close(() => resolve())
    for (const socket of server.sockets) socket.destroy()
  })
}
