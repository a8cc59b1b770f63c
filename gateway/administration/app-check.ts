/**
 * What operators learn about how an app takes logout tokens.
 *
 * Owns: who may check, that a check is written down, and that few run at a time. Relies on: the check itself, whatever the protocol.
 * Never: holds a transaction while it talks to an app.
 */
import type { AppendAudit } from '../audit/event.ts'
import { GatewayError } from '../kernel/errors.ts'
import type { AppId } from '../kernel/ids.ts'
import type { Transaction } from '../kernel/transaction.ts'
import type { AppCheck, AppCheckReport } from '../logout/app-check.ts'
import { type PermissionDeps, requirePermission, type ScopedAdministrator } from './permission.ts'

export interface AppCheckCommandDeps extends PermissionDeps {
  readonly checkApp: AppCheck
  readonly transaction: Transaction
  readonly audit: AppendAudit
}

/** Throws GatewayError `app_not_found`, what `requirePermission` throws, or `busy` while the app is being checked. */
export type AppCheckCommand = (appId: AppId, by: ScopedAdministrator) => Promise<AppCheckReport>

/** A check may take a minute and holds a connection: more at once would be a load test of other people's apps. */
const maxAtOnce = 4

/** Creates the command. */
export function createAppCheckCommand(deps: AppCheckCommandDeps): AppCheckCommand {
  const running = new Set<AppId>()
  return async (appId, by) => {
    await deps.transaction.run(() => requirePermission(deps, by, 'apps:check'))
    if (running.has(appId) || running.size >= maxAtOnce) {
      throw new GatewayError('busy', 'A check is running already. Repeat this in a minute.')
    }
    running.add(appId)
    try {
      const report = await deps.checkApp(appId)
      const failed = report.cases.filter(({ verdict }) => verdict === 'failed').map(({ id }) => id)
      await deps.transaction.run(() =>
        deps.audit({ type: 'app.checked', appId, outcome: report.outcome, failed }, { actor: by }),
      )
      return report
    } finally {
      running.delete(appId)
    }
  }
}
