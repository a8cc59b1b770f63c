import type { SignOutScope } from '#views/pages/sign-out-report.ts'
import { type LogoutReport, type ReportRow, rowsOf } from '../logout/report.ts'

/** What a Logout has ended, as its page tells it. */
export function scopeOf(report: LogoutReport | undefined): SignOutScope {
  if (report?.cause === 'account-switched') return { kind: 'switched' }
  const [first] = report?.deliveries ?? []
  return report?.ssoSessions === 0 && first !== undefined
    ? { kind: 'app', appName: first.appName }
    : { kind: 'whole' }
}

/**
 * The apps that its page tells of. After a switch somebody else looks at it: what their browser loads they see anyway, and where else the
 * last person was is none of their business.
 */
export function shownOf(report: LogoutReport | undefined): readonly ReportRow[] {
  if (report === undefined) return []
  const rows = rowsOf(report)
  return report.cause === 'account-switched'
    ? rows.filter(({ channel }) => channel === 'front-channel')
    : rows
}
