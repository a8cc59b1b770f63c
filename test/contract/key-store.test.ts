import { createSqlKeyStore } from '#adapters/sql/keys.ts'
import { openTestDatabase } from '#test/support/database.ts'
import { describeKeyStore } from './key-store.ts'

async function open(options: { readonly seed?: number }) {
  const database = await openTestDatabase(options)
  return {
    keys: createSqlKeyStore(database, 'default'),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

describeKeyStore('SQLite', () => open({}))
describeKeyStore('SQLite, waiting at random between statements', () => open({ seed: 13 }))
