// From the project's Markdown to HTML: headings that can be linked to, and links that lead to pages of the site where there is
// one, to the repository otherwise.
import { Marked } from 'marked'

export const escape = text => text.replace(/[&<>"]/g, char => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[char])

/** The anchor that GitHub gives a heading. */
export const slug = text => text.toLowerCase().replace(/[^\p{L}\p{N}\p{M}_\- ]/gu, '').replaceAll(' ', '-')

/** The text of a heading as it is read. */
const plain = tokens => tokens.map(token => (token.tokens ? plain(token.tokens) : (token.text ?? ''))).join('')

const lex = markdown => new Marked().lexer(markdown)

/** The anchors of a Markdown text. */
export const anchors = markdown => lex(markdown).filter(({ type }) => type === 'heading').map(({ tokens }) => slug(plain(tokens)))

/** One section of a text, its heading left out, and those within it one step up; and how it is called. */
export function section(markdown, anchor) {
  const tokens = lex(markdown)
  const start = tokens.findIndex(token => token.type === 'heading' && slug(plain(token.tokens)) === anchor)
  if (start < 0) throw new Error(`there is no section ${anchor}`)
  const { depth, tokens: title } = tokens[start]
  const length = tokens.slice(start + 1).findIndex(token => token.type === 'heading' && token.depth <= depth)
  const inner = tokens.slice(start + 1, length < 0 ? undefined : start + 1 + length)
  return {
    title: plain(title),
    markdown: inner.map(token => (token.type === 'heading' ? token.raw.replace(/^#/, '') : token.raw)).join(''),
  }
}

/**
 * @param {string} markdown
 * @param {(href: string) => string} locate where a link or an image of the text is on the site
 * @param {(href: string) => string | undefined} titleOf what is there is called, if it is a page of the documentation
 * @returns {{ html: string, headings: { depth: number, id: string, html: string }[] }}
 */
export function render(markdown, locate, titleOf) {
  const headings = []
  const taken = new Map()
  const marked = new Marked({
    renderer: {
      heading({ depth, tokens }) {
        const base = slug(plain(tokens))
        const nth = taken.get(base) ?? 0
        taken.set(base, nth + 1)
        const id = nth === 0 ? base : `${base}-${nth}`
        const html = this.parser.parseInline(tokens)
        headings.push({ depth, id, html: escape(plain(tokens)) })
        return `<h${depth} id="${id}">${depth === 1 ? html : `<a class="anchor" href="#${id}">${html}</a>`}</h${depth}>\n`
      },
      link({ href, title, tokens }) {
        // A file that is a page here is called as the page is.
        const text = (/^[\w/-]+\.md$/.test(plain(tokens)) && titleOf(locate(href))) || this.parser.parseInline(tokens)
        return `<a href="${escape(locate(href))}"${title ? ` title="${escape(title)}"` : ''}>${text}</a>`
      },
      image({ href, text }) {
        return `<img src="${escape(locate(href))}" alt="${escape(text)}" loading="lazy">`
      },
      table({ header, rows }) {
        const cells = (cells, tag) => cells.map(({ tokens }) => `<${tag}>${this.parser.parseInline(tokens)}</${tag}>`).join('')
        // A heading without words heads nothing.
        const head = header.some(({ text }) => text) ? `<thead><tr>${cells(header, 'th').replaceAll('<th></th>', '<td></td>')}</tr></thead>` : ''
        const body = rows.map(row => `<tr>${cells(row, 'td')}</tr>`).join('\n')
        // Where words cannot be broken to fit, it is scrolled sideways, and that must be within reach of the keyboard.
        return `<div class="table"${header.length > 3 ? ' tabindex="0"' : ''}><table${header.length > 3 ? '' : ' class="words"'}>${head}<tbody>\n${body}\n</tbody></table></div>\n`
      },
      html({ text }) {
        return text.trim() === DIAGNOSIS ? ASK : ''
      },
    },
  })
  return { html: marked.parse(markdown), headings }
}

// Not before it is wanted: it asks trackers.
const DIAGNOSIS = '<!-- diagnosis -->'
const ASK = `<details class="ask"><summary>Ask this browser now</summary>
<iframe src="../diagnose.html" title="Diagnosis of this browser" loading="lazy"></iframe></details>
`
