import { sql } from 'kysely'
import type { PasskeyCredential } from '#gateway/accounts/credential.ts'
import type { CredentialRemovals, CredentialStore } from '#gateway/accounts/store.ts'
import type { AccountId, CredentialId } from '#gateway/kernel/ids.ts'
import type { SqlDatabase } from './open.ts'
import type { CredentialRow } from './schema.ts'

/** Passkeys in SQL. */
export function createSqlCredentialStore(
  database: SqlDatabase,
  tenant: string,
): CredentialStore & CredentialRemovals {
  const rows = () => database.q().selectFrom('credentials').selectAll().where('tenant', '=', tenant)

  const find = async (id: CredentialId): Promise<PasskeyCredential | undefined> => {
    const row = await rows().where('id', '=', id).executeTakeFirst()
    return row === undefined ? undefined : toCredential(row)
  }

  const findByWebauthnId = async (webauthnId: string): Promise<PasskeyCredential | undefined> => {
    const row = await rows().where('webauthn_id', '=', webauthnId).executeTakeFirst()
    return row === undefined ? undefined : toCredential(row)
  }

  return {
    insert: async (credential, maxPerAccount) => {
      const row = toRow(tenant, credential)
      const columns = Object.keys(row) as (keyof CredentialRow)[]
      const inserted = await database
        .q()
        .insertInto('credentials')
        .columns(columns)
        .expression(
          database
            .q()
            .selectNoFrom((given) => columns.map((column) => given.val(row[column]).as(column)))
            .where(
              ({ selectFrom }) =>
                selectFrom('credentials')
                  .select(({ fn }) => fn.countAll<number>().as('held'))
                  .where('tenant', '=', tenant)
                  .where('account_id', '=', credential.accountId),
              '<',
              maxPerAccount,
            ),
        )
        .onConflict((conflict) => conflict.doNothing())
        .returning('id')
        .executeTakeFirst()
      if (inserted !== undefined) return 'inserted'
      return (await findByWebauthnId(credential.webauthnId)) === undefined ? 'too-many' : 'exists'
    },

    find,
    findByWebauthnId,

    listByAccount: async (accountId) => {
      const found = await rows()
        .where('account_id', '=', accountId)
        .orderBy('created_at')
        .orderBy('id')
        .execute()
      return found.map(toCredential)
    },

    recordUse: async (id, use) => {
      const updated = await database
        .q()
        .updateTable('credentials')
        .set({ counter: use.counter, backed_up: use.backedUp ? 1 : 0, last_used_at: use.at })
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .where(({ or, and, eb }) =>
          or([
            eb('counter', '<', use.counter),
            and([eb('counter', '=', 0), eb(sql.val(use.counter), '=', 0)]),
          ]),
        )
        .returning('id')
        .executeTakeFirst()
      if (updated !== undefined) return 'recorded'
      return (await find(id)) === undefined ? 'missing' : 'regressed'
    },

    rename: async (id, name) => {
      const updated = await database
        .q()
        .updateTable('credentials')
        .set({ name })
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .returning('id')
        .executeTakeFirst()
      return updated !== undefined
    },

    delete: async (id) => {
      const deleted = await database
        .q()
        .deleteFrom('credentials')
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirst()
      return deleted === undefined ? undefined : toCredential(deleted)
    },
  }
}

function toRow(tenant: string, credential: PasskeyCredential): CredentialRow {
  return {
    tenant,
    id: credential.id,
    account_id: credential.accountId,
    kind: 'passkey',
    webauthn_id: credential.webauthnId,
    public_key: credential.publicKey,
    counter: credential.counter,
    transports: JSON.stringify(credential.transports),
    aaguid: credential.aaguid,
    backup_eligible: credential.backupEligible ? 1 : 0,
    backed_up: credential.backedUp ? 1 : 0,
    name: credential.name,
    created_at: credential.createdAt,
    last_used_at: credential.lastUsedAt ?? null,
  }
}

function toCredential(row: CredentialRow): PasskeyCredential {
  return {
    id: row.id as CredentialId,
    accountId: row.account_id as AccountId,
    webauthnId: row.webauthn_id,
    publicKey: row.public_key,
    counter: row.counter,
    transports: JSON.parse(row.transports) as string[],
    aaguid: row.aaguid,
    backupEligible: row.backup_eligible === 1,
    backedUp: row.backed_up === 1,
    name: row.name,
    createdAt: row.created_at,
    ...(row.last_used_at === null ? {} : { lastUsedAt: row.last_used_at }),
  }
}
