import { createSqlSessionStore } from '#adapters/sql/sessions.ts'
import { openTestDatabase } from '#test/support/database.ts'
import { describeSessionRecords, type OpenSessionStore } from './session-store.ts'
import { describeSessionEnding } from './session-store-ending.ts'
import { describeSessionJoining } from './session-store-joining.ts'
import { describeSessionPages } from './session-store-pages.ts'
import { describeSessionSecrets } from './session-store-secrets.ts'
import { describeSessionSelection } from './session-store-selection.ts'

async function open(options: { readonly seed?: number } = {}): Promise<OpenSessionStore> {
  const database = await openTestDatabase(options)
  return {
    sessions: createSqlSessionStore(database, 'default'),
    otherTenant: createSqlSessionStore(database, 'other'),
    transaction: database.transaction,
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

const forms = [
  ['SQLite', open],
  ['SQLite that awaits at random', () => open({ seed: 11 })],
] as const

for (const [name, openOne] of forms) {
  describeSessionRecords(name, openOne)
  describeSessionPages(name, openOne)
  describeSessionSecrets(name, openOne)
  describeSessionJoining(name, openOne)
  describeSessionEnding(name, openOne)
  describeSessionSelection(name, openOne)
}
