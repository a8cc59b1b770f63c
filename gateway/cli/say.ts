import type { EndResult } from '../sessions/ending.ts'
import type { Terminal } from './terminal.ts'

/** Says what a command ended and where to see whether every app has heard of it. */
export function sayEnded(terminal: Terminal, ended: EndResult): void {
  if (ended.offlineAccesses !== undefined) {
    const accesses = counted(ended.offlineAccesses, 'app access', 'app accesses')
    terminal.line(`Revoked ${accesses} that would have outlived a sign-out.`)
  }
  if (ended.logoutId === undefined) {
    terminal.line('No session was active.')
    return
  }
  const sessions = counted(ended.ssoSessionIds.length, 'session')
  const apps = counted(ended.appSessionIds.length, 'session')
  terminal.line(`Ended ${sessions} at the gateway and ${apps} at apps.`)
  terminal.line(`Who has been told: gatehouse logout show ${ended.logoutId}`)
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
