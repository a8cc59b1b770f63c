import { createSqlLogoutStore } from '#adapters/sql/logouts.ts'
import { openTestDatabase } from '#test/support/database.ts'
import { describeLogoutStore, type OpenLogoutStore } from './logout-store.ts'
import { describeLogoutPages } from './logout-store-pages.ts'

async function open(options: { readonly seed?: number } = {}): Promise<OpenLogoutStore> {
  const database = await openTestDatabase(options)
  return {
    logouts: createSqlLogoutStore(database, 'default'),
    otherTenant: createSqlLogoutStore(database, 'other'),
    transaction: database.transaction,
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

const forms = [
  ['SQLite', open],
  ['SQLite that awaits at random', () => open({ seed: 21 })],
] as const

for (const [name, openOne] of forms) {
  describeLogoutStore(name, openOne)
  describeLogoutPages(name, openOne)
}
