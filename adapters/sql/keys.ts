import { sql } from 'kysely'
import type { KeyId } from '#gateway/kernel/ids.ts'
import type { PublicJwk } from '#gateway/keys/signing-key.ts'
import type { KeyStore, StoredKey } from '#gateway/keys/store.ts'
import type { SqlDatabase } from './open.ts'
import type { SigningKeyRow } from './schema.ts'

export function createSqlKeyStore(database: SqlDatabase, tenant: string): KeyStore {
  return {
    insertFirstKey: async (key) => {
      const inserted = await sql<{ kid: string }>`
        insert into signing_keys (tenant, kid, alg, public_jwk, sealed_private, active_at, retired_at, created_at)
        select ${tenant}, ${key.keyId}, ${key.alg}, ${JSON.stringify(key.publicJwk)}, ${key.sealedPrivate},
          ${key.activeAt}, null, ${key.createdAt}
        where not exists (select 1 from signing_keys where tenant = ${tenant} and alg = ${key.alg})
        returning kid`.execute(database.q())
      return inserted.rows.length === 1
    },

    insertKey: async (key) => {
      await database.q().insertInto('signing_keys').values(toRow(tenant, key)).execute()
    },

    listKeys: async () => {
      const rows = await database
        .q()
        .selectFrom('signing_keys')
        .selectAll()
        .where('tenant', '=', tenant)
        .orderBy('created_at')
        .orderBy('kid')
        .execute()
      return rows.map(toKey)
    },

    retireKey: async (keyId, at) => {
      const retired = await database
        .q()
        .updateTable('signing_keys')
        .set({ retired_at: at })
        .where('tenant', '=', tenant)
        .where('kid', '=', keyId)
        .where('retired_at', 'is', null)
        .returning('kid')
        .executeTakeFirst()
      return retired !== undefined
    },

    deleteKey: async (keyId) => {
      const deleted = await database
        .q()
        .deleteFrom('signing_keys')
        .where('tenant', '=', tenant)
        .where('kid', '=', keyId)
        .returning('kid')
        .executeTakeFirst()
      return deleted !== undefined
    },

    addSecret: async (name, sealed, at) => {
      await database
        .q()
        .insertInto('server_secrets')
        .values({ tenant, name, sealed, created_at: at })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    },

    findSecret: async (name) => {
      const row = await database
        .q()
        .selectFrom('server_secrets')
        .select('sealed')
        .where('tenant', '=', tenant)
        .where('name', '=', name)
        .executeTakeFirst()
      return row?.sealed
    },
  }
}

function toRow(tenant: string, key: StoredKey): SigningKeyRow {
  return {
    tenant,
    kid: key.keyId,
    alg: key.alg,
    public_jwk: JSON.stringify(key.publicJwk),
    sealed_private: key.sealedPrivate,
    active_at: key.activeAt,
    retired_at: key.retiredAt ?? null,
    created_at: key.createdAt,
  }
}

function toKey(row: SigningKeyRow): StoredKey {
  return {
    keyId: row.kid as KeyId,
    alg: row.alg,
    publicJwk: JSON.parse(row.public_jwk) as PublicJwk,
    sealedPrivate: row.sealed_private,
    activeAt: row.active_at,
    ...(row.retired_at === null ? {} : { retiredAt: row.retired_at }),
    createdAt: row.created_at,
  }
}
