import type { Appearance } from '#views/appearance.ts'
import type { AccountStore } from '../accounts/store.ts'
import type { AppCheckCommand } from '../administration/app-check.ts'
import type { DeliveryCommands } from '../administration/deliveries.ts'
import type { SessionCommands } from '../administration/sessions.ts'
import type { AppRegistry } from '../apps/registry.ts'
import type { Ephemeral } from '../kernel/ephemeral.ts'
import type { HealthReports } from '../logout/health-report.ts'
import type { Receipts } from '../logout/receipt.ts'
import type { LogoutReports } from '../logout/report.ts'
import type { PagesDeps } from '../pages/pages.ts'
import type { SessionRegistry } from '../sessions/registry.ts'

/** Everything the operators' pages stand on. What changes something is a command of administration, which asks once more who may. */
export interface ConsoleDeps extends PagesDeps {
  readonly appearance: Appearance
  readonly sessions: PagesDeps['sessions'] & Pick<SessionRegistry, 'findLive'>
  readonly ephemeral: Ephemeral
  readonly accounts: Pick<AccountStore, 'find' | 'findByFoldedEmail'>
  readonly apps: Pick<AppRegistry, 'find' | 'list'>
  readonly reports: Pick<LogoutReports, 'find' | 'page' | 'deliveries'>
  readonly health: HealthReports
  readonly receipts: Receipts
  readonly sessionCommands: Pick<SessionCommands, 'countWhere' | 'endWhere'>
  readonly deliveries: DeliveryCommands
  readonly checkApp: AppCheckCommand
  /** Aborted when the process is about to stop: what would stay open ends. */
  readonly stopping: AbortSignal
}
