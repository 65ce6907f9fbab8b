// What every page of the comparison does, whichever provider it holds: `join(room, doc, url)`.
import * as Y from 'yjs'

/** An insertion of the document that a newcomer gets, in characters. */
const LINE = 100
/** So many of them in one update. */
const LINES = 100

const now = () => performance.timeOrigin + performance.now()

/** Makes `window.side`, which the runner calls. */
export function stage (join) {
  const doc = new Y.Doc()
  const text = doc.getText('text')
  let provider
  /** When the text had each length, by the clock that all pages have. */
  const reached = new Map()
  const waiting = new Set()
  text.observe(() => {
    reached.set(text.length, now())
    for (const look of waiting) look()
  })

  window.side = {
    join (room, url) {
      const began = now()
      provider = join(room, doc, url)
      return began
    },

    /** Resolves with the time at which the text had this length. */
    length (wanted) {
      return new Promise(resolve => {
        const look = () => {
          if (text.length < wanted) return
          waiting.delete(look)
          resolve(reached.get(wanted) ?? now())
        }
        waiting.add(look)
        look()
      })
    },

    /** Types so many characters, one every so often, each with its cursor if that is wanted: when each was typed. */
    async type (count, everyMs, withCursor) {
      const typed = []
      for (let i = 0; i < count; i++) {
        typed.push(now())
        text.insert(text.length, 'x')
        if (withCursor) {
          const at = Y.createRelativePositionFromTypeIndex(text, text.length)
          provider.awareness.setLocalStateField('cursor', { anchor: at, head: at })
        }
        await new Promise(resolve => setTimeout(resolve, everyMs))
      }
      return typed
    },

    /** Makes a history of so many bytes, of insertions of so many letters: each before the last one, so that they stay apart. */
    async grow (bytes, letters) {
      let insertions = 0
      // An insertion has a dozen bytes beside its letters.
      for (const all = Math.ceil(bytes / (letters + 12)); insertions < all;) {
        doc.transact(() => {
          for (const end = Math.min(all, insertions + 5_000); insertions < end; insertions++) text.insert(0, String(insertions % 10).repeat(letters))
        })
        await new Promise(resolve => setTimeout(resolve))
      }
      return { insertions, length: text.length, bytes: Y.encodeStateAsUpdate(doc).length }
    },

    /** How long it takes Yjs to write this document, and to read it, in milliseconds. */
    alone () {
      const began = now()
      const update = Y.encodeStateAsUpdate(doc)
      const written = now()
      Y.applyUpdate(new Y.Doc(), update)
      return { writeMs: written - began, readMs: now() - written }
    },

    reached: from => [...reached].filter(([length]) => length > from),

    /** Writes a text of so many characters, some lines in each turn: a channel takes no message of a megabyte. */
    async fill (characters) {
      for (let written = 0; written < characters; written += LINE * LINES) {
        doc.transact(() => { for (let i = 0; i < LINES; i++) text.insert(0, `${String(written + i).padEnd(LINE - 1, 'abcdefghij')}\n`) })
        await new Promise(resolve => setTimeout(resolve, 20))
      }
      return text.length
    },
  }
}
