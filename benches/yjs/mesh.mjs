// The mesh alone, with no document: what it says when nobody says anything.
import Easypeers from 'easypeers'

export const join = (room, doc, url) => new Easypeers(room, { trackers: [url] })
