// Virtual time. To be imported before anything that keeps the clock it finds.
import { mock } from 'node:test'

mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] })

const STEP_MS = 20

/** Lets time go by. All that is due at a moment, promises too, is done before the next one. */
export async function pass (milliseconds) {
  for (let gone = 0; gone < milliseconds; gone += STEP_MS) {
    await settled()
    mock.timers.tick(STEP_MS)
  }
  await settled()
}

/** What is under way in this turn has come to its end. */
export const settled = () => new Promise(resolve => setImmediate(resolve))
