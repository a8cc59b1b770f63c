import { createSqlArtifactStore } from '#adapters/sql/artifacts.ts'
import { createSqlSessionStore } from '#adapters/sql/sessions.ts'
import { openTestDatabase } from '#test/support/database.ts'
import { describeArtifactStore, type OpenArtifactStore } from './artifact-store.ts'
import { describeOfflineAccess } from './offline-access.ts'

async function open(options: { readonly seed?: number } = {}): Promise<OpenArtifactStore> {
  const database = await openTestDatabase(options)
  return {
    tokens: createSqlArtifactStore(database, 'default'),
    sessions: createSqlSessionStore(database, 'default'),
    otherTenant: createSqlArtifactStore(database, 'other'),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

describeArtifactStore('SQLite', open)
describeArtifactStore('SQLite that awaits at random', () => open({ seed: 12 }))
describeOfflineAccess('SQLite', open)
describeOfflineAccess('SQLite that awaits at random', () => open({ seed: 12 }))
