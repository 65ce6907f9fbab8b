// What may be typed besides messages: lines that begin with a slash.
import { meshText } from './mesh-text.mjs'
import { count, milliseconds } from './text.mjs'

/** Each is given the terminal and what was typed behind its name. */
export const COMMANDS = {
  to: { usage: '/to ADDRESS TEXT', help: 'send to one peer alone; the first digits are enough, Tab completes', run: to },
  peers: { usage: '/peers', help: 'who is known, and who is a neighbor', run: peers },
  mesh: { usage: '/mesh', help: 'the ring and the links', run: ({ easypeers, addresses, print }) => print(meshText(easypeers, address => addresses.short(address)).join('\n')) },
  join: { usage: '/join TOPIC', help: 'leave, and join another swarm', run: ({ join, complain }, topic) => topic ? join(topic) : complain('Like this: /join TOPIC') },
  stats: { usage: '/stats', help: 'counters', run: stats },
  help: { usage: '/help', help: 'this list', run: help },
  quit: { usage: '/quit', help: 'say goodbye and end; so do Ctrl-C and Ctrl-D', run: ({ quit }) => quit() },
}

/** Does what a line that begins with a slash says. */
export function command(line, terminal) {
  const [, name, rest] = /^\/(\S*)\s*(.*)$/s.exec(line)
  const found = Object.hasOwn(COMMANDS, name.toLowerCase()) && COMMANDS[name.toLowerCase()]
  if (found) return found.run(terminal, rest.trimEnd())
  const near = nearest(name.toLowerCase())
  terminal.complain(`There is no /${name}. ${near.length > 0 ? `Did you mean ${near.join(' or ')}?` : 'See /help.'} To send text that begins with a slash, type two.`)
}

/** For readline: what may stand instead of the last word. */
export function complete(line, addresses) {
  const [, typed] = /^\/to\s+(\S*)$/i.exec(line) ?? []
  if (typed !== undefined) return [addresses.matching(typed).map(address => `${address} `), typed]
  if (!/^\/\w*$/.test(line)) return [[], line]
  const hits = Object.keys(COMMANDS).map(name => `/${name}`).filter(name => name.startsWith(line.toLowerCase()))
  return [hits.map(name => COMMANDS[name.slice(1)].usage.includes(' ') ? `${name} ` : name), line]
}

/** The value that a line means: a JSON object or array as such, all else as the text it is. */
export function valueOf(text) {
  if (!/^\s*[[{]/.test(text)) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function to(terminal, rest) {
  const [, prefix, text] = /^(\S+)\s+(.+)$/s.exec(rest) ?? []
  if (!prefix) return terminal.complain(`Like this: ${COMMANDS.to.usage}`)
  const { easypeers, addresses } = terminal
  // A whole address may be of somebody who is far away in the mesh, and unknown here.
  if (/^[0-9a-f]{40}$/i.test(prefix)) return terminal.send(valueOf(text), prefix.toLowerCase())
  const found = addresses.matching(prefix)
  if (found.length === 1) return terminal.send(valueOf(text), found[0])
  if (found.length > 1) return terminal.complain(`${prefix} may be ${some(found, address => addresses.short(address), 'or')}: type more digits.`)
  if (easypeers.address.startsWith(prefix.toLowerCase())) return terminal.complain(`${prefix} is you.`)
  terminal.complain(`Nobody known here has an address that begins with ${prefix}. /peers shows who is known; a whole address reaches others, too.`)
}

function peers({ easypeers, addresses, print }) {
  const { wires } = easypeers
  const known = [...easypeers.peers].sort()
  if (known.length === 0) return print('Nobody else is here yet.')
  print([
    `${count(known.length, 'peer')} known, ${count(easypeers.wireCount, 'neighbor')}:`,
    ...known.map(address => {
      const wire = Object.hasOwn(wires, address) ? wires[address] : undefined
      const about = wire && ['neighbor', milliseconds(wire.rtt)].filter(Boolean).join(', ')
      return `  ${addresses.short(address).padEnd(8)}  ${address}${about ? `  ${about}` : ''}`
    }),
    `You are ${easypeers.address}.`,
  ].join('\n'))
}

function stats({ easypeers, print }) {
  const { links, dropped, ...counters } = easypeers.stats()
  const rows = Object.entries({ neighbors: Object.keys(links).length, ...counters })
  const causes = Object.entries(dropped).map(([cause, times]) => `${cause} (${times})`)
  print([
    ...rows.map(([name, number]) => `  ${name.replace(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`).padEnd(12)} ${number.toLocaleString('en').padStart(12)}`),
    ...(causes.length > 0 ? [`  dropped: ${causes.join(', ')}`] : []),
  ].join('\n'))
}

function help({ print }) {
  const rows = Object.values(COMMANDS).map(({ usage, help }) => `  ${usage.padEnd(18)} ${help}`)
  print(['What you type goes to everyone; a JSON object or array arrives as that value.', ...rows].join('\n'))
}

/** The commands whose names are like a word: one begins with the other, or a slip of the finger or two apart. */
function nearest(word) {
  const near = Object.keys(COMMANDS)
    .map(name => ({ name, far: name.startsWith(word) && word ? 0 : distance(word, name) }))
    .filter(({ name, far }) => far <= 2 && far < name.length)
  const best = Math.min(...near.map(({ far }) => far))
  return near.filter(({ far }) => far === best).map(({ name }) => `/${name}`)
}

/** How many letters to put in, take out or change (Levenshtein). */
function distance(from, to) {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 0; i < from.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < to.length; j++) next.push(Math.min(next[j] + 1, row[j + 1] + 1, row[j] + (from[i] === to[j] ? 0 : 1)))
    row = next
  }
  return row[to.length]
}

function some(list, name, word) {
  const shown = list.slice(0, 5).map(name)
  if (list.length > shown.length) return `${shown.join(', ')} ${word} ${list.length - shown.length} more`
  return `${shown.slice(0, -1).join(', ')} ${word} ${shown.at(-1)}`
}
