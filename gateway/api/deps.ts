import type { AccountStore } from '../accounts/store.ts'
import type { ApiKeyCommands } from '../administration/api-keys.ts'
import type { AppCheckCommand } from '../administration/app-check.ts'
import type { DeliveryCommands } from '../administration/deliveries.ts'
import type { SessionCommands } from '../administration/sessions.ts'
import type { AppRegistry } from '../apps/registry.ts'
import type { SessionReader } from '../http/session.ts'
import type { Clock } from '../kernel/clock.ts'
import type { HealthReports } from '../logout/health-report.ts'
import type { Receipts } from '../logout/receipt.ts'
import type { LogoutReports } from '../logout/report.ts'
import type { LifetimePolicy } from '../sessions/lifetime.ts'
import type { SsoSession } from '../sessions/sso-session.ts'
import type { SessionStore } from '../sessions/store.ts'

/** Everything the API stands on. Nothing here writes but commands, which ask once more who may. */
export interface ApiDeps {
  readonly issuer: string
  /** Name of the session's cookie, for the document that describes the API. */
  readonly sessionCookie: string
  readonly clock: Clock
  readonly sessionOf: SessionReader<SsoSession>
  readonly policy: LifetimePolicy
  readonly sessionStore: Pick<SessionStore, 'find' | 'page' | 'countAppSessions' | 'appSessionsOf'>
  readonly accounts: Pick<AccountStore, 'find' | 'findByFoldedEmail'>
  readonly apps: Pick<AppRegistry, 'find'>
  readonly reports: Pick<LogoutReports, 'find' | 'page'>
  readonly receipts: Receipts
  readonly appHealth: HealthReports
  readonly commands: {
    readonly sessions: Pick<SessionCommands, 'end' | 'countWhere' | 'endWhere'>
    readonly deliveries: DeliveryCommands
    readonly apiKeys: Pick<ApiKeyCommands, 'authenticate'>
    readonly checkApp: AppCheckCommand
  }
}
