// The ring and the links as text, from what this peer knows of the mesh.
import { count, milliseconds } from './text.mjs'

/** More lines than this do not help anybody. */
const MOST_SHOWN = 40
const ROLES = { successor: 'your next', predecessor: 'your previous', long: 'a long link of yours' }

/**
 * The peers in the order of the ring, from this one on, each with its links.
 * @param {{ address: string, topology: () => import('easypeers').Topology }} easypeers
 * @param {(address: string) => string} short
 * @returns {string[]} lines
 */
export function meshText(easypeers, short) {
  const { nodes, links } = easypeers.topology()
  const me = easypeers.address
  const sorted = [...nodes].sort()
  const begin = sorted.indexOf(me)
  const ring = [...sorted.slice(begin + 1), ...sorted.slice(0, begin)]
  const width = Math.max(...nodes.map(address => short(address).length))
  const name = address => short(address).padEnd(width)

  const line = address => {
    const own = links.find(({ a, b }) => (a === me && b === address) || (b === me && a === address))
    const others = links.filter(({ a, b }) => (a === address && b !== me) || (b === address && a !== me))
      .map(({ a, b }) => short(a === address ? b : a))
    const said = [
      own && [ROLES[own.role] ?? 'linked with you', milliseconds(own.rtt)].filter(Boolean).join(', '),
      others.length > 0 && `linked with ${others.join(' ')}`,
    ].filter(Boolean)
    return `${own ? '├──' : '│  '} ${name(address)}  ${said.join('; ')}`.trimEnd()
  }
  const shown = ring.slice(0, MOST_SHOWN)
  const rest = ring.length - shown.length
  return [
    `${count(nodes.length, 'peer')} and ${count(links.length, 'link')} known, around the ring:`,
    `┌─▶ ${name(me)}  you`,
    ...shown.map(line),
    ...(rest > 0 ? [`│   … and ${rest} more`] : []),
    '└─▶ and back to you',
  ]
}
