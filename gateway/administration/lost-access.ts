import type { Account } from '../accounts/account.ts'
import { isOpenTo } from '../apps/app.ts'
import type { AppRegistry } from '../apps/registry.ts'
import type { Actor } from '../sessions/cause.ts'
import type { EndSession } from '../sessions/ending.ts'

/**
 * Ends a person's AppSessions at apps that were open to their groups before a change and are not open to them after it.
 * Their SsoSession lives on.
 */
export async function endLostAccess(
  deps: { readonly apps: Pick<AppRegistry, 'list'>; readonly endSession: EndSession },
  before: Account,
  after: Account,
  by: Actor,
): Promise<void> {
  for (const app of deps.apps.list()) {
    if (!isOpenTo(app, before.groups) || isOpenTo(app, after.groups)) continue
    await deps.endSession({ kind: 'app', appId: app.id, accountId: after.id }, 'access-removed', by)
  }
}
