import { dayMs } from '#gateway/kernel/clock.ts'
import type { SessionStore } from '#gateway/sessions/store.ts'
import type { SqlDatabase } from './open.ts'
import { toAppSession, toSsoSession } from './session-rows.ts'

/** What may have run out, and what is old enough to forget. */
export function createSessionSweeping(
  database: SqlDatabase,
  tenant: string,
): Pick<
  SessionStore,
  'due' | 'recheckSsoSession' | 'recheckAppSession' | 'bringForward' | 'bringAppForward' | 'deleteEnded'
> {
  const selectSso = () =>
    database
      .q()
      .selectFrom('sso_sessions')
      .selectAll('sso_sessions')
      .where('sso_sessions.tenant', '=', tenant)
  const selectApp = () => database.q().selectFrom('app_sessions').selectAll().where('tenant', '=', tenant)
  const updateSso = () => database.q().updateTable('sso_sessions').where('tenant', '=', tenant)
  const updateApp = () => database.q().updateTable('app_sessions').where('tenant', '=', tenant)

  /** Which of these ended sessions an app's offline access came of. */
  const neededOf = async (ids: readonly string[]): Promise<readonly string[]> =>
    (
      await database
        .q()
        .selectFrom('offline_accesses')
        .select('sso_session_id')
        .distinct()
        .where('tenant', '=', tenant)
        .where('sso_session_id', 'in', ids)
        .execute()
    ).map((row) => row.sso_session_id)

  const forget = async (ids: readonly string[]): Promise<void> => {
    if (ids.length === 0) return
    // Children first: a row must never point at a session that is gone.
    for (const table of ['session_credentials', 'session_secrets', 'app_sessions'] as const) {
      await database
        .q()
        .deleteFrom(table)
        .where('tenant', '=', tenant)
        .where('sso_session_id', 'in', ids)
        .execute()
    }
    await database
      .q()
      .deleteFrom('sso_sessions')
      .where('tenant', '=', tenant)
      .where('id', 'in', ids)
      .execute()
  }

  return {
    due: async (now, limit) => {
      const sso = await selectSso()
        .where('ended_at', 'is', null)
        .where('check_at', '<=', now)
        .orderBy('check_at')
        .limit(limit)
        .execute()
      const apps = await selectApp()
        .where('ended_at', 'is', null)
        .where('check_at', '<=', now)
        .orderBy('check_at')
        .limit(limit)
        .execute()
      return { ssoSessions: sso.map(toSsoSession), appSessions: apps.map(toAppSession) }
    },
    recheckSsoSession: async (id, checkAt) => {
      await updateSso()
        .set({ check_at: checkAt })
        .where('id', '=', id)
        .where('ended_at', 'is', null)
        .execute()
    },
    recheckAppSession: async (id, checkAt) => {
      await updateApp()
        .set({ check_at: checkAt })
        .where('id', '=', id)
        .where('ended_at', 'is', null)
        .execute()
    },
    bringForward: async (latest, now, limit) => {
      const { numUpdatedRows } = await updateSso()
        .set({ check_at: now })
        .where('id', 'in', (of) =>
          of
            .selectFrom('sso_sessions')
            .select('id')
            .where('tenant', '=', tenant)
            .where('ended_at', 'is', null)
            .where('check_at', '>', latest)
            .limit(limit),
        )
        .executeTakeFirst()
      return Number(numUpdatedRows)
    },

    bringAppForward: async (appId, latest, now, limit) => {
      const { numUpdatedRows } = await updateApp()
        .set({ check_at: now })
        .where('id', 'in', (of) =>
          of
            .selectFrom('app_sessions')
            .select('id')
            .where('tenant', '=', tenant)
            .where('app_id', '=', appId)
            .where('ended_at', 'is', null)
            .where((column) => column.or([column('check_at', 'is', null), column('check_at', '>', latest)]))
            .limit(limit),
        )
        .executeTakeFirst()
      return Number(numUpdatedRows)
    },

    deleteEnded: (endedBefore, limit, now) =>
      database.transaction.run(async () => {
        const old = () =>
          database.q().selectFrom('sso_sessions').select('id').where('tenant', '=', tenant).limit(limit)
        const rows = await old()
          .where('ended_at', '<', endedBefore)
          .where('kept_until', 'is', null)
          .orderBy('ended_at')
          .execute()
        const kept = await old().where('kept_until', '<=', now).orderBy('kept_until').execute()
        const seen = [...rows, ...kept].map(({ id }) => id)
        if (seen.length === 0) return 0
        const needed = await neededOf(seen)
        if (needed.length > 0)
          await updateSso()
            .set({ kept_until: now + dayMs })
            .where('id', 'in', needed)
            .execute()
        await forget(seen.filter((id) => !needed.includes(id)))
        return Math.max(rows.length, kept.length)
      }),
  }
}
