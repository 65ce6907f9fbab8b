// The profiler of Chromium, and what it says as a table.

const SAMPLE_US = 200
const ROWS = 15
/** What is not the page's work. */
const NO_WORK = ['(idle)', '(root)']

/** The profile of each page while `play` goes on. */
export async function profiled(pages, play) {
  const sessions = await Promise.all(pages.map(({ page }) => page.context().newCDPSession(page)))
  for (const session of sessions) {
    await session.send('Profiler.enable')
    await session.send('Profiler.setSamplingInterval', { interval: SAMPLE_US })
  }
  await Promise.all(sessions.map(session => session.send('Profiler.start')))
  await play()
  return Promise.all(sessions.map(async session => (await session.send('Profiler.stop')).profile))
}

/** The functions that took longest by themselves, with what is below them. */
export function print(what, profiles, times) {
  const functions = new Map()
  for (const profile of profiles) {
    for (const { name, self, below } of costs(profile)) {
      const cost = functions.get(name) ?? { self: 0, total: 0 }
      functions.set(name, { self: cost.self + self, total: cost.total + below })
    }
  }
  const work = [...functions].filter(([name]) => !NO_WORK.includes(name))
  const all = work.reduce((sum, [, { self }]) => sum + self, 0)
  console.log(`\n${what}: ${(all / 1_000 / times).toFixed(3)} ms, the browser's own included`)
  console.log('   self    with what it calls, of that')
  for (const [name, { self, total }] of work.sort(([, a], [, b]) => b.self - a.self).slice(0, ROWS)) {
    console.log(`${percent(self / all)}  ${percent(total / all)}  ${name}`)
  }
}

/** For each function of a profile the microseconds in it alone, and in it and all it calls. */
function * costs({ nodes, samples, timeDeltas }) {
  const self = new Map(nodes.map(({ id }) => [id, 0]))
  samples.forEach((id, i) => self.set(id, self.get(id) + timeDeltas[i]))
  const byId = new Map(nodes.map(node => [node.id, node]))
  const functions = new Map()
  const visit = (node, above) => {
    const name = nameOf(node.callFrame)
    const cost = functions.get(name) ?? { name, self: 0, below: 0 }
    functions.set(name, cost)
    cost.self += self.get(node.id)
    const within = (node.children ?? []).reduce((sum, id) => sum + visit(byId.get(id), above.has(name) ? above : new Set([...above, name])), self.get(node.id))
    // A function that calls itself is counted once.
    if (!above.has(name)) cost.below += within
    return within
  }
  visit(nodes[0], new Set())
  yield * functions.values()
}

function nameOf({ functionName, url, lineNumber }) {
  if (functionName) return functionName.replace(/\[[0-9a-f]{16}\]|::h[0-9a-f]{16}$/g, '')
  return `(nameless) ${url.split('/').pop()}:${lineNumber + 1}`
}

function percent(share) {
  return `${(share * 100).toFixed(1)} %`.padStart(7)
}
