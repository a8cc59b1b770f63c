/**
 * What operators do to sessions.
 *
 * Relies on: the one door. Never: ends a session itself.
 */
import { GatewayError } from '../kernel/errors.ts'
import type { AccountId, AppId, SsoSessionId } from '../kernel/ids.ts'
import type { Transaction } from '../kernel/transaction.ts'
import type { EndResult, EndSession } from '../sessions/ending.ts'
import type { SessionStore } from '../sessions/store.ts'
import { type PermissionDeps, requirePermission, type ScopedAdministrator } from './permission.ts'

export interface SessionCommandsDeps extends PermissionDeps {
  readonly sessions: Pick<SessionStore, 'find'>
  readonly endSession: EndSession
  readonly transaction: Transaction
}

export interface SessionCommands {
  /** An empty result when it has ended already. Throws GatewayError `session_not_found` when there never was one. */
  end(id: SsoSessionId, by: ScopedAdministrator): Promise<EndResult>
  /** Every session of a person. Throws GatewayError `account_not_found`. */
  endOfAccount(accountId: AccountId, by: ScopedAdministrator): Promise<EndResult>
  /** A person's part, or everyone's, of one app: the SsoSessions live on. */
  endOfApp(appId: AppId, accountId: AccountId | undefined, by: ScopedAdministrator): Promise<EndResult>
}

/** Creates the commands. */
export function createSessionCommands(deps: SessionCommandsDeps): SessionCommands {
  const command = (by: ScopedAdministrator, work: () => Promise<EndResult>): Promise<EndResult> =>
    deps.transaction.run(
      async () => {
        await requirePermission(deps, by, 'sessions:end')
        return work()
      },
      { durable: true },
    )

  return {
    end: (id, by) =>
      command(by, async () => {
        if ((await deps.sessions.find(id)) === undefined) {
          throw new GatewayError('session_not_found', 'There is no such session.')
        }
        return deps.endSession({ kind: 'sso-sessions', ids: [id] }, 'admin', by)
      }),

    endOfAccount: (accountId, by) =>
      command(by, async () => {
        if ((await deps.accounts.find(accountId)) === undefined) {
          throw new GatewayError('account_not_found', 'There is no such account.')
        }
        return deps.endSession({ kind: 'account', accountId }, 'admin', by)
      }),

    endOfApp: (appId, accountId, by) =>
      command(by, () =>
        deps.endSession(
          { kind: 'app', appId, ...(accountId === undefined ? {} : { accountId }) },
          'admin',
          by,
        ),
      ),
  }
}
