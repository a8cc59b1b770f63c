import { createSqlApiKeyStore } from '#adapters/sql/api-keys.ts'
import { openTestDatabase } from '#test/support/database.ts'
import { describeApiKeyStore } from './api-key-store.ts'

async function open(options: { readonly seed?: number }) {
  const database = await openTestDatabase(options)
  return {
    apiKeys: createSqlApiKeyStore(database, 'default'),
    otherTenant: createSqlApiKeyStore(database, 'other'),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

describeApiKeyStore('SQLite', () => open({}))
describeApiKeyStore('SQLite, waiting at random between statements', () => open({ seed: 15 }))
