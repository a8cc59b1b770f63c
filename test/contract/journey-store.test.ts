import { createSqlJourneyStore } from '#adapters/sql/journeys.ts'
import { createSqlLogoutStore } from '#adapters/sql/logouts.ts'
import { openTestDatabase } from '#test/support/database.ts'
import { type JourneyWorld, journeyStoreContract } from './journey-store.ts'
import { frontChannelContract } from './logout-store-front-channel.ts'

async function open(options: { readonly seed?: number } = {}): Promise<JourneyWorld> {
  const database = await openTestDatabase(options)
  return {
    database,
    journeys: createSqlJourneyStore(database, 'default'),
    logouts: createSqlLogoutStore(database, 'default'),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

for (const [engine, options] of [
  ['SQLite', {}],
  ['SQLite that awaits at random', { seed: 64 }],
] as const) {
  journeyStoreContract(engine, () => open(options))
  frontChannelContract(engine, () => open(options))
}
