import { type SelectQueryBuilder, type SqlBool, sql } from 'kysely'
import type { AppId, SsoSessionId } from '#gateway/kernel/ids.ts'
import type { SessionPageFilter, SessionStore } from '#gateway/sessions/store.ts'
import type { SqlDatabase } from './open.ts'
import { fewOfAnApp, isAfter, maxLookedThrough, newestFirst, pageOf } from './paging.ts'
import type { Schema } from './schema.ts'
import { toSsoSession } from './session-rows.ts'

type Sessions = SelectQueryBuilder<Schema, 'sso_sessions', object>

/** Long lists of sessions, for whoever goes through all of them. Each page costs what it shows, however many are stored. */
export function createSessionPages(
  database: SqlDatabase,
  tenant: string,
  lookedThrough = maxLookedThrough,
): Pick<SessionStore, 'page' | 'countAppSessions'> {
  /** What an index answers in order: the account, else the address, else who is active, else the time alone. */
  const inOrder = ({ accountId, address, state, before }: SessionPageFilter): Sessions => {
    let query: Sessions = database.q().selectFrom('sso_sessions').where('tenant', '=', tenant)
    if (accountId !== undefined) query = query.where('account_id', '=', accountId)
    else if (address !== undefined) query = query.where('address', '=', address)
    else if (state === 'active') query = query.where('ended_at', 'is', null)
    return before === undefined ? query : query.where(isAfter(before))
  }

  /** Whether something is left that `inOrder` did not answer. */
  const leavesOver = ({ accountId, address, appId, state }: SessionPageFilter): boolean =>
    appId !== undefined ||
    (accountId !== undefined && (address !== undefined || state !== undefined)) ||
    (address !== undefined && state !== undefined) ||
    state === 'ended'

  const floorOf = async (filter: SessionPageFilter): Promise<number | undefined> => {
    const row = await inOrder(filter)
      .select('started_at')
      .orderBy('started_at', 'desc')
      .limit(1)
      .offset(lookedThrough - 1)
      .executeTakeFirst()
    return row?.started_at
  }

  /** All sessions of an app that few have to do with; undefined when they are many. */
  const fewOf = async (appId: AppId): Promise<readonly string[] | undefined> => {
    const rows = await database
      .q()
      .selectFrom('app_sessions')
      .select('sso_session_id')
      .where('tenant', '=', tenant)
      .where('app_id', '=', appId)
      .limit(fewOfAnApp + 1)
      .execute()
    return rows.length > fewOfAnApp ? undefined : [...new Set(rows.map((row) => row.sso_session_id))]
  }

  return {
    page: async (filter) => {
      const { accountId, address, appId, state, limit } = filter
      const few = appId === undefined ? undefined : await fewOf(appId)
      if (few?.length === 0) return { items: [] }
      const floor = leavesOver(filter) && few === undefined ? await floorOf(filter) : undefined
      let query = inOrder(filter)
      if (floor !== undefined) query = query.where('started_at', '>=', floor)
      if (accountId !== undefined && address !== undefined) query = query.where('address', '=', address)
      if (state !== undefined) query = query.where('ended_at', state === 'active' ? 'is' : 'is not', null)
      if (few !== undefined) query = query.where('id', 'in', few)
      else if (appId !== undefined) {
        // By its SsoSession, of which each has a few: by the app's column alone, SQLite would go through all that the app ever had.
        query =
          query.where(sql<SqlBool>`exists (select 1 from app_sessions where app_sessions.tenant = ${tenant}
                and app_sessions.sso_session_id = sso_sessions.id and app_sessions.app_id || '' = ${appId})`)
      }
      const all = query.selectAll()
      // The few are found by their keys; asked to sort them, SQLite would go through everything in order of time instead.
      const rows =
        few === undefined
          ? await all
              .orderBy('started_at', 'desc')
              .orderBy('id', 'desc')
              .limit(limit + 1)
              .execute()
          : newestFirst(await all.execute()).slice(0, limit + 1)
      const page = pageOf(rows.map(toSsoSession), limit, floor)
      if (page.next === undefined) return { items: page.items }
      return { items: page.items, next: { ...page.next, id: page.next.id as SsoSessionId } }
    },

    countAppSessions: async (ids) => {
      if (ids.length === 0) return new Map()
      const rows = await database
        .q()
        .selectFrom('app_sessions')
        .select(({ fn }) => [
          'sso_session_id',
          fn.countAll<number>().as('all'),
          sql<number>`sum(case when ended_at is null then 1 else 0 end)`.as('active'),
        ])
        .where('tenant', '=', tenant)
        .where('sso_session_id', 'in', ids)
        .groupBy('sso_session_id')
        .execute()
      return new Map(
        rows.map((row) => [
          row.sso_session_id as SsoSessionId,
          { all: Number(row.all), active: Number(row.active) },
        ]),
      )
    },
  }
}
