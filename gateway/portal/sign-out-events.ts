/** The sign-out page while apps answer: events, each the whole report in words. */
import type { Context } from 'koa'
import { signOutReport } from '#views/pages/sign-out-report.ts'
import { createEventStreams } from '../http/event-stream.ts'
import { minuteMs } from '../kernel/clock.ts'
import type { LogoutId } from '../kernel/ids.ts'
import type { PortalDeps } from './deps.ts'
import { scopeOf, shownOf } from './sign-out-scope.ts'

/** By then every app has been asked seven times or so; what is left takes hours, and the page is reloaded by whoever still cares. */
const watchMs = 10 * minuteMs

/** Answers a request for the events of a Logout that the caller may see. */
export function streamReports(
  deps: Pick<PortalDeps, 'reports' | 'clock' | 'stopping'>,
): (ctx: Context, id: LogoutId) => Promise<void> {
  const stream = createEventStreams(deps)
  return (ctx, id) => {
    const openedAt = deps.clock.now()
    return stream(ctx, id, async () => {
      const found = await deps.reports.find(id)
      if (found === undefined || openedAt - found.startedAt > watchMs) return undefined
      const report = signOutReport(shownOf(found), deps.clock.now(), scopeOf(found))
      return { report, settled: report.settled }
    })
  }
}
