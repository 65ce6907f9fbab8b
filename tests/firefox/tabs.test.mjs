// What the tabs of one Firefox share, its locks and its channel: they meet by themselves, and one identity has one tab.

import { borrow } from './harness.mjs'

await borrow('tabs', [
  'tabs of one browser are one swarm without any tracker',
  'tabs of a private swarm meet those who know the secret, and no others',
  'a tab that is in the swarm brings the other tabs in',
])
await borrow('identity', [
  'the second tab of an identity goes by an address of its own, and takes the wanted one when the first tab closes',
  'what the second tab says before it has an address arrives',
  'pages of one identity on two machines agree by the mesh, and the second takes the address when the first is gone',
  'a reload has its own address again, and so has the tenth',
])
