import { createSqlAuditStore } from '#adapters/sql/audit.ts'
import { openTestDatabase } from '#test/support/database.ts'
import { describeAuditStore, type OpenAuditStore } from './audit-store.ts'

async function open(options: { readonly seed?: number } = {}): Promise<OpenAuditStore> {
  const database = await openTestDatabase(options)
  return {
    audit: createSqlAuditStore(database, 'default'),
    otherTenant: createSqlAuditStore(database, 'other'),
    transaction: database.transaction,
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

describeAuditStore('SQLite', open)
describeAuditStore('SQLite that awaits at random', () => open({ seed: 61 }))
