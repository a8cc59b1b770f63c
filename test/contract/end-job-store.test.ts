import { createSqlEndJobStore } from '#adapters/sql/end-jobs.ts'
import { createSqlLogoutStore } from '#adapters/sql/logouts.ts'
import { openTestDatabase } from '#test/support/database.ts'
import { describeEndJobStore, type OpenEndJobStore } from './end-job-store.ts'

async function open(options: { readonly seed?: number } = {}): Promise<OpenEndJobStore> {
  const database = await openTestDatabase(options)
  return {
    jobs: createSqlEndJobStore(database, 'default'),
    otherTenant: createSqlEndJobStore(database, 'other'),
    logouts: createSqlLogoutStore(database, 'default'),
    transaction: database.transaction,
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

describeEndJobStore('SQLite', open)
describeEndJobStore('SQLite that awaits at random', () => open({ seed: 41 }))
