import { type SqlBool, sql } from 'kysely'
import type { AppId, LogoutId } from '#gateway/kernel/ids.ts'
import type { Journey, JourneyStore } from '#gateway/logout/journey-store.ts'
import type { SqlDatabase } from './open.ts'
import type { LogoutJourneyRow } from './schema.ts'

/** JourneyStore on SQL. */
export function createSqlJourneyStore(database: SqlDatabase, tenant: string): JourneyStore {
  const select = () => database.q().selectFrom('logout_journeys').selectAll().where('tenant', '=', tenant)

  return {
    insert: async (journey) => {
      await database
        .q()
        .insertInto('logout_journeys')
        .values({
          tenant,
          logout_id: journey.logoutId,
          browser_hash: journey.browserHash,
          app_id: journey.appId ?? null,
          continue_to: journey.continueTo ?? null,
          started_at: journey.startedAt,
          expires_at: journey.expiresAt,
        })
        .onConflict((on) => on.doNothing())
        .execute()
    },

    find: async (id) => {
      const row = await select().where('logout_id', '=', id).executeTakeFirst()
      return row === undefined ? undefined : toJourney(row)
    },

    findOpen: async (browserHash, now) => {
      const row = await select()
        .where('browser_hash', '=', browserHash)
        .where('expires_at', '>', now)
        .where((of) =>
          of.exists(
            of
              .selectFrom('logout_deliveries as owed')
              .select('owed.id')
              .whereRef('owed.tenant', '=', 'logout_journeys.tenant')
              .whereRef('owed.logout_id', '=', 'logout_journeys.logout_id')
              .where(sql<SqlBool>`owed.state = 'pending' and owed.channel = 'front-channel'`)
              .where('owed.due_at', '>', now),
          ),
        )
        .orderBy('started_at', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row === undefined ? undefined : toJourney(row)
    },

    deleteExpired: async (now, limit) => {
      const { rows } = await sql<{ logout_id: string }>`
        delete from logout_journeys where (tenant, logout_id) in (
          select tenant, logout_id from logout_journeys where tenant = ${tenant} and expires_at <= ${now}
          order by expires_at limit ${limit})
        returning logout_id`.execute(database.q())
      return rows.length
    },
  }
}

function toJourney(row: LogoutJourneyRow): Journey {
  return {
    logoutId: row.logout_id as LogoutId,
    browserHash: row.browser_hash,
    ...(row.app_id === null ? {} : { appId: row.app_id as AppId }),
    ...(row.continue_to === null ? {} : { continueTo: row.continue_to }),
    startedAt: row.started_at,
    expiresAt: row.expires_at,
  }
}
