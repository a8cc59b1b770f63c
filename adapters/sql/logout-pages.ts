import { type SelectQueryBuilder, type SqlBool, sql } from 'kysely'
import type { AppId, LogoutId } from '#gateway/kernel/ids.ts'
import type { Progress } from '#gateway/logout/delivery.ts'
import type { LogoutPageFilter, LogoutStore } from '#gateway/logout/store.ts'
import { toLogout } from './logout-rows.ts'
import type { SqlDatabase } from './open.ts'
import { fewOfAnApp, isAfter, maxLookedThrough, newestFirst, pageOf } from './paging.ts'
import type { Schema } from './schema.ts'

type Logouts = SelectQueryBuilder<Schema, 'logouts', object>

/** Long lists of Logouts, for whoever goes through all of them. Each page costs what it shows, however many are stored. */
export function createLogoutPages(
  database: SqlDatabase,
  tenant: string,
  lookedThrough = maxLookedThrough,
): Pick<LogoutStore, 'page' | 'countDeliveries'> {
  /** What an index answers in order: the account, else what is unsettled, else the time alone. */
  const inOrder = ({ accountId, unsettled, before }: LogoutPageFilter): Logouts => {
    let query: Logouts = database.q().selectFrom('logouts').where('tenant', '=', tenant)
    if (accountId !== undefined) query = query.where('account_id', '=', accountId)
    else if (unsettled === true) query = query.where('settled_at', 'is', null)
    return before === undefined ? query : query.where(isAfter(before))
  }

  /** Whether something is left that `inOrder` did not answer. */
  const leavesOver = ({ accountId, appId, unsettled }: LogoutPageFilter): boolean =>
    appId !== undefined || unsettled === false || (accountId !== undefined && unsettled !== undefined)

  const floorOf = async (filter: LogoutPageFilter): Promise<number | undefined> => {
    const row = await inOrder(filter)
      .select('started_at')
      .orderBy('started_at', 'desc')
      .limit(1)
      .offset(lookedThrough - 1)
      .executeTakeFirst()
    return row?.started_at
  }

  /** All Logouts of an app that few have to do with; undefined when they are many. */
  const fewOf = async (appId: AppId): Promise<readonly string[] | undefined> => {
    const rows = await database
      .q()
      .selectFrom('logout_deliveries')
      .select('logout_id')
      .where('tenant', '=', tenant)
      .where('app_id', '=', appId)
      .limit(fewOfAnApp + 1)
      .execute()
    return rows.length > fewOfAnApp ? undefined : [...new Set(rows.map((row) => row.logout_id))]
  }

  return {
    page: async (filter) => {
      const { appId, unsettled, limit } = filter
      const few = appId === undefined ? undefined : await fewOf(appId)
      if (few?.length === 0) return { items: [] }
      const floor = leavesOver(filter) && few === undefined ? await floorOf(filter) : undefined
      let query = inOrder(filter)
      if (floor !== undefined) query = query.where('started_at', '>=', floor)
      if (unsettled !== undefined) query = query.where('settled_at', unsettled ? 'is' : 'is not', null)
      if (few !== undefined) query = query.where('id', 'in', few)
      else if (appId !== undefined) {
        query =
          query.where(sql<SqlBool>`exists (select 1 from logout_deliveries where logout_deliveries.tenant = ${tenant}
                and logout_deliveries.app_id = ${appId} and logout_deliveries.logout_id = logouts.id)`)
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
      const page = pageOf(rows.map(toLogout), limit, floor)
      if (page.next === undefined) return { items: page.items }
      return { items: page.items, next: { ...page.next, id: page.next.id as LogoutId } }
    },

    countDeliveries: async (ids) => {
      if (ids.length === 0) return []
      const rows = await database
        .q()
        .selectFrom('logout_deliveries')
        .select(({ fn }) => [
          'logout_id',
          // Not the column alone, or SQLite goes through everything that is stored in the order of apps.
          sql<string>`app_id || ''`.as('app'),
          'state',
          // The attempt under way has no answer yet.
          sql<number>`attempts > (case when lease_by is null then 0 else 1 end) or (
            state = 'pending' and lease_by is null
            and app_id in (select app_id from app_health where tenant = ${tenant} and probe_at is not null)
          )`.as('answered'),
          fn.countAll<number>().as('count'),
        ])
        .where('tenant', '=', tenant)
        .where('logout_id', 'in', ids)
        .groupBy(['logout_id', 'app', 'state', 'answered'])
        .execute()
      return rows.map((row) => ({
        logoutId: row.logout_id as LogoutId,
        appId: row.app as AppId,
        state: row.state as Progress['state'],
        answered: Number(row.answered) === 1,
        count: Number(row.count),
      }))
    },
  }
}
