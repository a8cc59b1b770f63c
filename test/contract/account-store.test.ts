import { createSqlAccountStore } from '#adapters/sql/accounts.ts'
import { createSqlCredentialStore } from '#adapters/sql/credentials.ts'
import { openTestDatabase } from '#test/support/database.ts'
import { describeAccountStore, type OpenAccountStore } from './account-store.ts'

async function open(options: { readonly seed?: number } = {}): Promise<OpenAccountStore> {
  const database = await openTestDatabase(options)
  return {
    accounts: createSqlAccountStore(database, 'default'),
    credentials: createSqlCredentialStore(database, 'default'),
    otherTenant: createSqlAccountStore(database, 'other'),
    transaction: database.transaction,
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

describeAccountStore('SQLite', open)
describeAccountStore('SQLite that awaits at random', () => open({ seed: 7 }))
