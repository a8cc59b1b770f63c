/**
 * `npm run test:crash -- N`: kills the gateway at N random points of a sign-out (default 200) and prints what became of it.
 */
import { randomInt } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { createSeededRandom } from '#test/support/seeded-random.ts'
import { appCount, type CrashResult, crashAt, type Ending, randomMoment, type Stage } from './point.ts'

/** A point mostly waits for leases of the dead process to run out, so more of them than there are processors do not disturb it. */
const perProcessor = 4

const endings: readonly Ending[] = ['page', 'journey', 'page', 'job', 'page']

const count = Number(process.argv[2] ?? 200)
if (!Number.isSafeInteger(count) || count < 1) {
  process.stderr.write('How many points? For example: npm run test:crash -- 50\n')
  process.exit(2)
}
const seed = Number(process.argv[3] ?? randomInt(1_000_000))
const began = performance.now()
say(`${count} random points of a sign-out that ${appCount} apps hear of, seed ${seed}`)

const results: CrashResult[] = []
/** Points that did not get as far as a result. */
const failures: string[] = []
let next = 0
const work = async (): Promise<void> => {
  while (next < count) {
    const random = createSeededRandom(`crash ${seed} ${next++}`)
    try {
      // Of five points three are of the page alone.
      const ending = endings[next % endings.length]
      results.push(await crashAt(randomMoment(random), random, ending))
    } catch (error) {
      // The others still say what they found.
      failures.push(error instanceof Error ? `${error.message} ${error.cause ?? ''}` : String(error))
    }
    const done = results.length + failures.length
    if (done % 10 === 0 || done === count) say(`  ${done} of ${count}`)
  }
}
await Promise.all(Array.from({ length: availableParallelism() * perProcessor }, work))
process.exitCode = report(results)

function report(all: readonly CrashResult[]): number {
  const stages: readonly Stage[] = [
    'before the end',
    'before the answer',
    'while telling apps',
    'when all were told',
  ]
  say('killed')
  for (const stage of stages)
    say(`  ${stage.padEnd(20)} ${all.filter((result) => result.stage === stage).length}`)
  const broken = all.flatMap((result) =>
    result.broken.map(
      (words) => `${result.ending}, ${result.moment.after} + ${result.moment.ms.toFixed(1)} ms: ${words}`,
    ),
  )
  const sum = (of: (result: CrashResult) => number): number =>
    all.reduce((total, result) => total + of(result), 0)
  const resumed = all.flatMap(({ resumedAfterMs }) => resumedAfterMs ?? []).sort((a, b) => a - b)
  say(`acknowledged ends      ${sum(({ acknowledged }) => Number(acknowledged))}`)
  say(`lost or broken         ${broken.length}`)
  say(`in flight at the kill  ${sum(({ inFlight }) => inFlight)}`)
  say(`told twice             ${sum(({ duplicates }) => duplicates)}`)
  say(
    `all told after restart ${seconds(resumed[Math.floor(resumed.length / 2)])} median, ${seconds(resumed.at(-1))} at most`,
  )
  say(`took                   ${seconds(performance.now() - began)}`)
  for (const words of broken) say(`BROKEN ${words}`)
  for (const words of failures) say(`COULD NOT BE RUN ${words}`)
  return broken.length === 0 && failures.length === 0 ? 0 : 1
}

function seconds(ms: number | undefined): string {
  return ms === undefined ? 'none' : `${(ms / 1_000).toFixed(1)} s`
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
