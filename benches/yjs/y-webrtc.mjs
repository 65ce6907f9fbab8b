import { WebrtcProvider } from 'y-webrtc'

export const join = (room, doc, url) => new WebrtcProvider(room, doc, { signaling: [url] })
