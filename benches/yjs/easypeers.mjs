import { EasypeersProvider } from '../../src/yjs/index.mjs'

export const join = (room, doc, url) => new EasypeersProvider(room, doc, { trackers: [url] })
