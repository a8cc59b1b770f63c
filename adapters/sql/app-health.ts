import { type SqlBool, sql } from 'kysely'
import type { AppId } from '#gateway/kernel/ids.ts'
import type { Reachability } from '#gateway/logout/health.ts'
import type { HealthStore } from '#gateway/logout/health-store.ts'
import type { SqlDatabase } from './open.ts'
import type { AppHealthRow } from './schema.ts'
import { createStatement } from './statement.ts'

/** More apps than a house has. */
const maxListed = 1_000

/** HealthStore on SQL. */
export function createSqlHealthStore(database: SqlDatabase, tenant: string): HealthStore {
  const select = () => database.q().selectFrom('app_health').selectAll().where('tenant', '=', tenant)
  const findOverdue = createStatement(database, (q, of: { now: number }) =>
    q
      .selectFrom('app_health')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('probe_at', 'is not', null)
      .where(({ exists, selectFrom }) =>
        exists(
          selectFrom('logout_deliveries as owed')
            .select(sql.lit(1).as('one'))
            .whereRef('owed.tenant', '=', 'app_health.tenant')
            .whereRef('owed.app_id', '=', 'app_health.app_id')
            .where(sql<SqlBool>`owed.state = 'pending'`)
            .where('owed.lease_by', 'is', null)
            .where('owed.give_up_at', '<=', of.now),
        ),
      )
      .compile(),
  )

  return {
    find: async (ids) =>
      ids.length === 0 ? [] : (await select().where('app_id', 'in', ids).execute()).map(toReachability),

    save: async (all) => {
      if (all.length === 0) return
      await database
        .q()
        .insertInto('app_health')
        .values(all.map((of) => fromReachability(tenant, of)))
        .onConflict((on) =>
          on.columns(['tenant', 'app_id']).doUpdateSet((of) => ({
            failures: of.ref('excluded.failures'),
            silences: of.ref('excluded.silences'),
            failing_since: of.ref('excluded.failing_since'),
            reason: of.ref('excluded.reason'),
            probe_at: of.ref('excluded.probe_at'),
            probes: of.ref('excluded.probes'),
            last_confirmed_at: of.ref('excluded.last_confirmed_at'),
          })),
        )
        .execute()
    },

    probeNow: async (now, appId) => {
      let update = database
        .q()
        .updateTable('app_health')
        .set({ probe_at: now })
        .where('tenant', '=', tenant)
        .where('probe_at', '>', now)
      if (appId !== undefined) update = update.where('app_id', '=', appId)
      return (await update.returning('app_id').execute()).length
    },

    probeSoon: async (appId, at) => {
      const row = await database
        .q()
        .updateTable('app_health')
        .set({ probe_at: sql<number>`case when probe_at < ${at} then probe_at else ${at} end`, probes: 0 })
        .where('tenant', '=', tenant)
        .where('app_id', '=', appId)
        .where('probe_at', 'is not', null)
        .returning('app_id')
        .executeTakeFirst()
      return row !== undefined
    },

    overdue: async (now) => (await findOverdue({ now })).map(toReachability),

    list: async (upTo) => {
      const rows = await select()
        .orderBy('app_id')
        .limit(maxListed)
        .select(
          sql<number>`(
            select count(*) from (
              select 1 from logout_deliveries as owed
              where owed.tenant = app_health.tenant and owed.app_id = app_health.app_id and owed.state = 'pending'
              limit ${upTo}
            ) as counted)`.as('pending'),
        )
        .execute()
      return rows.map((row) => ({ reachability: toReachability(row), pending: Number(row.pending) }))
    },

    countUnhealthy: async () => {
      const { failing, down } = await database
        .q()
        .selectFrom('app_health')
        .select((of) => [of.fn.countAll<number>().as('failing'), of.fn.count<number>('probe_at').as('down')])
        .where('tenant', '=', tenant)
        .where('failures', '>', 0)
        .executeTakeFirstOrThrow()
      return { failing: Number(failing) - Number(down), down: Number(down) }
    },
  }
}

function toReachability(row: AppHealthRow): Reachability {
  return {
    appId: row.app_id as AppId,
    failures: row.failures,
    silences: row.silences,
    ...(row.failing_since === null ? {} : { failingSince: row.failing_since }),
    ...(row.reason === null ? {} : { reason: row.reason }),
    ...(row.probe_at === null ? {} : { breaker: { probeAt: row.probe_at, probes: row.probes } }),
    ...(row.last_confirmed_at === null ? {} : { lastConfirmedAt: row.last_confirmed_at }),
  }
}

function fromReachability(tenant: string, of: Reachability): AppHealthRow {
  return {
    tenant,
    app_id: of.appId,
    failures: of.failures,
    silences: of.silences,
    failing_since: of.failingSince ?? null,
    reason: of.reason ?? null,
    probe_at: of.breaker?.probeAt ?? null,
    probes: of.breaker?.probes ?? 0,
    last_confirmed_at: of.lastConfirmedAt ?? null,
  }
}
