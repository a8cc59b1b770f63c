import type { Core } from '../compose-core.ts'
import type { EndResult } from '../sessions/ending.ts'
import type { Terminal } from './terminal.ts'

/** Says what a command ended and where to see whether every app has heard of it. */
export function sayEnded(terminal: Terminal, ended: EndResult): void {
  if (ended.offlineAccesses !== undefined) {
    const accesses = counted(ended.offlineAccesses, 'access', 'accesses')
    terminal.line(`Revoked ${accesses} that apps had while the person was away.`)
  }
  if (ended.logoutId === undefined) {
    terminal.line('No session was active.')
    return
  }
  if (ended.continues !== true) {
    const sessions = counted(ended.ssoSessionIds.length, 'session')
    const apps = counted(ended.appSessionIds.length, 'session')
    terminal.line(`Ended ${sessions} at the gateway and ${apps} at apps.`)
  }
  terminal.line(`Who has been told: gatehouse logout show ${ended.logoutId}`)
}

/**
 * The same, after what a command has begun to end is settled: beside a running server this helps it, and without one nobody else would.
 * All of them have ended already; until they are marked, the record does not say so of each.
 */
export async function settleAndSay(
  terminal: Terminal,
  gateway: Pick<Core, 'endingJobs'>,
  ended: EndResult,
): Promise<void> {
  if (ended.continues === true && ended.logoutId !== undefined) {
    terminal.line('All of them have ended. Now each is marked, and what its apps are owed is written down:')
    let said = 0
    await gateway.endingJobs.settle(ended.logoutId, ({ found, ended: marked, finishedAt }) => {
      if (finishedAt === undefined && marked - said < sayEvery) return
      said = marked
      terminal.line(
        finishedAt === undefined
          ? `  ${grouped(marked)} of about ${grouped(Math.max(found, marked))}`
          : `  ${grouped(marked)}, and that is all`,
      )
    })
  }
  sayEnded(terminal, ended)
}

/** A line of progress for each so many sessions. */
const sayEvery = 1_000

/** `12,400`, the same in every language. */
export function grouped(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ',')
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

/** Times of a record as JSON shows them: ISO 8601, under the same names. */
export function timesAsText(record: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [
      name,
      /At$/.test(name) && typeof value === 'number' ? new Date(value).toISOString() : value,
    ]),
  )
}

/** `name: value` lines, the names padded to one column. */
export function sayFields(
  terminal: Terminal,
  fields: readonly (readonly [name: string, value: string | undefined])[],
): void {
  const shown = fields.filter((field): field is readonly [string, string] => field[1] !== undefined)
  const width = Math.max(...shown.map(([name]) => name.length)) + 2
  for (const [name, value] of shown) terminal.line(`${name.padEnd(width)}${value}`)
}
