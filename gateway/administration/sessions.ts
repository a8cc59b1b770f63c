/**
 * What operators do to sessions.
 *
 * Relies on: the one door. Never: ends a session itself.
 */
import type { Clock } from '../kernel/clock.ts'
import { GatewayError } from '../kernel/errors.ts'
import type { AccountId, AppId, LogoutId, SsoSessionId } from '../kernel/ids.ts'
import type { Transaction } from '../kernel/transaction.ts'
import { giveWay } from '../kernel/turn.ts'
import { countSessions } from '../sessions/counts.ts'
import type { EndMany, EndResult, EndSession, SessionCounts, SessionWhere } from '../sessions/ending.ts'
import type { RevokeOffline } from '../sessions/offline-access.ts'
import type { SessionStore } from '../sessions/store.ts'
import { type PermissionDeps, requirePermission, type ScopedAdministrator } from './permission.ts'
import { requireReadable } from './session-where.ts'

export interface SessionCommandsDeps extends PermissionDeps {
  readonly sessions: Pick<SessionStore, 'find' | 'walk' | 'countApps' | 'endedBy' | 'appSessionsOf'>
  readonly endSession: EndSession
  readonly endMany: EndMany
  readonly revokeOffline: RevokeOffline
  readonly transaction: Transaction
  readonly clock: Clock
}

/** So many are settled before the command answers; of more it says that they follow. */
const settledAtOnce = 200

export interface SessionCommands {
  /** An empty result when it has ended already. Throws GatewayError `session_not_found` when there never was one. */
  end(id: SsoSessionId, by: ScopedAdministrator): Promise<EndResult>
  /** Every session of a person. Throws GatewayError `account_not_found`. */
  endOfAccount(accountId: AccountId, by: ScopedAdministrator): Promise<EndResult>
  /** A person's part, or everyone's, of one app: the SsoSessions live on. */
  endOfApp(appId: AppId, accountId: AccountId | undefined, by: ScopedAdministrator): Promise<EndResult>
  /** How much `endWhere` would end now, for who may end it. Throws GatewayError `input_invalid` for conditions that cannot be read. */
  countWhere(where: SessionWhere, by: ScopedAdministrator): Promise<SessionCounts>
  /**
   * Ends every session for which all conditions hold; without any, everyone's, that of whoever gives the command too. All of them have
   * ended when this answers. Of many it says `continues`: their records and their apps follow (DECISIONS 23).
   */
  endWhere(where: SessionWhere, by: ScopedAdministrator): Promise<EndResult>
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

  // Counted outside the transaction and in steps, so that nobody waits meanwhile.
  const count = (where: SessionWhere): Promise<SessionCounts> => {
    requireReadable(where)
    return countSessions(deps.sessions, where, deps.clock.now(), giveWay)
  }

  /** Nobody is signed in, and yet apps may hold access that outlived such sessions. */
  const revokeOnly = (where: SessionWhere, by: ScopedAdministrator): Promise<EndResult> =>
    command(by, async () => {
      const offlineAccesses = await deps.revokeOffline({ kind: 'where', where }, 'bulk', by)
      return {
        ssoSessionIds: [],
        appSessionIds: [],
        ...(offlineAccesses === 0 ? {} : { offlineAccesses }),
      }
    })

  const endedBy = async (logoutId: LogoutId): Promise<EndResult> => {
    const ssoSessionIds = (await deps.sessions.endedBy(logoutId)).map(({ id }) => id)
    const appSessionIds = (await deps.sessions.appSessionsOf(ssoSessionIds, 'any'))
      .filter(({ ended }) => ended?.logoutId === logoutId)
      .map(({ id }) => id)
    return { logoutId, ssoSessionIds, appSessionIds }
  }

  return {
    countWhere: async (where, by) => {
      await requirePermission(deps, by, 'sessions:end')
      return count(where)
    },

    endWhere: async (where, by) => {
      await requirePermission(deps, by, 'sessions:end')
      const counts = await count(where)
      if (counts.ssoSessions === 0) return revokeOnly(where, by)
      const logoutId = await deps.transaction.run(
        async () => {
          await requirePermission(deps, by, 'sessions:end')
          return deps.endMany.begin(where, counts, 'bulk', by)
        },
        { durable: true },
      )
      if (counts.ssoSessions > settledAtOnce)
        return { logoutId, ssoSessionIds: [], appSessionIds: [], continues: true }
      await deps.endMany.settle(logoutId)
      return endedBy(logoutId)
    },

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
