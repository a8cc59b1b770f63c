import { type SqlBool, sql } from 'kysely'
import type { LogoutId } from '#gateway/kernel/ids.ts'
import type { LogoutDelivery } from '#gateway/logout/delivery.ts'
import type { BookedAttempt, LogoutStore, RetrySelector } from '#gateway/logout/store.ts'
import { claimStatement } from './logout-claim.ts'
import {
  fromAttempt,
  fromDelivery,
  fromLogout,
  fromProgress,
  toAttempt,
  toDelivery,
  toLogout,
  toPendingDelivery,
} from './logout-rows.ts'
import type { SqlDatabase } from './open.ts'

/** Rows of one insert: 20 columns each, within the 32,766 parameters that SQLite takes. */
const rowsAtOnce = 500
/** A report shows no more than this; one Logout settles at most 200 sessions at a time. */
const maxRead = 1_000

/** LogoutStore on SQL. */
export function createSqlLogoutStore(database: SqlDatabase, tenant: string): LogoutStore {
  const selectLogouts = () => database.q().selectFrom('logouts').selectAll().where('tenant', '=', tenant)
  const selectDeliveries = () =>
    database.q().selectFrom('logout_deliveries').selectAll().where('tenant', '=', tenant)
  const updateDeliveries = () => database.q().updateTable('logout_deliveries').where('tenant', '=', tenant)
  const updateLogouts = (ids: readonly LogoutId[]) =>
    database.q().updateTable('logouts').where('tenant', '=', tenant).where('id', 'in', ids)

  /** True when this attempt is still the one the store knows of. */
  const writeProgress = async ({ claimed, next }: BookedAttempt): Promise<boolean> => {
    const { numUpdatedRows } = await updateDeliveries()
      .set(fromProgress(next.progress))
      .where('id', '=', claimed.id)
      .where('state', '=', 'pending')
      .where('lease_by', '=', claimed.progress.leaseBy ?? '')
      .where('attempts', '=', claimed.attempts)
      .executeTakeFirst()
    return numUpdatedRows > 0n
  }

  const settle = async (ids: readonly LogoutId[], now: number): Promise<void> => {
    if (ids.length === 0) return
    // Written once without a change, to hold the rows: of two processes that book the last two deliveries at once, the one that
    // comes second then sees both, and neither leaves the Logout open for ever.
    await updateLogouts(ids).set({ settled_at: null }).where('settled_at', 'is', null).execute()
    await updateLogouts(ids)
      .set({ settled_at: now })
      .where('settled_at', 'is', null)
      .where((of) =>
        of.not(
          of.exists(
            of
              .selectFrom('logout_deliveries as owed')
              .select('owed.id')
              .whereRef('owed.tenant', '=', 'logouts.tenant')
              .whereRef('owed.logout_id', '=', 'logouts.id')
              .where(sql<SqlBool>`owed.state = 'pending'`),
          ),
        ),
      )
      .execute()
  }

  /** Makes up to `limit` of the deliveries that `where` finds due now, and opens their Logouts again. */
  const reopen = async (
    where: ReturnType<typeof sql<SqlBool>>,
    selector: RetrySelector,
    of: { readonly now: number; readonly giveUpAt: number; readonly limit: number },
  ): Promise<number> => {
    const chosen = database
      .q()
      .selectFrom('logout_deliveries')
      .select('id')
      .where('tenant', '=', tenant)
      .where(where)
      .$if(selector.kind === 'app', (query) =>
        query.where('app_id', '=', selector.kind === 'app' ? selector.appId : ''),
      )
      .$if(selector.kind === 'delivery', (query) =>
        query.where('id', '=', selector.kind === 'delivery' ? selector.id : ''),
      )
      .limit(of.limit)
    const rows = await updateDeliveries()
      .set(fromProgress({ state: 'pending', dueAt: of.now, giveUpAt: of.giveUpAt, refusals: 0 }))
      .where('id', 'in', chosen)
      .where(where)
      .returning('logout_id')
      .execute()
    const logoutIds = [...new Set(rows.map((row) => row.logout_id as LogoutId))]
    if (logoutIds.length > 0) await updateLogouts(logoutIds).set({ settled_at: null }).execute()
    return rows.length
  }

  return {
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

    claim: async (of) => {
      const { rows } = await claimStatement({ tenant, ...of }).execute(database.q())
      return rows.map(toPendingDelivery)
    },

    renew: (claimed, leaseUntil) =>
      database.transaction.run(async () => {
        for (const { id, attempts, progress } of claimed) {
          await updateDeliveries()
            .set({ due_at: leaseUntil })
            .where('id', '=', id)
            .where('lease_by', '=', progress.leaseBy ?? '')
            .where('attempts', '=', attempts)
            .execute()
        }
      }),

    release: (claimed, dueAt) =>
      database.transaction.run(async () => {
        for (const { id, attempts, progress } of claimed) {
          await updateDeliveries()
            .set({ due_at: dueAt, lease_by: null })
            .where('id', '=', id)
            .where('lease_by', '=', progress.leaseBy ?? '')
            .where('attempts', '=', attempts)
            .execute()
        }
      }),

    book: (attempts, now) =>
      database.transaction.run(async () => {
        const booked: BookedAttempt[] = []
        for (const attempt of attempts) if (await writeProgress(attempt)) booked.push(attempt)
        const records = booked.flatMap(({ attempt }) =>
          attempt === undefined ? [] : [fromAttempt(tenant, attempt)],
        )
        if (records.length > 0) await database.q().insertInto('delivery_attempts').values(records).execute()
        await settle(logoutsSettledBy(booked), now)
        return booked.map(({ next }) => next)
      }),

    nextDueAfter: async (now) => {
      const row = await database
        .q()
        .selectFrom('logout_deliveries')
        .select((of) => of.fn.min('due_at').as('due_at'))
        .where('tenant', '=', tenant)
        .where(sql<SqlBool>`state = 'pending'`)
        .where('due_at', '>', now)
        .executeTakeFirst()
      return row?.due_at ?? undefined
    },

    retryNow: (selector, of) =>
      database.transaction.run(async () => {
        const waiting = sql<SqlBool>`state = 'pending' and due_at > ${of.now} and lease_by is null
          and give_up_at < ${of.giveUpAt}`
        const failed = sql<SqlBool>`state in ('refused', 'abandoned')`
        const first = await reopen(waiting, selector, of)
        if (first >= of.limit) return first
        return first + (await reopen(failed, selector, { ...of, limit: of.limit - first }))
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
      if (before !== undefined) {
        query = query.where((of) =>
          of.or([
            of('started_at', '<', before.startedAt),
            of.and([of('started_at', '=', before.startedAt), of('id', '<', before.id)]),
          ]),
        )
      }
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
        const owed = database
          .q()
          .selectFrom('logout_deliveries')
          .select('id')
          .where('tenant', '=', tenant)
          .where('logout_id', 'in', ids)
        // Children first: an attempt must never be left without what it was an attempt of.
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
          .where('logout_id', 'in', ids)
          .execute()
        await database.q().deleteFrom('logouts').where('tenant', '=', tenant).where('id', 'in', ids).execute()
        return ids.length
      }),
  }
}

function logoutsSettledBy(booked: readonly BookedAttempt[]): readonly LogoutId[] {
  const settled = booked.map(({ next }) => next).filter(({ progress }) => progress.state !== 'pending')
  return [...new Set(settled.map(({ logoutId }: LogoutDelivery) => logoutId))]
}
