import { type AppHealth, pendingCountedTo } from '../logout/health-report.ts'
import { timesAsText } from './say.ts'
import { instant, printable } from './terminal.ts'

/** How telling an app goes, in one line. Undefined: it was never told of a sign-out. */
export function healthInWords(health: AppHealth | undefined): string {
  if (health === undefined) return 'not told of any sign-out yet'
  const { state, failingSince, reason, probeAt, lastConfirmedAt, pending } = health
  const parts = [
    state === 'healthy' ? state : `${state} since ${instant(failingSince)}`,
    reason === undefined ? undefined : printable(reason),
    probeAt === undefined ? undefined : `asked again ${instant(probeAt)}`,
    lastConfirmedAt === undefined ? undefined : `last confirmed ${instant(lastConfirmedAt)}`,
    pending === 0 ? undefined : `${pending >= pendingCountedTo ? `${pending} or more` : pending} waiting`,
  ]
  return parts.filter((part) => part !== undefined).join(', ')
}

/** The same for `--json`. */
export function healthAsRecord({ failingSince, ...health }: AppHealth): Record<string, unknown> {
  const since = failingSince === undefined ? {} : { failingSince: new Date(failingSince).toISOString() }
  return { ...timesAsText(health), ...since }
}
