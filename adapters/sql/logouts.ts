import { sql } from 'kysely'
import type { LogoutStore } from '#gateway/logout/store.ts'
import { createLogoutPages } from './logout-pages.ts'
import { createSqlLogoutQueue } from './logout-queue.ts'
import { fromDelivery, fromLogout, toAttempt, toDelivery, toLogout } from './logout-rows.ts'
import type { SqlDatabase } from './open.ts'
import { isAfter } from './paging.ts'

/** Rows of one insert: 20 columns each, within the 32,766 parameters that SQLite takes. */
const rowsAtOnce = 500
/** A report shows no more than this; one Logout settles at most 200 sessions at a time. */
const maxRead = 1_000
/** Deliveries deleted in one transaction: an end of everybody has hundreds of thousands, and every other writer waits. */
const deletedAtOnce = 1_000

/** LogoutStore on SQL. */
export function createSqlLogoutStore(database: SqlDatabase, tenant: string): LogoutStore {
  const selectLogouts = () => database.q().selectFrom('logouts').selectAll().where('tenant', '=', tenant)
  const selectDeliveries = () =>
    database.q().selectFrom('logout_deliveries').selectAll().where('tenant', '=', tenant)

  return {
    ...createSqlLogoutQueue(database, tenant),
    ...createLogoutPages(database, tenant),

    insert: (logout, deliveries) =>
      database.transaction.run(async () => {
        await database
          .q()
          .insertInto('logouts')
          .values(fromLogout(tenant, logout))
          .onConflict((on) =>
            on.columns(['tenant', 'id']).doUpdateSet((of) => ({
              sso_sessions: of('logouts.sso_sessions', '+', of.ref('excluded.sso_sessions')),
              app_sessions: of('logouts.app_sessions', '+', of.ref('excluded.app_sessions')),
              not_wanted: of('logouts.not_wanted', '+', of.ref('excluded.not_wanted')),
              account_id: sql<
                string | null
              >`case when logouts.account_id = excluded.account_id then logouts.account_id end`,
              settled_at: sql<
                number | null
              >`case when excluded.settled_at is null then null else logouts.settled_at end`,
            })),
          )
          .execute()
        for (let from = 0; from < deliveries.length; from += rowsAtOnce) {
          await database
            .q()
            .insertInto('logout_deliveries')
            .values(
              deliveries.slice(from, from + rowsAtOnce).map((delivery) => fromDelivery(tenant, delivery)),
            )
            .execute()
        }
      }),

    find: async (id) => {
      const row = await selectLogouts().where('id', '=', id).executeTakeFirst()
      return row === undefined ? undefined : toLogout(row)
    },

    findDelivery: async (id) => {
      const row = await selectDeliveries().where('id', '=', id).executeTakeFirst()
      return row === undefined ? undefined : toDelivery(row)
    },

    list: async ({ accountId, unsettled, limit, before }) => {
      let query = selectLogouts().orderBy('started_at', 'desc').orderBy('id', 'desc').limit(limit)
      if (accountId !== undefined) query = query.where('account_id', '=', accountId)
      if (unsettled === true) query = query.where('settled_at', 'is', null)
      if (before !== undefined) query = query.where(isAfter(before))
      return (await query.execute()).map(toLogout)
    },

    deliveriesOf: async (ids) => {
      if (ids.length === 0) return []
      const rows = await selectDeliveries()
        .where('logout_id', 'in', ids)
        .orderBy('created_at')
        .orderBy('app_id')
        .orderBy('id')
        .limit(maxRead)
        .execute()
      return rows.map(toDelivery)
    },

    deliveriesAfter: async (id, after, limit) => {
      const rows = await selectDeliveries()
        .where('logout_id', '=', id)
        .where('id', '>', after ?? '')
        .orderBy('id')
        .limit(Math.min(limit, maxRead))
        .execute()
      return rows.map(toDelivery)
    },

    unconfirmedOf: async (id, limit) => {
      const rows = await selectDeliveries()
        .where('logout_id', '=', id)
        .where('state', '!=', 'delivered')
        .limit(limit)
        .execute()
      return rows.map(toDelivery)
    },

    attemptsOf: async (ids) => {
      if (ids.length === 0) return []
      const rows = await database
        .q()
        .selectFrom('delivery_attempts')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('delivery_id', 'in', ids)
        .orderBy('started_at', 'desc')
        .orderBy('number', 'desc')
        .limit(maxRead)
        .execute()
      return rows.reverse().map(toAttempt)
    },

    deleteSettled: (settledBefore, limit) =>
      database.transaction.run(async () => {
        const rows = await database
          .q()
          .selectFrom('logouts')
          .select('id')
          .where('tenant', '=', tenant)
          .where('settled_at', '<', settledBefore)
          .orderBy('settled_at')
          .limit(limit)
          .execute()
        const ids = rows.map(({ id }) => id)
        if (ids.length === 0) return 0
        const owed = (
          await database
            .q()
            .selectFrom('logout_deliveries')
            .select('id')
            .where('tenant', '=', tenant)
            .where('logout_id', 'in', ids)
            .limit(deletedAtOnce)
            .execute()
        ).map((row) => row.id)
        // Children first: an attempt must never be left without what it was an attempt of.
        if (owed.length > 0) {
          await database
            .q()
            .deleteFrom('delivery_attempts')
            .where('tenant', '=', tenant)
            .where('delivery_id', 'in', owed)
            .execute()
          await database
            .q()
            .deleteFrom('logout_deliveries')
            .where('tenant', '=', tenant)
            .where('id', 'in', owed)
            .execute()
        }
        if (owed.length === deletedAtOnce) return limit
        await database
          .q()
          .deleteFrom('end_jobs')
          .where('tenant', '=', tenant)
          .where('logout_id', 'in', ids)
          .execute()
        await database.q().deleteFrom('logouts').where('tenant', '=', tenant).where('id', 'in', ids).execute()
        return ids.length
      }),
  }
}
