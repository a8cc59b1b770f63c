import { createSqlAccountStore } from './accounts.ts'
import { createSqlApiKeyStore } from './api-keys.ts'
import { createSqlAppStore } from './apps.ts'
import { createSqlArtifactStore } from './artifacts.ts'
import { createSqlAuditStore } from './audit.ts'
import { createSqlConsentStore } from './consents.ts'
import { createSqlCredentialStore } from './credentials.ts'
import { createSqlKeyStore } from './keys.ts'
import { createSqlLogoutStore } from './logouts.ts'
import type { SqlDatabase } from './open.ts'
import { createSqlSessionStore } from './sessions.ts'

export type Stores = ReturnType<typeof createStores>

/** Every store of one tenant over one database. */
export function createStores(database: SqlDatabase, tenant: string) {
  return {
    accounts: createSqlAccountStore(database, tenant),
    credentials: createSqlCredentialStore(database, tenant),
    consents: createSqlConsentStore(database, tenant),
    apps: createSqlAppStore(database, tenant),
    keys: createSqlKeyStore(database, tenant),
    sessions: createSqlSessionStore(database, tenant),
    artifacts: createSqlArtifactStore(database, tenant),
    logouts: createSqlLogoutStore(database, tenant),
    audit: createSqlAuditStore(database, tenant),
    apiKeys: createSqlApiKeyStore(database, tenant),
  }
}
