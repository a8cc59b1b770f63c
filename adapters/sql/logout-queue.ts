/**
 * Deliveries as a queue: claimed under leases, booked against them, and asked again by hand.
 *
 * Every write here names the lease and the attempt it was made under, so whoever comes too late changes nothing.
 */
import { type SqlBool, sql } from 'kysely'
import type { LogoutId } from '#gateway/kernel/ids.ts'
import type { LogoutDelivery } from '#gateway/logout/delivery.ts'
import type { BookedAttempt, LogoutStore, RetrySelector } from '#gateway/logout/store.ts'
import { dueFirst } from './logout-claim.ts'
import { createSqlLogoutClaims } from './logout-claims.ts'
import { fromAttempt, fromProgress, toDelivery } from './logout-rows.ts'
import { settleLogouts } from './logout-settle.ts'
import type { SqlDatabase } from './open.ts'

type Queue = Pick<
  LogoutStore,
  | 'claim'
  | 'renew'
  | 'release'
  | 'book'
  | 'markSent'
  | 'giveUpCarried'
  | 'hasten'
  | 'abandonOverdue'
  | 'countPending'
  | 'nextDueAfter'
  | 'retryNow'
>

/** The part of LogoutStore that the dispatcher works with. */
export function createSqlLogoutQueue(database: SqlDatabase, tenant: string): Queue {
  const updateDeliveries = () => database.q().updateTable('logout_deliveries').where('tenant', '=', tenant)
  const updateLogouts = (ids: readonly LogoutId[]) =>
    database.q().updateTable('logouts').where('tenant', '=', tenant).where('id', 'in', ids)

  /** Writes one outcome that several deliveries share. Returns those whose attempt is still the one the store knows of. */
  const writeProgress = async (alike: readonly BookedAttempt[]): Promise<readonly BookedAttempt[]> => {
    const [first] = alike
    if (first === undefined) return []
    const rows = await updateDeliveries()
      .set(fromProgress(first.next.progress))
      .where(
        'id',
        'in',
        alike.map(({ claimed }) => claimed.id),
      )
      .where('state', '=', 'pending')
      .where('lease_by', '=', first.claimed.progress.leaseBy ?? '')
      .where('attempts', '=', first.claimed.attempts)
      .returning('id')
      .execute()
    const written = new Set<string>(rows.map(({ id }) => id))
    return alike.filter(({ claimed }) => written.has(claimed.id))
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
      .$if(selector.kind === 'logout', (query) =>
        query.where('logout_id', '=', selector.kind === 'logout' ? selector.id : ''),
      )
      .$if(selector.kind === 'delivery', (query) =>
        query.where('id', '=', selector.kind === 'delivery' ? selector.id : ''),
      )
      .limit(of.limit)
    const dueAt = selector.kind === 'delivery' ? dueFirst : of.now
    const rows = await updateDeliveries()
      .set(fromProgress({ state: 'pending', dueAt, giveUpAt: of.giveUpAt, refusals: 0 }))
      .where('id', 'in', chosen)
      // Of what was chosen, whatever another process has claimed or booked in between is left to it.
      .where('state', 'in', ['pending', 'refused', 'abandoned'])
      .where('lease_by', 'is', null)
      .where('channel', '=', 'back-channel')
      .returning('logout_id')
      .execute()
    const logoutIds = [...new Set(rows.map((row) => row.logout_id as LogoutId))]
    if (logoutIds.length > 0) await updateLogouts(logoutIds).set({ settled_at: null }).execute()
    return rows.length
  }

  return {
    ...createSqlLogoutClaims(database, tenant),

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
        for (const alike of Map.groupBy(attempts, outcomeKey).values())
          booked.push(...(await writeProgress(alike)))
        const records = booked.flatMap(({ attempt }) =>
          attempt === undefined ? [] : [fromAttempt(tenant, attempt)],
        )
        if (records.length > 0) await database.q().insertInto('delivery_attempts').values(records).execute()
        await settleLogouts(database, tenant, logoutsSettledBy(booked), now)
        return booked.map(({ next }) => next)
      }),

    hasten: async (appId, { now, limit }) => {
      const chosen = database
        .q()
        .selectFrom('logout_deliveries')
        .select('id')
        .where('tenant', '=', tenant)
        .where('app_id', '=', appId)
        .where(sql<SqlBool>`state = 'pending'`)
        .where('due_at', '>', now)
        .where('attempts', '>', 0)
        .where('refusals', '=', 0)
        .where('lease_by', 'is', null)
        .limit(limit)
      const rows = await updateDeliveries()
        .set({ due_at: now })
        .where('id', 'in', chosen)
        .where('lease_by', 'is', null)
        .returning('id')
        .execute()
      return rows.length
    },

    abandonOverdue: ({ appId, reason, now, limit }) =>
      database.transaction.run(async () => {
        const chosen = database
          .q()
          .selectFrom('logout_deliveries')
          .select('id')
          .where('tenant', '=', tenant)
          .where('app_id', '=', appId)
          .where(sql<SqlBool>`state = 'pending'`)
          .where('give_up_at', '<=', now)
          .where('channel', '=', 'back-channel')
          .where('lease_by', 'is', null)
          .limit(limit)
        const rows = await updateDeliveries()
          .set(fromProgress({ state: 'abandoned', settledAt: now, reason }))
          .where('id', 'in', chosen)
          .where('state', '=', 'pending')
          .where('lease_by', 'is', null)
          .returningAll()
          .execute()
        const abandoned = rows.map(toDelivery)
        await settleLogouts(database, tenant, [...new Set(abandoned.map(({ logoutId }) => logoutId))], now)
        return abandoned
      }),

    markSent: (id, deliveries, now) =>
      database.transaction.run(async () => {
        if (deliveries.length === 0) return []
        const rows = await updateDeliveries()
          .set(fromProgress({ state: 'sent', settledAt: now }))
          .where('logout_id', '=', id)
          .where('id', 'in', deliveries)
          .where('channel', '=', 'front-channel')
          .where('state', '=', 'pending')
          .returningAll()
          .execute()
        if (rows.length > 0) await settleLogouts(database, tenant, [id], now)
        return rows.map(toDelivery)
      }),

    giveUpCarried: ({ reason, now, limit }) =>
      database.transaction.run(async () => {
        const chosen = database
          .q()
          .selectFrom('logout_deliveries')
          .select('id')
          .where('tenant', '=', tenant)
          .where(sql<SqlBool>`state = 'pending' and channel = 'front-channel'`)
          .where('due_at', '<=', now)
          .orderBy('due_at')
          .limit(limit)
        const rows = await updateDeliveries()
          .set(fromProgress({ state: 'untellable', settledAt: now, reason }))
          .where('id', 'in', chosen)
          .where('state', '=', 'pending')
          .returningAll()
          .execute()
        const givenUp = rows.map(toDelivery)
        await settleLogouts(database, tenant, [...new Set(givenUp.map(({ logoutId }) => logoutId))], now)
        return givenUp
      }),

    countPending: async (upTo) => {
      const counted = await database
        .q()
        .selectFrom((of) =>
          of
            .selectFrom('logout_deliveries')
            .select('id')
            .where('tenant', '=', tenant)
            .where(sql<SqlBool>`state = 'pending'`)
            .limit(upTo)
            .as('pending'),
        )
        .select((of) => of.fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()
      return Number(counted.count)
    },

    retryNow: (selector, of) =>
      database.transaction.run(async () => {
        // What is due is about to be told, unless it waits behind an open breaker.
        // One that is named goes before all else, whatever its time.
        const mayWait =
          selector.kind === 'delivery'
            ? sql<SqlBool>`due_at > ${sql.lit(dueFirst)}`
            : sql<SqlBool>`give_up_at < ${of.giveUpAt} and (due_at > ${of.now}
                or app_id in (select app_id from app_health where tenant = ${tenant} and probe_at is not null))`
        const waiting = sql<SqlBool>`state = 'pending' and lease_by is null and channel = 'back-channel' and ${mayWait}`
        const failed = sql<SqlBool>`state in ('refused', 'abandoned')`
        const first = await reopen(waiting, selector, of)
        if (first >= of.limit) return first
        return first + (await reopen(failed, selector, { ...of, limit: of.limit - first }))
      }),
  }
}

/** The same for attempts that one statement can write: most are confirmed at their first attempt and differ in nothing but their id. */
function outcomeKey({ claimed, next }: BookedAttempt): string {
  return JSON.stringify([claimed.progress.leaseBy, claimed.attempts, next.progress])
}

function logoutsSettledBy(booked: readonly BookedAttempt[]): readonly LogoutId[] {
  const settled = booked.map(({ next }) => next).filter(({ progress }) => progress.state !== 'pending')
  return [...new Set(settled.map(({ logoutId }: LogoutDelivery) => logoutId))]
}
