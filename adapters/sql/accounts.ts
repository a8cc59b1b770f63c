import { sql } from 'kysely'
import { type Account, type AccountChange, foldEmail } from '#gateway/accounts/account.ts'
import type {
  AccountConflict,
  AccountRewrites,
  AccountSecrets,
  AccountStore,
} from '#gateway/accounts/store.ts'
import { GatewayError } from '#gateway/kernel/errors.ts'
import type { AccountId } from '#gateway/kernel/ids.ts'
import type { SqlDatabase } from './open.ts'
import type { AccountRow } from './schema.ts'
import { createStatement } from './statement.ts'

/** What a list may hold at most: a page of the console. */
const pageMax = 200

/** Accounts in SQL. The hash of a password is read by `passwordHashOf` and by nothing else. */
export function createSqlAccountStore(database: SqlDatabase, tenant: string): AccountStore & AccountRewrites {
  const records = () => database.q().selectFrom('accounts').select(recordColumns).where('tenant', '=', tenant)

  const findRow = createStatement(database, (q, of: { id: string }) =>
    q
      .selectFrom('accounts')
      .select(recordColumns)
      .where('tenant', '=', tenant)
      .where('id', '=', of.id)
      .compile(),
  )
  const find = async (id: AccountId): Promise<Account | undefined> => {
    const [row] = await findRow({ id })
    return row === undefined ? undefined : toAccount(row)
  }

  const anyOperator = async (): Promise<boolean> => {
    const row = await records().where('operator', '=', 1).limit(1).executeTakeFirst()
    return row !== undefined
  }

  /** Which of its unique values another account holds. */
  const conflictOf = async (account: Account): Promise<AccountConflict> =>
    (await find(account.id)) === undefined ? 'email-taken' : 'id-taken'

  return {
    insert: async (account, secrets) => {
      const inserted = await database
        .q()
        .insertInto('accounts')
        .values(toRow(tenant, account, secrets))
        .onConflict((conflict) => conflict.doNothing())
        .returning('id')
        .executeTakeFirst()
      return inserted === undefined ? conflictOf(account) : 'inserted'
    },

    insertFirstOperator: async (account, secrets) => {
      const row = toRow(tenant, { ...account, operator: true }, secrets)
      const columns = Object.keys(row) as (keyof AccountRow)[]
      const inserted = await database
        .q()
        .insertInto('accounts')
        .columns(columns)
        .expression(
          database
            .q()
            .selectNoFrom((given) => columns.map((column) => given.val(row[column]).as(column)))
            .where(({ not, exists, selectFrom }) =>
              not(
                exists(
                  selectFrom('accounts')
                    .select(sql.lit(1).as('one'))
                    .where('tenant', '=', tenant)
                    .where('operator', '=', 1),
                ),
              ),
            ),
        )
        .onConflict((conflict) => conflict.doNothing())
        .returning('id')
        .executeTakeFirst()
      if (inserted !== undefined) return 'inserted'
      return (await anyOperator()) ? 'operator-exists' : conflictOf(account)
    },

    find,

    // A SQLite transaction that writes has the database to itself from its first statement, so a plain read holds already.
    findAndHold: find,

    findByFoldedEmail: async (folded) => {
      const row = await records().where('email_folded', '=', folded).executeTakeFirst()
      return row === undefined ? undefined : toAccount(row)
    },

    findByWebauthnUser: async (webauthnUser) => {
      const row = await records().where('webauthn_user', '=', webauthnUser).executeTakeFirst()
      return row === undefined ? undefined : toAccount(row)
    },

    list: async ({ limit, after }) => {
      const rows = await records()
        .$if(after !== undefined, (page) => page.where('email_folded', '>', after ?? ''))
        .orderBy('email_folded')
        .limit(Math.min(limit, pageMax))
        .execute()
      return rows.map(toAccount)
    },

    anyOperator,

    change: async (id, change, at) => {
      const columns = changedColumns(change)
      const row = await database
        .q()
        .updateTable('accounts')
        .set({ ...columns, updated_at: at })
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .$if(columns.email_folded !== undefined, (update) =>
          update.where(({ not, exists, selectFrom }) =>
            not(
              exists(
                selectFrom('accounts as other')
                  .select(sql.lit(1).as('one'))
                  .where('other.tenant', '=', tenant)
                  .where('other.email_folded', '=', columns.email_folded ?? '')
                  .where('other.id', '!=', id),
              ),
            ),
          ),
        )
        .returning(recordColumns)
        .executeTakeFirst()
      if (row !== undefined) return toAccount(row)
      return (await find(id)) === undefined ? undefined : 'email-taken'
    },

    delete: async (id) => {
      // Credentials first: one that outlived its account would block its authenticator from ever being registered again.
      await database
        .q()
        .deleteFrom('credentials')
        .where('tenant', '=', tenant)
        .where('account_id', '=', id)
        .execute()
      const deleted = await database
        .q()
        .deleteFrom('accounts')
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .returning('id')
        .executeTakeFirst()
      return deleted !== undefined
    },

    passwordHashOf: async (id) => {
      const row = await database
        .q()
        .selectFrom('accounts')
        .select('password_hash')
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .executeTakeFirst()
      return row?.password_hash ?? undefined
    },

    setPassword: async (id, passwordHash, at) => {
      const updated = await database
        .q()
        .updateTable('accounts')
        .set({ password_hash: passwordHash ?? null, password_changed_at: at, updated_at: at })
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .returning('id')
        .executeTakeFirst()
      return updated !== undefined
    },

    rehashPassword: async (id, from, to) => {
      const updated = await database
        .q()
        .updateTable('accounts')
        .set({ password_hash: to })
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .where('password_hash', '=', from)
        .returning('id')
        .executeTakeFirst()
      return updated !== undefined
    },

    fileFingerprints: async () => {
      const rows = await database
        .q()
        .selectFrom('accounts')
        .select(['id', 'file_fingerprint'])
        .where('tenant', '=', tenant)
        .where('file_fingerprint', 'is not', null)
        .execute()
      return new Map(rows.map((row) => [row.id as AccountId, row.file_fingerprint ?? '']))
    },

    setFileFingerprint: async (id, fingerprint) => {
      const updated = await database
        .q()
        .updateTable('accounts')
        .set({ file_fingerprint: fingerprint ?? null })
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .returning('id')
        .executeTakeFirst()
      return updated !== undefined
    },
  }
}

/** Everything but the hash and the fingerprint, of which a record only says that they are there. */
const recordColumns = [
  'id',
  'email',
  'name',
  'groups',
  'operator',
  'state',
  'password_changed_at',
  'webauthn_user',
  'created_at',
  'updated_at',
  sql<number>`case when password_hash is null then 0 else 1 end`.as('has_password'),
  sql<number>`case when file_fingerprint is null then 0 else 1 end`.as('file_owned'),
] as const

type RecordRow = Omit<
  AccountRow,
  'tenant' | 'email_folded' | 'file_fingerprint' | 'password_hash' | 'groups'
> & {
  readonly groups: string
  readonly has_password: number
  readonly file_owned: number
}

function toRow(tenant: string, account: Account, secrets: AccountSecrets): AccountRow {
  return {
    tenant,
    id: account.id,
    email: account.email,
    email_folded: folded(account.email),
    name: account.name,
    groups: JSON.stringify(account.groups),
    operator: account.operator ? 1 : 0,
    state: account.state,
    file_fingerprint: secrets.fileFingerprint ?? null,
    password_hash: secrets.passwordHash ?? null,
    password_changed_at: secrets.passwordHash === undefined ? null : account.createdAt,
    webauthn_user: account.webauthnUser,
    created_at: account.createdAt,
    updated_at: account.updatedAt,
  }
}

function changedColumns(change: AccountChange) {
  return {
    ...(change.email === undefined ? {} : { email: change.email, email_folded: folded(change.email) }),
    ...(change.name === undefined ? {} : { name: change.name }),
    ...(change.groups === undefined ? {} : { groups: JSON.stringify(change.groups) }),
    ...(change.operator === undefined ? {} : { operator: change.operator ? 1 : 0 }),
    ...(change.state === undefined ? {} : { state: change.state }),
  }
}

/** Whoever writes an e-mail has validated it; one that slipped through must not be stored where no sign-in finds it. */
function folded(email: string): string {
  const text = foldEmail(email)
  if (text === undefined) throw new GatewayError('input_invalid', 'That is not an e-mail address.')
  return text
}

function toAccount(row: RecordRow): Account {
  return {
    id: row.id as AccountId,
    email: row.email,
    name: row.name,
    groups: JSON.parse(row.groups) as string[],
    operator: row.operator === 1,
    state: row.state,
    fileOwned: row.file_owned === 1,
    hasPassword: row.has_password === 1,
    ...(row.password_changed_at === null ? {} : { passwordChangedAt: row.password_changed_at }),
    webauthnUser: row.webauthn_user,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
