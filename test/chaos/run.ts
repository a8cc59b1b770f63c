/**
 * Injects failures into telling apps and prints what was measured beside what must hold: `npm run test:chaos`, or with the numbers of
 * some, `npm run test:chaos -- R-03 R-08`. In order, one at a time, because each measures time.
 */
import { appDown } from './app-down.ts'
import { duplicates } from './duplicates.ts'
import { endEverything } from './end-everything.ts'
import { killedWorkers } from './killed-workers.ts'
import { massExpiry } from './mass-expiry.ts'
import { poison } from './poison.ts'
import { rollingRestart } from './rolling-restart.ts'
import { rotatingKeys } from './rotating-keys.ts'
import type { Scenario } from './scenario.ts'
import { stalledWorker } from './stalled-worker.ts'
import { stoppedWorker } from './stopped-worker.ts'
import { tarpit } from './tarpit.ts'

const all: readonly Scenario[] = [
  appDown,
  tarpit,
  killedWorkers,
  duplicates,
  massExpiry,
  endEverything,
  poison,
  rotatingKeys,
  rollingRestart,
  stalledWorker,
  stoppedWorker,
]

const wanted = process.argv.slice(2)
const unknown = wanted.filter((id) => !all.some((scenario) => scenario.id === id))
if (unknown.length > 0) {
  process.stderr.write(
    `There is no ${unknown.join(', ')}. There are ${all.map(({ id }) => id).join(', ')}.\n`,
  )
  process.exit(2)
}
for (const scenario of all) if (wanted.length === 0 || wanted.includes(scenario.id)) await show(scenario)

async function show({ id, title, run }: Scenario): Promise<void> {
  const began = performance.now()
  say(`${id}  ${title}`)
  try {
    for (const { what, measured, criterion, holds } of await run()) {
      say(`  ${holds ? '      ' : 'BROKEN'}  ${what.padEnd(58)} ${measured.padStart(10)}   (${criterion})`)
      if (!holds) process.exitCode = 1
    }
  } catch (error) {
    // The others still say what they find.
    say(`  COULD NOT BE RUN  ${error instanceof Error ? error.stack : String(error)}`)
    process.exitCode = 1
  }
  say(`          took ${((performance.now() - began) / 1_000).toFixed(1)} s`)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
