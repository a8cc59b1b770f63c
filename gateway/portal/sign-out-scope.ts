import type { SignOutScope } from '#views/pages/sign-out-report.ts'
import type { LogoutReport } from '../logout/report.ts'

/** What a Logout has ended, as its page tells it. */
export function scopeOf(report: LogoutReport | undefined): SignOutScope {
  if (report?.cause === 'account-switched') return { kind: 'switched' }
  const [first] = report?.deliveries ?? []
  return report?.ssoSessions === 0 && first !== undefined
    ? { kind: 'app', appName: first.appName }
    : { kind: 'whole' }
}
