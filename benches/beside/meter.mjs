// What every page is measured with, whichever contender it holds: counts of what a browser is asked for, kept by wrapping.

/** Installs `window.meter`, before the page's own scripts; handed to the browser as source text, so it may use nothing from
 *  this module. */
export function installMeter() {
  const meter = (window.meter = {
    /** RTCPeerConnections made. */
    made: 0,
    /** Messages handed to a data channel. */
    sent: 0,
    /** Milliseconds of each task of this page's thread that took 50 or more: of shorter ones a browser does not tell. */
    tasks: [],
  })

  window.RTCPeerConnection = class RTCPeerConnection extends window.RTCPeerConnection {
    constructor(configuration, ...rest) {
      // Nobody asks a STUN server: there is none on this machine, and not every contender can be told so.
      super({ ...configuration, iceServers: [] }, ...rest)
      meter.made++
    }
  }

  const { send } = RTCDataChannel.prototype
  RTCDataChannel.prototype.send = function (data) {
    meter.sent++
    return send.call(this, data)
  }

  new PerformanceObserver(list => {
    for (const { duration } of list.getEntries()) meter.tasks.push(Math.round(duration))
  }).observe({ type: 'longtask', buffered: true })
}
