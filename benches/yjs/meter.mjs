// What every page is measured with: what is handed to its data channels, whoever does it.

/** Installs `window.meter`, before the page's own scripts; handed to the browser as source text, so it may use nothing from
 *  this module. */
export function installMeter () {
  const meter = (window.meter = {
    messages: 0,
    bytes: 0,
    /** Connections made, connected and ended. */
    changes: 0,
    /** The longest task of this page's thread that began after `from`, in milliseconds; of those below 50 a browser does not tell. */
    longestTask: 0,
    from: 0,
    /** Tasks that begin from now on count. */
    restart () {
      meter.longestTask = 0
      meter.from = performance.now()
    },
  })
  window.RTCPeerConnection = class RTCPeerConnection extends window.RTCPeerConnection {
    constructor (configuration, ...rest) {
      // Nobody asks a STUN server: there is none on this machine.
      super({ ...configuration, iceServers: [] }, ...rest)
      this.addEventListener('connectionstatechange', () => { meter.changes++ })
    }
  }
  const { send } = RTCDataChannel.prototype
  RTCDataChannel.prototype.send = function (data) {
    meter.messages++
    meter.bytes += data.size ?? data.byteLength ?? data.length
    return send.call(this, data)
  }
  new PerformanceObserver(list => {
    for (const { startTime, duration } of list.getEntries()) {
      if (startTime >= meter.from) meter.longestTask = Math.max(meter.longestTask, duration)
    }
  }).observe({ type: 'longtask', buffered: true })
}
