import { createStores } from '#adapters/sql/stores.ts'
import { openTestDatabase } from '#test/support/database.ts'
import { describeWebhookStore } from './webhook-store.ts'

for (const [name, options] of [
  ['SQLite', {}],
  ['SQLite that awaits at random', { seed: 11 }],
] as const) {
  describeWebhookStore(name, async () => {
    const database = await openTestDatabase(options)
    return {
      webhooks: createStores(database, 'default').webhooks,
      otherTenant: createStores(database, 'other').webhooks,
      transaction: database.transaction,
      [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
    }
  })
}
