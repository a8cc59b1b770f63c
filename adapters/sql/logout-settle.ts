import { type SqlBool, sql } from 'kysely'
import type { LogoutId } from '#gateway/kernel/ids.ts'
import type { SqlDatabase } from './open.ts'

/** Settles those Logouts of which nothing is pending and nothing is still to be ended. */
export async function settleLogouts(
  database: SqlDatabase,
  tenant: string,
  ids: readonly LogoutId[],
  now: number,
): Promise<void> {
  if (ids.length === 0) return
  const update = () => database.q().updateTable('logouts').where('tenant', '=', tenant).where('id', 'in', ids)
  // Written once without a change, to hold the rows: of two processes that book the last two deliveries at once, the one that
  // comes second then sees both, and neither leaves the Logout open for ever.
  await update().set({ settled_at: null }).where('settled_at', 'is', null).execute()
  await update()
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
    .where((of) =>
      of.not(
        of.exists(
          of
            .selectFrom('end_jobs as job')
            .select('job.logout_id')
            .whereRef('job.tenant', '=', 'logouts.tenant')
            .whereRef('job.logout_id', '=', 'logouts.id')
            .where('job.finished_at', 'is', null),
        ),
      ),
    )
    .execute()
}
