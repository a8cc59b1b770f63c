import { sql } from 'kysely'
import type { App } from '#gateway/apps/app.ts'
import type { AppRewrites, AppStore } from '#gateway/apps/store.ts'
import type { AppId } from '#gateway/kernel/ids.ts'
import type { SqlDatabase } from './open.ts'
import type { AppRow } from './schema.ts'

/** What the `record` column holds: everything of the app that has no column of its own. */
type StoredApp = Omit<App, 'id' | 'state' | 'fileOwned' | 'createdAt' | 'updatedAt'>

export function createSqlAppStore(database: SqlDatabase, tenant: string): AppStore & AppRewrites {
  return {
    insert: async (app, fingerprint) => {
      const inserted = await database
        .q()
        .insertInto('apps')
        .values({ tenant, id: app.id, created_at: app.createdAt, ...columnsOf(app, fingerprint) })
        .onConflict((conflict) => conflict.doNothing())
        .returning('id')
        .executeTakeFirst()
      return inserted !== undefined
    },

    find: async (id) => {
      const row = await database
        .q()
        .selectFrom('apps')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .executeTakeFirst()
      return row === undefined ? undefined : toApp(row)
    },

    list: async () => {
      const rows = await database
        .q()
        .selectFrom('apps')
        .selectAll()
        .where('tenant', '=', tenant)
        .orderBy('id')
        .execute()
      return rows.map(toApp)
    },

    replace: async (next, wasUpdatedAt, fingerprint) => {
      const written = await database
        .q()
        .updateTable('apps')
        .set(columnsOf(next, fingerprint))
        .where('tenant', '=', tenant)
        .where('id', '=', next.id)
        .where('updated_at', '=', wasUpdatedAt)
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('apps as other')
                .select(sql.lit(1).as('one'))
                .where('other.tenant', '=', tenant)
                .where('other.client_id', '=', next.oidc.clientId)
                .where('other.id', '!=', next.id),
            ),
          ),
        )
        .returning('id')
        .executeTakeFirst()
      return written !== undefined
    },

    delete: (id) =>
      database.transaction.run(async () => {
        const q = database.q()
        await q.deleteFrom('app_health').where('tenant', '=', tenant).where('app_id', '=', id).execute()
        const deleted = await q
          .deleteFrom('apps')
          .where('tenant', '=', tenant)
          .where('id', '=', id)
          .returning('id')
          .executeTakeFirst()
        return deleted !== undefined
      }),

    fingerprints: async () => {
      const rows = await database
        .q()
        .selectFrom('apps')
        .select(['id', 'file_fingerprint'])
        .where('tenant', '=', tenant)
        .where('file_fingerprint', 'is not', null)
        .execute()
      return new Map(rows.map((row) => [row.id as AppId, row.file_fingerprint ?? '']))
    },
  }
}

function columnsOf(app: App, fingerprint: string | undefined) {
  const { id: _id, state, fileOwned: _fileOwned, createdAt: _createdAt, updatedAt, ...record } = app
  return {
    record: JSON.stringify(record satisfies StoredApp),
    client_id: app.removedAt === undefined ? app.oidc.clientId : null,
    state,
    file_fingerprint: fingerprint ?? null,
    updated_at: updatedAt,
  }
}

function toApp(row: AppRow): App {
  return {
    // Only `columnsOf` writes this column.
    ...(JSON.parse(row.record) as StoredApp),
    id: row.id as AppId,
    state: row.state,
    fileOwned: row.file_fingerprint !== null,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
