// The API pages: what src/web/types.d.ts declares, each with its words and its example, and an address of its own.
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { API } from 'typescript/unstable/sync'
import { SyntaxKind } from 'typescript/unstable/ast'
import { escape } from './markdown.mjs'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const TYPES = path.join(ROOT, 'src/web/types.d.ts')

/**
 * What is declared, in its order: `{ name, kind, code, words, members }`, the code that of a type alone. A member is `{ name, signatures,
 * members }`, its signatures `{ code, words, params, throws, example }`, one for each overload; what is within a type has members again.
 */
export function declarations() {
  const api = new API({ cwd: ROOT })
  try {
    const project = api.updateSnapshot({ openProject: path.join(ROOT, 'tests/types/tsconfig.json') }).getProjects()[0]
    const file = project.program.getSourceFile(TYPES)
    return [...file.statements].map(statement => ({
      name: statement.name.text,
      kind: { [SyntaxKind.ClassDeclaration]: 'class', [SyntaxKind.InterfaceDeclaration]: 'interface' }[statement.kind] ?? 'type',
      ...told(statement),
      code: statement.kind === SyntaxKind.TypeAliasDeclaration ? written(statement, file).replace(/^export /, '') : '',
      members: membersOf(statement.members, file),
    }))
  } finally {
    api.close()
  }
}

function membersOf(nodes, file) {
  const members = new Map()
  for (const node of nodes ?? []) {
    // What an object holds under any key is told where the object is.
    if (node.kind === SyntaxKind.IndexSignature && !node.jsDoc) continue
    const name = node.name?.text ?? (node.kind === SyntaxKind.Constructor ? 'constructor' : file.text.slice(node.getStart(file), node.end).match(/\[[^\]]+\]/)[0])
    if (!members.has(name)) members.set(name, { name, signatures: [], members: [] })
    const member = members.get(name)
    member.signatures.push({ code: written(node, file), ...told(node) })
    member.members.push(...membersOf(literalIn(node.type)?.members, file))
  }
  return [...members.values()]
}

/** The object type within a type, such as that of the elements of an array. */
function literalIn(type) {
  if (!type) return
  if (type.kind === SyntaxKind.TypeLiteral) return type
  let found
  type.forEachChild(child => { found ??= literalIn(child) })
  return found
}

/** What a declaration says, without the comments in it, and without what is within its types and told of below it. */
function written(node, file) {
  let text = file.text.slice(node.getStart(file), node.end)
  const literal = node.members ? undefined : literalIn(node.type)
  if (literal && [...literal.members].some(({ jsDoc }) => jsDoc)) {
    const start = node.getStart(file)
    text = `${text.slice(0, literal.getStart(file) - start)}{ … }${text.slice(literal.end - start)}`
  }
  return text.replace(/\n {2}/g, '\n')
}

/** The comment before a declaration: `words`, `params`, `throws`, `example`. */
function told({ jsDoc }) {
  const last = [...(jsDoc ?? [])].at(-1)
  const text = comment => [...(comment ?? [])].map(({ text }) => text).join('').trim()
  const tags = [...(last?.tags ?? [])].map(tag => ({ kind: tag.tagName.text, words: text(tag.comment), name: tag.name?.text }))
  const tag = wanted => tags.find(({ kind }) => kind === wanted)?.words
  return { words: text(last?.comment), params: tags.filter(({ kind }) => kind === 'param'), throws: tag('throws'), example: tag('example') }
}

/** The page, and its headings for the menu. */
export function reference(declared) {
  const names = new Set(declared.map(({ name }) => name))
  const headings = []
  const prose = text => escape(text).replace(/`([^`]+)`/g, (_, code) => `<code>${code}</code>`)
  const typed = text => escape(text).replace(/\b[A-Z]\w+\b/g, word => (names.has(word) ? `<a href="#${word}">${word}</a>` : word))

  const signature = ({ code, words, throws, example, params }) => [
    `<pre class="signature"><code>${typed(code)}</code></pre>`,
    words && `<p>${prose(words)}</p>`,
    ...params.map(({ name, words }) => `<p><code>${name}</code>: ${prose(words)}</p>`),
    throws && `<p class="throws"><b>Throws</b> ${prose(throws)}</p>`,
    example && `<pre><code>${escape(example)}</code></pre>`,
  ].filter(Boolean).join('\n')

  const member = (owner, { name, signatures, members }, depth) => {
    const id = `${owner}${idOf(name)}`
    return [
      `<h${depth} id="${id}"><a class="anchor" href="#${id}">${escape(name)}</a></h${depth}>`,
      ...signatures.map(signature),
      ...members.map(inner => member(`${id}.`, inner, Math.min(depth + 1, 6))),
    ].join('\n')
  }

  const sections = declared.map(({ name, kind, words, code, members, example }) => {
    headings.push({ depth: 2, id: name, html: name })
    // The members of the class have the short addresses: api.html#send.
    const owner = name === 'Easypeers' ? '' : `${name}.`
    const list = members.map(({ name }) => `<a href="#${owner}${idOf(name)}">${escape(name)}</a>`).join(' ')
    return [
      `<h2 id="${name}"><a class="anchor" href="#${name}">${name}</a> <span class="kind">${kind}</span></h2>`,
      words && `<p>${prose(words)}</p>`,
      code && `<pre class="signature"><code>${typed(code)}</code></pre>`,
      example && `<pre><code>${escape(example)}</code></pre>`,
      list && `<p class="members">${list}</p>`,
      ...members.map(one => member(owner, one, 3)),
    ].filter(Boolean).join('\n')
  })
  return { html: `<h1>API</h1>\n<p>Made from <a href="../pkg/easypeers.d.ts">the types</a>. Each member has an address of its own, such as <a href="#send"><code>api.html#send</code></a>.</p>\n${sections.join('\n')}`, headings }
}

/** An anchor without brackets. */
const idOf = name => name.replace(/[[\]]/g, '')
