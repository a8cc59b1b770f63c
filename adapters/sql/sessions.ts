import type { SessionStore } from '#gateway/sessions/store.ts'
import type { SqlDatabase } from './open.ts'
import { createSessionEnding } from './session-ending.ts'
import { createSessionJoins } from './session-joins.ts'
import { createSessionPages } from './session-pages.ts'
import { createSessionRecords } from './session-records.ts'
import { createSessionSecrets } from './session-secrets.ts'
import { createSessionSelection } from './session-selection.ts'
import { createSessionSweeping } from './session-sweeping.ts'

/** SessionStore on SQL. Every conditional write says `ended_at is null`: ended beats active in each of them. */
export function createSqlSessionStore(database: SqlDatabase, tenant: string): SessionStore {
  return {
    ...createSessionRecords(database, tenant),
    ...createSessionPages(database, tenant),
    ...createSessionSecrets(database, tenant),
    ...createSessionJoins(database, tenant),
    ...createSessionEnding(database, tenant),
    ...createSessionSelection(database, tenant),
    ...createSessionSweeping(database, tenant),
  }
}
