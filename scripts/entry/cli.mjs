// The command of the package, with the class of node.cjs, which stays outside of this file.
import Easypeers from './node.cjs'
import { run } from '../../src/node/cli.mjs'

run(Easypeers, process.argv.slice(2), { version: VERSION }).then(
  code => { process.exitCode = code },
  error => {
    console.error(`easypeers: ${error.message}`)
    process.exitCode = 1
  },
)
