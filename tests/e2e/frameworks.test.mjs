// In the hands of a framework: a component joins when it is mounted and closes when it goes, which StrictMode does twice at
// once. Nothing of it may stay, and nobody may be met twice.

import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'

import esbuild from 'esbuild'
import { compile } from 'svelte/compiler'

import { behavior, Peer } from './harness.mjs'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A component that shows how many neighbors it has, and the two calls that put it into a page and take it out. */
const react = client => `
  import { createElement, StrictMode, useEffect, useState } from 'react'
  import { createRoot } from '${client}'
  function Swarm () {
    const [count, setCount] = useState(0)
    useEffect(() => {
      const easypeers = made()
      const show = () => setCount(easypeers.wireCount)
      easypeers.on('connect', show).on('disconnect', show)
      return () => {
        easypeers.close()
        easypeers.off('connect', show).off('disconnect', show)
      }
    }, [])
    return createElement('output', null, count)
  }
  let root
  window.mount = () => {
    root = createRoot(document.body)
    root.render(createElement(StrictMode, null, createElement(Swarm)))
  }
  window.unmount = () => root.unmount()`

const FRAMEWORKS = {
  'React 18': { script: react('react-dom/client'), alias: { react: 'react18', 'react-dom': 'react-dom18' } },
  'React 19': { script: react('react-dom/client') },
  'Vue 3': {
    script: `
      import { createApp, h, onBeforeUnmount, onMounted, ref } from 'vue'
      const Swarm = {
        setup () {
          const count = ref(0)
          let easypeers
          onMounted(() => {
            easypeers = made()
            const show = () => { count.value = easypeers.wireCount }
            easypeers.on('connect', show).on('disconnect', show)
          })
          onBeforeUnmount(() => easypeers.close())
          return () => h('output', count.value)
        },
      }
      let app
      window.mount = () => {
        app = createApp(Swarm)
        app.mount(document.body)
      }
      window.unmount = () => app.unmount()`,
  },
  'Vue 3, with the instance in a reactive object': {
    script: `
      import { createApp, h, onBeforeUnmount, onMounted, reactive } from 'vue'
      const Swarm = {
        setup () {
          const state = reactive({ count: 0, easypeers: undefined })
          onMounted(() => {
            state.easypeers = made()
            const show = () => { state.count++ }
            state.easypeers.on('connect', show)
          })
          // Methods that were taken out of a proxy know their instance all the same.
          onBeforeUnmount(() => state.easypeers.close())
          return () => h('output', state.count)
        },
      }
      let app
      window.mount = () => {
        app = createApp(Swarm)
        app.mount(document.body)
      }
      window.unmount = () => app.unmount()`,
  },
  'Svelte 5': {
    script: `
      import { mount, unmount } from 'svelte'
      import Swarm from './swarm.svelte'
      let component
      window.mount = () => { component = mount(Swarm, { target: document.body }) }
      window.unmount = () => unmount(component)`,
    component: `
      <script>
        let count = $state(0)
        $effect(() => {
          const easypeers = window.made()
          const show = () => { count = easypeers.wireCount }
          easypeers.on('connect', show).on('disconnect', show)
          return () => easypeers.close()
        })
      </script>
      <output>{count}</output>`,
  },
}

for (const [name, { script, alias, component }] of Object.entries(FRAMEWORKS)) {
  behavior(`${name}: a component that is mounted and unmounted again and again leaves nothing, and is met once each time`, async world => {
    const { url } = await world.tracker()
    const topic = `framework ${name}`
    world.site.pages.set('/app', '<!doctype html><title>app</title><body><script src="/pkg/easypeers.dist.js"></script>')
    const b = await world.join('b', topic)
    const page = await world.page({ path: '/app' })
    await page.evaluate(([topic, url]) => {
      window.instances = 0
      window.made = () => {
        window.instances++
        return probe.join('page', topic, { trackers: [url] }).easypeers
      }
    }, [topic, url])
    await page.addScriptTag({ content: await bundle(script, alias, component) })
    const a = new Peer(world, page, 'page')
    const addresses = []
    for (let round = 1; round <= 3; round++) {
      await page.evaluate(() => mount())
      await page.waitForFunction(() => probe.peers.page && !probe.peers.page.easypeers.closed)
      addresses.push(await a.get('address'))
      await Promise.all([a.neighbors(), b.connectedTo(addresses.at(-1))])
      await page.getByText('1', { exact: true }).waitFor()
      await b.send(`round ${round}`)
      await a.hears(`round ${round}`)
      await page.evaluate(() => unmount())
      await b.disconnectedFrom(addresses.at(-1))
      // Timers and listeners may be the framework's own.
      await a.until('nothing held', () => probe.held().connections + probe.held().sockets === 0)
    }
    world.measured('instances made in three rounds', await page.evaluate(() => instances))
    assert.deepEqual(await b.run(p => [p.connects, p.disconnects, p.easypeers.wireCount]), [addresses, addresses, 0])
  })
}

async function bundle (contents, alias, component) {
  const { outputFiles } = await esbuild.build({
    stdin: { contents, resolveDir: ROOT },
    bundle: true,
    // That is where StrictMode mounts twice.
    define: { 'process.env.NODE_ENV': '"development"', __VUE_OPTIONS_API__: 'true', __VUE_PROD_DEVTOOLS__: 'false', __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false' },
    conditions: ['browser', 'development'],
    alias,
    format: 'iife',
    write: false,
    plugins: [svelte(component)],
  })
  return outputFiles[0].text
}

/** Compiles the one component. */
function svelte (component) {
  const module = code => ({ contents: code, loader: 'js', resolveDir: ROOT })
  return {
    name: 'svelte',
    setup (build) {
      build.onResolve({ filter: /swarm\.svelte$/ }, () => ({ path: 'swarm.svelte', namespace: 'component' }))
      build.onLoad({ filter: /.*/, namespace: 'component' }, () => module(compile(component, { filename: 'swarm.svelte', generate: 'client', dev: false }).js.code))
    },
  }
}
