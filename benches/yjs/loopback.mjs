// The signalling server of y-webrtc listens to all the world; with this it listens on loopback, and says when it does.
import { Server } from 'node:http'

const { listen } = Server.prototype
Server.prototype.listen = function (port) {
  return listen.call(this, port, '127.0.0.1', () => process.send(this.address().port))
}
