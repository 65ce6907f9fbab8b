// Questions from one page to another, and what comes of them.

import assert from 'node:assert/strict'

import { behavior } from './harness.mjs'

/** Two pages that are linked. */
async function pair(world, topic) {
  await world.tracker()
  const [a, b] = [await world.join('a', topic), await world.join('b', topic)]
  await Promise.all([a.neighbors(), b.neighbors()])
  return [a, b]
}

behavior('a request is answered with a value, or with what a promise becomes', async world => {
  const [a, b] = await pair(world, 'ask')
  await b.run(({ easypeers }) => {
    easypeers.on('request', async ({ message, from, to }, respond) => {
      if (message.now) return respond({ from, to, sum: new Map([['sum', message.now + 1n]]) })
      if (message.late) return respond(Promise.resolve(new Uint8Array([1, 2, 3])))
      respond(await Promise.resolve(`${message.text}!`))
    })
  })
  const answers = await a.run(async ({ easypeers }, to) => {
    const now = await easypeers.request(to, { now: 1n })
    const [late, text] = await Promise.all([easypeers.request(to, { late: true }), easypeers.request(to, { text: 'hey' })])
    return { from: now.from, to: now.to, sum: String(now.sum.get('sum')), late: late instanceof Uint8Array && [...late], text }
  }, b.address)
  assert.deepEqual(answers, { from: a.address, to: [b.address], sum: '2', late: [1, 2, 3], text: 'hey!' })
  assert.deepEqual(await b.run(p => p.messages), [], 'a request is no message')
})

behavior('a request and its answer find their way through others, and to whoever goes by a name that proves nothing', async world => {
  await world.tracker()
  const pages = []
  for (const name of ['a', 'b', 'c', 'd']) pages.push(await world.join(name, 'ring', { maxPeers: 2 }))
  await Promise.all(pages.map(page => page.neighbors(2)))
  const [a, ...others] = pages
  const wires = await a.run(({ easypeers }) => Object.keys(easypeers.wires))
  const far = others.find(({ address }) => !wires.includes(address))
  for (const page of pages) {
    await page.run(({ easypeers }) => { easypeers.on('request', ({ message, verified }, respond) => respond([message, verified])) })
  }
  assert.deepEqual(await a.run(({ easypeers }, to) => easypeers.request(to, 'far'), far.address), ['far', true])

  const name = 'cd'.repeat(20)
  await far.run(({ easypeers }, name) => {
    easypeers.address = name
    easypeers.send('my name')
  }, name)
  await a.hears('my name')
  const claimed = await a.run(({ easypeers }, to) => easypeers.request(to, 'by name', { claimed: true }), name)
  assert.deepEqual(claimed, ['by name', true])
  assert.deepEqual(await far.run(({ easypeers }, to) => easypeers.request(to, 'back'), a.address), ['back', false])
})

behavior('what the answering page throws, rejects with or cannot send arrives as an error', async world => {
  const [a, b] = await pair(world, 'refuse')
  const thrown = await b.run(({ easypeers }) => {
    const reported = globalThis.reported = []
    // An uncaught error there as well, as that of any listener.
    globalThis.reportError = error => reported.push(error.message)
    easypeers.on('request', ({ message }, respond) => {
      switch (message) {
        case 'throw': throw new RangeError('out of bread')
        case 'reject': return Promise.reject(new TypeError('no such thing'))
        case 'respond with an error': return respond(new DOMException('not now', 'NotAllowedError'))
        case 'respond with a promise that rejects': return respond(Promise.reject('words'))
        case 'respond with a function, later': return respond(Promise.resolve(() => {}))
        case 'twice': {
          respond(1)
          try { respond(2) } catch (error) { reported.push(`${error.constructor.name} ${error.code}`) }
          return
        }
        case 'try again': {
          try { respond({ file: new Blob([]) }) } catch (error) { respond(error.message) }
        }
      }
    })
    return reported
  })
  assert.deepEqual(thrown, [])
  const asked = await a.run(async ({ easypeers }, to) => {
    const ask = what => easypeers.request(to, what).then(value => value, error => [
      error instanceof easypeers.constructor.RequestError, error.name, error.code, error.message, error.cause?.name, error.cause?.message,
    ])
    const answers = []
    const all = [
      'throw', 'reject', 'respond with an error', 'respond with a promise that rejects', 'respond with a function, later', 'twice', 'try again',
    ]
    for (const what of all) answers.push(await ask(what))
    return answers
  }, b.address)
  const refused = (message, name) => [true, 'RequestError', 'ERR_REFUSED', message, name, message]
  assert.deepEqual(asked.slice(0, 4), [
    refused('out of bread', 'RangeError'), refused('no such thing', 'TypeError'), refused('not now', 'NotAllowedError'),
    refused('words', 'Error'),
  ])
  assert.match(asked[4][3], /a function cannot be sent/)
  assert.deepEqual(asked[5], 1)
  assert.match(asked[6], /message\.file: a Blob cannot be sent/)
  const reported = await b.run(() => globalThis.reported)
  assert.deepEqual(reported.filter(text => !/function/.test(text)), ['out of bread', 'no such thing', 'EasypeersError ERR_ANSWERED'])
  assert.equal(reported.length, 4)
})

behavior('without a listener, without an answer, without a recipient: each has its error', async world => {
  const [a, b] = await pair(world, 'no answer')
  const code = (what, to) => a.run(async ({ easypeers }, [what, to]) => {
    const ask = {
      plain: to => easypeers.request(to, 'x'),
      short: to => easypeers.request(to, 'x', { timeout: 50 }),
      nobody: () => easypeers.request('ab'.repeat(20), 'x', { timeout: 50 }),
      aborted: to => easypeers.request(to, 'x', { signal: AbortSignal.abort() }),
      abort: to => {
        const controller = new AbortController()
        const answer = easypeers.request(to, 'x', { signal: controller.signal })
        controller.abort()
        return answer
      },
      closed: to => {
        const answer = easypeers.request(to, 'x')
        easypeers.close()
        return answer
      },
    }[what]
    return ask(to).then(value => value, error => `${error.name} ${error.code}`)
  }, [what, to])
  assert.equal(await code('plain', b.address), 'RequestError ERR_NO_LISTENER')
  await b.run(({ easypeers }) => easypeers.on('request', () => {}))
  assert.equal(await code('short', b.address), 'RequestError ERR_TIMEOUT')
  assert.equal(await code('nobody'), 'DeliveryError ERR_TIMEOUT')
  assert.equal(await code('aborted', b.address), 'DeliveryError ERR_ABORTED')
  assert.equal(await code('abort', b.address), 'DeliveryError ERR_ABORTED')
  assert.equal(await code('closed', b.address), 'ClosedError ERR_CLOSED')
})

behavior('what is no request is refused at the call', async world => {
  await world.tracker()
  const a = await world.join('a', 'wrong')
  const refused = await a.run(({ easypeers }) => {
    const address = 'ab'.repeat(20)
    const tried = [[], ['nobody', 'x'], [null, 'x'], [address], [address, () => {}], [address, 'x', 5], [address, 'x', { timeout: 0 }]]
    return tried.map(args => {
      try { return String(easypeers.request(...args)) } catch (error) { return `${error.name} ${error.code}` }
    })
  })
  assert.deepEqual(refused, [
    'TypeError ERR_INVALID_ARG_TYPE', 'TypeError ERR_INVALID_ARG_VALUE', 'TypeError ERR_INVALID_ARG_TYPE', 'TypeError ERR_INVALID_ARG_TYPE',
    'TypeError ERR_INVALID_ARG_TYPE', 'TypeError ERR_INVALID_ARG_TYPE', 'RangeError ERR_OUT_OF_RANGE',
  ])
})

behavior('respond after close() throws, and what a page that closes has asked for is refused', async world => {
  const [a, b] = await pair(world, 'late')
  await b.run(({ easypeers }) => easypeers.on('request', (data, respond) => { globalThis.respond = respond }))
  await a.run(({ easypeers }, to) => { globalThis.answer = easypeers.request(to, 'x').then(value => value, error => error.code) }, b.address)
  await b.page.waitForFunction(() => globalThis.respond)
  const late = await b.run(({ easypeers }) => {
    easypeers.close()
    try { globalThis.respond('late') } catch (error) { return error.code }
  })
  assert.equal(late, 'ERR_CLOSED')
  await a.run(({ easypeers }) => easypeers.close())
  assert.equal(await a.run(() => globalThis.answer), 'ERR_CLOSED')
})
