/**
 * `npm run bench -- logout`: from the acknowledged end of a session to the last of its apps, beside the bare cost of signing and posting as
 * many tokens, in one run, taking turns round by round.
 *
 * The gateway has stored by then whom it owes the news, claims it under leases, and books every answer with its line in the audit trail.
 */
import { cpus } from 'node:os'
import { type Child, startChild } from './child.ts'
import type { AppsQuestion } from './logout-apps.ts'
import type { Told } from './logout-told.ts'
import { median } from './median.ts'

const sizes = [100, 1_000]
const algs = ['ES256', 'RS256'] as const
/** Rounds with all apps before any that count: connections, compiled statements and the compiler of Node itself. */
const warmUp = 5

type Apps = Child<readonly string[], AppsQuestion, number>
type Contestant = Child<'ready', number, Told>

interface Round extends Told {
  /** From the acknowledged end to the last app. */
  readonly lastMs: number
}

async function measure(contestant: Contestant, apps: Apps, count: number): Promise<Round> {
  await apps.ask({ kind: 'count' })
  const told = await contestant.ask(count)
  const lastAt = await apps.ask({ kind: 'arrival', nth: count })
  return { ...told, lastMs: lastAt - told.acknowledgedAt }
}

/** Runs it and writes the table. */
export async function benchLogout(write: (line: string) => void, rounds: number): Promise<void> {
  await using apps = await startChild<readonly string[], AppsQuestion, number>('./logout-apps.ts', [
    String(Math.max(...sizes)),
  ])
  write(
    `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}, ${rounds} rounds after ${warmUp} to warm up`,
  )
  write('CPU ms per delivery, until its answer is written; ms from the acknowledged end to the last app')
  write(
    row('apps', [
      'bare ms',
      'ours ms',
      'ratio',
      'bare last',
      'ours last',
      'ratio',
      'bare /s',
      'ours /s',
      'end ms',
      'seal ms',
    ]),
  )
  for (const alg of algs) {
    const args = [alg, ...apps.ready]
    await using bare = await startChild<'ready', number, Told>('./logout-bare.ts', args)
    await using gateway = await startChild<'ready', number, Told>('./logout-gateway.ts', args)
    for (let round = 0; round < warmUp; round++)
      for (const contestant of [bare, gateway]) await measure(contestant, apps, Math.max(...sizes))
    for (const count of sizes) {
      const results = { bare: [] as Round[], gateway: [] as Round[] }
      for (let round = 0; round < rounds; round++) {
        for (const [who, contestant] of [
          ['bare', bare],
          ['gateway', gateway],
        ] as const) {
          results[who].push(await measure(contestant, apps, count))
        }
      }
      write(row(`${count}, ${alg}`, columns(results.bare, results.gateway, count)))
    }
  }
}

function columns(bare: readonly Round[], ours: readonly Round[], count: number): readonly string[] {
  const of = (rounds: readonly Round[], figure: (round: Round) => number): number =>
    median(rounds.map(figure))
  const ratio = (figure: (round: Round) => number): string =>
    `${median(ours.map((round, at) => figure(round) / figure(bare[at] as Round))).toFixed(2)} ×`
  const cpu = ({ tellingCpuMs }: Round): number => tellingCpuMs / count
  const last = ({ lastMs }: Round): number => lastMs
  const rate = ({ lastMs }: Round): number => (count * 1_000) / lastMs
  return [
    of(bare, cpu).toFixed(2),
    of(ours, cpu).toFixed(2),
    ratio(cpu),
    of(bare, last).toFixed(0),
    of(ours, last).toFixed(0),
    ratio(last),
    of(bare, rate).toFixed(0),
    of(ours, rate).toFixed(0),
    of(ours, ({ endingMs }) => endingMs).toFixed(1),
    (of(ours, ({ sealingCpuMs }) => sealingCpuMs) / count).toFixed(2),
  ]
}

function row(name: string, figures: readonly string[]): string {
  return `${name.padEnd(14)}${figures.map((figure) => figure.padStart(10)).join('')}`
}
