import type { ApiKey, ApiScope } from '#gateway/administration/api-key.ts'
import type { ApiKeyStore } from '#gateway/administration/store.ts'
import type { ApiKeyId } from '#gateway/kernel/ids.ts'
import type { Actor } from '#gateway/sessions/cause.ts'
import type { SqlDatabase } from './open.ts'
import type { ApiKeyRow } from './schema.ts'
import { createStatement } from './statement.ts'

/** ApiKeyStore on SQL. */
export function createSqlApiKeyStore(database: SqlDatabase, tenant: string): ApiKeyStore {
  const select = () => database.q().selectFrom('api_keys').selectAll().where('tenant', '=', tenant)
  // Each request of a program begins with this one.
  const findByHash = createStatement(database, (q, of: { hash: string }) =>
    q
      .selectFrom('api_keys')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('secret_hash', '=', of.hash)
      .compile(),
  )

  return {
    insert: async (key, secretHash) => {
      await database
        .q()
        .insertInto('api_keys')
        .values({
          tenant,
          id: key.id,
          name: key.name,
          secret_hash: secretHash,
          scopes: JSON.stringify(key.scopes),
          created_at: key.createdAt,
          created_by: JSON.stringify(key.createdBy),
          expires_at: key.expiresAt ?? null,
          last_used_at: key.lastUsedAt ?? null,
          revoked_at: key.revokedAt ?? null,
        })
        .execute()
    },

    find: async (id) => {
      const row = await select().where('id', '=', id).executeTakeFirst()
      return row === undefined ? undefined : toApiKey(row)
    },

    findByHash: async (hash) => {
      const [row] = await findByHash({ hash })
      return row === undefined ? undefined : toApiKey(row)
    },

    list: async () => {
      const rows = await select().orderBy('created_at', 'desc').orderBy('id', 'desc').execute()
      return rows.map(toApiKey)
    },

    markUsed: async (id, at, unlessSince) => {
      await database
        .q()
        .updateTable('api_keys')
        .set({ last_used_at: at })
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .where((of) => of.or([of('last_used_at', 'is', null), of('last_used_at', '<', unlessSince)]))
        .execute()
    },

    revoke: async (id, at) => {
      const revoked = await database
        .q()
        .updateTable('api_keys')
        .set({ revoked_at: at })
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .where('revoked_at', 'is', null)
        .returning('id')
        .executeTakeFirst()
      return revoked !== undefined
    },
  }
}

function toApiKey(row: ApiKeyRow): ApiKey {
  return {
    id: row.id as ApiKeyId,
    name: row.name,
    scopes: JSON.parse(row.scopes) as ApiScope[],
    createdAt: row.created_at,
    createdBy: JSON.parse(row.created_by) as Actor,
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
    ...(row.last_used_at === null ? {} : { lastUsedAt: row.last_used_at }),
    ...(row.revoked_at === null ? {} : { revokedAt: row.revoked_at }),
  }
}
