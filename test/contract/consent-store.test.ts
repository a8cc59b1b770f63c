import { createSqlConsentStore } from '#adapters/sql/consents.ts'
import { openTestDatabase } from '#test/support/database.ts'
import { describeConsentStore } from './consent-store.ts'

async function open(options: { readonly seed?: number }) {
  const database = await openTestDatabase(options)
  return {
    consents: createSqlConsentStore(database, 'default'),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

describeConsentStore('SQLite', () => open({}))
describeConsentStore('SQLite, waiting at random between statements', () => open({ seed: 12 }))
