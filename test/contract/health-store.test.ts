import { createStores } from '#adapters/sql/stores.ts'
import { openTestDatabase } from '#test/support/database.ts'
import { describeHealthStore, type OpenHealthStore } from './health-store.ts'

async function open(options: { readonly seed?: number } = {}): Promise<OpenHealthStore> {
  const database = await openTestDatabase(options)
  const { health, logouts } = createStores(database, 'default')
  return {
    health,
    logouts,
    otherTenant: createStores(database, 'other').health,
    transaction: database.transaction,
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

describeHealthStore('SQLite', open)
describeHealthStore('SQLite that awaits at random', () => open({ seed: 33 }))
