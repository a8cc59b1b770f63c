/**
 * Taking away an app's access while the person is away, and no session: what the door does not do.
 *
 * Owns: that every one that is revoked is written down in the same transaction. Relies on: TokenStore. Never: ends a session or tells
 * an app. It hears of it where it uses its refresh token next; its sessions are none of this.
 */
import type { AuditEvent } from '../audit/event.ts'
import type { AuditTrail } from '../audit/trail.ts'
import type { Transaction } from '../kernel/transaction.ts'
import type { OfflineCause } from '../sessions/cause.ts'
import type { OfflineAccess, RevokeOffline } from '../sessions/offline-access.ts'
import type { TokenStore } from '../sessions/store.ts'

export interface RevokeOfflineDeps {
  readonly tokens: Pick<TokenStore, 'revokeOffline'>
  readonly audit: Pick<AuditTrail, 'appendAll'>
  readonly transaction: Transaction
}

/** As many as the door ends at a time, for the same reason (DECISIONS 23). */
const revokedAtOnce = 200

/** Creates it. */
export function createRevokeOffline(deps: RevokeOfflineDeps): RevokeOffline {
  return async (selector, cause, actor) => {
    let revoked = 0
    for (;;) {
      const batch = await deps.transaction.run(
        async () => {
          const accesses = await deps.tokens.revokeOffline(selector, revokedAtOnce)
          if (accesses.length > 0) await deps.audit.appendAll(revokedEvents(accesses, cause), { actor })
          return accesses
        },
        { durable: true },
      )
      revoked += batch.length
      if (batch.length < revokedAtOnce) return revoked
    }
  }
}

/** One line each. */
export function revokedEvents(
  accesses: readonly OfflineAccess[],
  cause: OfflineCause,
): readonly AuditEvent[] {
  return accesses.map(({ accountId, appId }) => ({ type: 'offline-access.revoked', accountId, appId, cause }))
}
