import { createSqlLogoutStore } from '#adapters/sql/logouts.ts'
import { openTestDatabase } from '#test/support/database.ts'
import { describeLogoutStore, type OpenLogoutStore } from './logout-store.ts'

async function open(options: { readonly seed?: number } = {}): Promise<OpenLogoutStore> {
  const database = await openTestDatabase(options)
  return {
    logouts: createSqlLogoutStore(database, 'default'),
    otherTenant: createSqlLogoutStore(database, 'other'),
    transaction: database.transaction,
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

describeLogoutStore('SQLite', open)
describeLogoutStore('SQLite that awaits at random', () => open({ seed: 21 }))
