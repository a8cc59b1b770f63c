import type { LogoutId } from '#gateway/kernel/ids.ts'
import type { EndJob, EndJobStore } from '#gateway/logout/store.ts'
import type { Actor, Cause } from '#gateway/sessions/cause.ts'
import type { SessionSelector } from '#gateway/sessions/ending.ts'
import { settleLogouts } from './logout-settle.ts'
import type { SqlDatabase } from './open.ts'
import type { EndJobRow } from './schema.ts'

/** EndJobStore on SQL. */
export function createSqlEndJobStore(database: SqlDatabase, tenant: string): EndJobStore {
  const select = () => database.q().selectFrom('end_jobs').selectAll().where('tenant', '=', tenant)
  const updateOpen = (id: LogoutId) =>
    database
      .q()
      .updateTable('end_jobs')
      .where('tenant', '=', tenant)
      .where('logout_id', '=', id)
      .where('finished_at', 'is', null)

  return {
    insert: async (job) => {
      await database
        .q()
        .insertInto('end_jobs')
        .values({
          tenant,
          logout_id: job.logoutId,
          selector: JSON.stringify(job.selector),
          cause: job.cause,
          actor: JSON.stringify(job.actor),
          epoch_at: job.epochAt,
          found: job.found,
          ended: job.ended,
          finished_at: job.finishedAt ?? null,
        })
        .execute()
    },
    open: async () =>
      (
        await select().where('finished_at', 'is', null).orderBy('epoch_at').orderBy('logout_id').execute()
      ).map(toEndJob),
    hold: async (id) => {
      // Written, not only read, so that on every engine the second of two transactions waits for the first.
      const row = await updateOpen(id)
        .set((column) => ({ ended: column.ref('ended') }))
        .returningAll()
        .executeTakeFirst()
      return row === undefined ? undefined : toEndJob(row)
    },
    progress: async (id, ended) => {
      await updateOpen(id)
        .set((column) => ({ ended: column('ended', '+', ended) }))
        .execute()
    },
    finish: (id, now) =>
      database.transaction.run(async () => {
        await updateOpen(id).set({ finished_at: now }).execute()
        await settleLogouts(database, tenant, [id], now)
      }),
    of: async (ids) =>
      ids.length === 0 ? [] : (await select().where('logout_id', 'in', ids).execute()).map(toEndJob),
  }
}

function toEndJob(row: EndJobRow): EndJob {
  return {
    logoutId: row.logout_id as LogoutId,
    selector: JSON.parse(row.selector) as SessionSelector,
    cause: row.cause as Cause,
    actor: JSON.parse(row.actor) as Actor,
    epochAt: row.epoch_at,
    found: row.found,
    ended: row.ended,
    ...(row.finished_at === null ? {} : { finishedAt: row.finished_at }),
  }
}
