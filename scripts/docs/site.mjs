// The documentation as files of www/, by name: the same bytes wherever they are made.
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { declarations, reference } from './api.mjs'
import { anchors, escape, render, section, slug } from './markdown.mjs'
import { GROUPS, PAGES } from './pages.mjs'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const read = name => readFileSync(path.join(ROOT, name), 'utf8')
const README = 'README.md'

/** Every file below www/ that is made of the documentation, as text. */
export function site() {
  const { repository } = JSON.parse(read('package.json'))
  const locate = places(repository.url.replace(/^git\+|\.git$/g, ''))
  const files = {}
  for (const page of PAGES) files[`docs/${page.name}.html`] = frame(page, content(page, locate))
  for (const name of pictures()) files[`docs/figures/${path.basename(name)}`] = read(name)
  files['llms.txt'] = llms()
  return files
}

const pictures = () => ['docs/how-it-works.svg', ...readdirSync(path.join(ROOT, 'docs/figures')).map(name => `docs/figures/${name}`)]

/** Where a link in a file of the project leads on the site. */
function places(repository) {
  const pages = new Map() // a file, or a section of one -> where it is on the site
  for (const { name, parts } of PAGES) {
    for (const part of parts) {
      const [file, anchor] = part.split('#')
      if (!anchor) {
        pages.set(file, `${name}.html`)
        continue
      }
      // A section that comes first gives the page its title.
      pages.set(part, part === parts[0] ? `${name}.html` : `${name}.html#${anchor}`)
      for (const within of anchors(section(read(file), anchor).markdown)) pages.set(`${file}#${within}`, `${name}.html#${within}`)
    }
  }
  return file => href => {
    if (/^[a-z]+:/.test(href)) return href
    const [relative, anchor] = href.split('#')
    const target = relative ? path.posix.join(path.posix.dirname(file), relative) : file
    const hash = anchor ? `#${anchor}` : ''
    if (pages.has(target)) return pages.get(target) + hash
    if (pages.has(target + hash)) return pages.get(target + hash)
    if (target === README) return 'index.html'
    if (/^docs\/.*\.svg$/.test(target)) return `figures/${path.posix.basename(target)}`
    if (target.startsWith('www/')) return `../${target.slice('www/'.length)}${hash}`
    if (target.startsWith('pkg/')) return `../${target}`
    if (target === 'src/web/types.d.ts') return `api.html${hash}`
    return `${repository}/blob/HEAD/${target}${hash}`
  }
}

const titleOf = href => PAGES.find(({ name }) => href.split('#')[0] === `${name}.html`)?.title

function content({ title, parts }, locate) {
  if (parts[0] === 'api') return reference(declarations())
  const [first] = parts
  const texts = parts.map(part => {
    const [file, anchor] = part.split('#')
    if (!anchor) return { file, markdown: read(file) }
    const { title: heading, markdown } = section(read(file), anchor)
    return { file, markdown: part === first ? `# ${title}\n\n${markdown}` : `## ${heading}\n\n${markdown}` }
  })
  const made = texts.map(({ file, markdown }) => render(markdown, locate(file), titleOf))
  return { html: made.map(({ html }) => html).join('\n'), headings: made.flatMap(({ headings }) => headings) }
}

function frame({ name, title, about }, { html, headings }) {
  const link = page => {
    const here = page.name === name
    const inner = here ? headings.filter(({ depth }) => depth === 2) : []
    const list = inner.length > 0 ? `\n<ul>\n${inner.map(({ id, html }) => `<li><a href="#${id}">${html}</a></li>`).join('\n')}\n</ul>` : ''
    return `<li><a href="${page.name}.html"${here ? ' aria-current="page"' : ''}>${page.title}</a>${list}</li>`
  }
  const menu = Object.entries(GROUPS).map(([group, pages]) => `<p id="group-${slug(group)}">${group}</p>\n<ul aria-labelledby="group-${slug(group)}">\n${pages.map(link).join('\n')}\n</ul>`).join('\n')
  return `<!doctype html>
<html lang="en">
<!-- Made by \`npm run docs\`. -->
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="${escape(about)}">
<meta http-equiv="Content-Security-Policy" content="default-src 'self'">
<title>${name === 'index' ? 'Easypeers: guide' : `${escape(title)}: Easypeers`}</title>
<link rel="icon" href="../icon.svg">
<link rel="stylesheet" href="../style.css">

<body class="docs">
<a class="skip" href="#text">Skip to the text</a>
<header>
  <p class="brand"><a href="../index.html"><img src="../icon.svg" alt="" width="24" height="24"> Easypeers</a></p>
  <nav aria-label="Pages">
    <a href="../chat.html">Chat</a>
    <a href="../editor.html">Editor</a>
    <a href="../whiteboard.html">Whiteboard</a>
    <a href="../game.html">Game</a>
    <a href="../console.html">Console</a>
    <a href="../diagnose.html">Diagnosis</a>
    <a href="index.html" aria-current="true">Docs</a>
  </nav>
</header>
<div class="book">
<nav id="menu" class="menu" aria-label="Documentation">
${menu}
</nav>
<main id="text" class="prose">
<a class="contents" href="#menu">All pages of the documentation</a>
${html.trim()}
</main>
</div>
</body>
</html>
`
}

/** For those who read by machine: what there is, and the shortest program. */
function llms() {
  const [, example] = /```html\n([^]*?)```/.exec(read(README))
  const [, about] = /^# .*\n\n([^]*?)\n\n/.exec(read(README))
  const list = pages => pages.map(({ name, title, about }) => `- [${title}](/docs/${name}.html): ${about}`).join('\n')
  return `# Easypeers

> ${about.replaceAll('\n', ' ')}

A complete page:

\`\`\`html
${example}\`\`\`

\`send(message)\` reaches everyone, \`send(address, message)\` one peer, sealed and acknowledged. The class is ready on the line after the script
tag: there is nothing to await. Messages are not stored for those who are absent. A topic is no password: the option \`secret\` is.

${Object.entries(GROUPS).map(([group, pages]) => `## ${group}\n\n${list(pages)}`).join('\n\n')}

## Types

- [easypeers.d.ts](/pkg/easypeers.d.ts): every member with a sentence and an example.
`
}
