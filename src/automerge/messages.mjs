// What a repository may be given: messages as they are declared by automerge-repo, which does not look whether they are.
import { isValidDocumentId } from '@automerge/automerge-repo/slim'

/** The kinds that automerge-repo has, and what is in each. Those that it does not know it leaves alone. */
const FIELDS = {
  sync: ({ documentId, data }) => isValidDocumentId(documentId) && isBytes(data),
  request: ({ documentId, data }) => isValidDocumentId(documentId) && isBytes(data),
  ephemeral: ({ documentId, data, count, sessionId }) =>
    isValidDocumentId(documentId) && isBytes(data) && Number.isSafeInteger(count) && isText(sessionId),
  'doc-unavailable': ({ documentId }) => isValidDocumentId(documentId),
  'remote-subscription-change': ({ add, remove }) => [add, remove].every(list => list === undefined || isTexts(list)),
  'remote-heads-changed': ({ documentId, newHeads }) => isValidDocumentId(documentId) && isObject(newHeads) &&
    Object.values(newHeads).every(news => isObject(news) && isTexts(news.heads) && Number.isFinite(news.timestamp)),
}

export function isMessage (message) {
  const { type, senderId, targetId, data } = message
  if (![type, senderId, targetId].every(isText) || (data !== undefined && !isBytes(data))) return false
  return !Object.hasOwn(FIELDS, type) || FIELDS[type](message)
}

/**
 * Whether it may come from this neighbor. A repository passes on ephemeral messages as they are, in the name of who made them: of
 * these the sender is a claim, like all that they say. Nothing that changes a document is passed on by name.
 */
export function isOf (message, { peerId, own }) {
  if (message.senderId === peerId) return true
  return message.type === 'ephemeral' && message.senderId !== own
}

const isText = value => typeof value === 'string'
const isBytes = value => value instanceof Uint8Array
const isTexts = value => Array.isArray(value) && value.every(isText)
const isObject = value => value !== null && typeof value === 'object'
