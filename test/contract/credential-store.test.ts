import { createSqlCredentialStore } from '#adapters/sql/credentials.ts'
import { openTestDatabase } from '#test/support/database.ts'
import { describeCredentialStore, type OpenCredentialStore } from './credential-store.ts'

async function open(options: { readonly seed?: number } = {}): Promise<OpenCredentialStore> {
  const database = await openTestDatabase(options)
  return {
    credentials: createSqlCredentialStore(database, 'default'),
    otherTenant: createSqlCredentialStore(database, 'other'),
    transaction: database.transaction,
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

describeCredentialStore('SQLite', open)
describeCredentialStore('SQLite that awaits at random', () => open({ seed: 7 }))
