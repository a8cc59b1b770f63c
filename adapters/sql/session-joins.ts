import type { SessionStore } from '#gateway/sessions/store.ts'
import type { SqlDatabase } from './open.ts'
import { toAppSession } from './session-rows.ts'
import { createStatement } from './statement.ts'

/** AppSessions: joined under a live SsoSession, found, used. */
export function createSessionJoins(
  database: SqlDatabase,
  tenant: string,
): Pick<
  SessionStore,
  'join' | 'findAppSession' | 'findAppSessionBySid' | 'appSessionsOf' | 'activeAt' | 'touchAppSession'
> {
  const selectApp = () => database.q().selectFrom('app_sessions').selectAll().where('tenant', '=', tenant)
  const updateApp = () => database.q().updateTable('app_sessions').where('tenant', '=', tenant)
  const holdLive = createStatement(database, (q, of: { id: string }) =>
    q
      .updateTable('sso_sessions')
      .set((column) => ({ last_seen_at: column.ref('last_seen_at') }))
      .where('tenant', '=', tenant)
      .where('id', '=', of.id)
      .where('ended_at', 'is', null)
      .returning('id')
      .compile(),
  )
  const findActiveAppSession = createStatement(database, (q, of: { ssoSessionId: string; appId: string }) =>
    q
      .selectFrom('app_sessions')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('sso_session_id', '=', of.ssoSessionId)
      .where('app_id', '=', of.appId)
      .where('ended_at', 'is', null)
      .compile(),
  )
  const insertAppSession = createStatement(
    database,
    (
      q,
      of: {
        id: string
        ssoSessionId: string
        accountId: string
        appId: string
        sid: string
        startedAt: number
        lastSeenAt: number
        checkAt: number | null
      },
    ) =>
      q
        .insertInto('app_sessions')
        .values({
          tenant,
          id: of.id,
          sso_session_id: of.ssoSessionId,
          account_id: of.accountId,
          app_id: of.appId,
          sid: of.sid,
          started_at: of.startedAt,
          last_seen_at: of.lastSeenAt,
          check_at: of.checkAt,
          ended_at: null,
          ended_cause: null,
          ended_actor: null,
          logout_id: null,
        })
        .onConflict((on) => on.doNothing())
        .compile(),
  )

  return {
    join: (wanted, checkAt) =>
      database.transaction.run(async () => {
        // The SsoSession row is written, not only read, so that on every engine a join and an end of it cannot both think they were first.
        const [live] = await holdLive({ id: wanted.ssoSessionId })
        if (live === undefined) return undefined
        const place = { ssoSessionId: wanted.ssoSessionId, appId: wanted.appId }
        const [known] = await findActiveAppSession(place)
        if (known !== undefined) return toAppSession(known)
        await insertAppSession({
          id: wanted.id,
          ssoSessionId: wanted.ssoSessionId,
          accountId: wanted.accountId,
          appId: wanted.appId,
          sid: wanted.sid,
          startedAt: wanted.startedAt,
          lastSeenAt: wanted.lastSeenAt,
          checkAt: checkAt ?? null,
        })
        const [row] = await findActiveAppSession(place)
        return row === undefined ? undefined : toAppSession(row)
      }),
    findAppSession: async (id) => {
      const row = await selectApp().where('id', '=', id).executeTakeFirst()
      return row === undefined ? undefined : toAppSession(row)
    },
    findAppSessionBySid: async (appId, sid) => {
      const row = await selectApp().where('app_id', '=', appId).where('sid', '=', sid).executeTakeFirst()
      return row === undefined ? undefined : toAppSession(row)
    },
    appSessionsOf: async (ids, state) => {
      if (ids.length === 0) return []
      let query = selectApp().where('sso_session_id', 'in', ids).orderBy('started_at').orderBy('id')
      if (state === 'active') query = query.where('ended_at', 'is', null)
      return (await query.execute()).map(toAppSession)
    },
    activeAt: async (appId, limit) => {
      const rows = await selectApp()
        .where('app_id', '=', appId)
        .where('ended_at', 'is', null)
        .orderBy('account_id')
        .limit(limit)
        .execute()
      return rows.map(toAppSession)
    },
    touchAppSession: async (id, at) => {
      await updateApp()
        .set({ last_seen_at: at })
        .where('id', '=', id)
        .where('ended_at', 'is', null)
        .where('last_seen_at', '<', at)
        .execute()
    },
  }
}
