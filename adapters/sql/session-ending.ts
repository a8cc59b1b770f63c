import type { SsoSessionId } from '#gateway/kernel/ids.ts'
import type { SessionStore } from '#gateway/sessions/store.ts'
import type { SqlDatabase } from './open.ts'
import { toAppSession, toSsoSession } from './session-rows.ts'
import { endsWholeSessions, selectsApps, selectsSso } from './session-selection.ts'

/** One transaction of the door settles at most this many SsoSessions, so that no other writer waits long (DECISIONS 23). */
export const maxEndedAtOnce = 200

/** Ending: the only statements that write `ended_at` (invariant 1). */
export function createSessionEnding(database: SqlDatabase, tenant: string): Pick<SessionStore, 'markEnded'> {
  const selectSso = () =>
    database
      .q()
      .selectFrom('sso_sessions')
      .selectAll('sso_sessions')
      .where('sso_sessions.tenant', '=', tenant)
  const updateSso = () => database.q().updateTable('sso_sessions').where('tenant', '=', tenant)
  const updateApp = () => database.q().updateTable('app_sessions').where('tenant', '=', tenant)

  return {
    markEnded: (selector, ending, startedBy) =>
      database.transaction.run(async () => {
        const ended = {
          ended_at: ending.at,
          ended_cause: ending.cause,
          ended_actor: JSON.stringify(ending.actor),
          logout_id: ending.logoutId,
        }
        const ssoIds = endsWholeSessions(selector)
          ? (
              await updateSso()
                .set(ended)
                .where('id', 'in', (of) =>
                  of
                    .selectFrom('sso_sessions')
                    .select('id')
                    .where('tenant', '=', tenant)
                    .where('ended_at', 'is', null)
                    .where((chosen) => selectsSso(chosen, tenant, selector))
                    .$if(startedBy !== undefined, (query) => query.where('started_at', '<=', startedBy ?? 0))
                    .limit(maxEndedAtOnce),
                )
                .where('ended_at', 'is', null)
                .returning('id')
                .execute()
            ).map(({ id }) => id as SsoSessionId)
          : []
        const apps = endsWholeSessions(selector)
          ? ssoIds.length === 0
            ? []
            : await updateApp()
                .set(ended)
                .where('sso_session_id', 'in', ssoIds)
                .where('ended_at', 'is', null)
                .returningAll()
                .execute()
          : await updateApp()
              .set(ended)
              .where('ended_at', 'is', null)
              .where('id', 'in', (of) =>
                of
                  .selectFrom('app_sessions')
                  .select('id')
                  .where('tenant', '=', tenant)
                  .where('ended_at', 'is', null)
                  .where((chosen) => selectsApps(chosen, selector))
                  .$if(startedBy !== undefined, (query) => query.where('started_at', '<=', startedBy ?? 0))
                  .limit(maxEndedAtOnce),
              )
              .returningAll()
              .execute()
        const sessions = ssoIds.length === 0 ? [] : await selectSso().where('id', 'in', ssoIds).execute()
        return { ssoSessions: sessions.map(toSsoSession), appSessions: apps.map(toAppSession) }
      }),
  }
}
