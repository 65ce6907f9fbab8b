// A private swarm in Firefox.

import { borrow } from './harness.mjs'

await borrow('security', ['a page without the secret gets no link and no byte of content'])
