// The command of the package, with the class of node.cjs, which stays outside of this file.
import Easypeers from './node.cjs'
import { run } from '../../src/node/cli.mjs'
import { finish } from '../../src/node/leave.mjs'
import { endWithNpm } from '../../src/node/npm-parent.mjs'

endWithNpm()
run(Easypeers, process.argv.slice(2), { version: VERSION }).catch(error => {
  // Without the line it was thrown from, which is all of Easypeers.
  console.error(error.stack)
  return 1
}).then(finish)
