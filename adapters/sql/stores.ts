import type {
  AccountRewrites,
  AccountStore,
  CredentialRemovals,
  CredentialStore,
} from '#gateway/accounts/store.ts'
import type { AppRewrites, AppStore, ConsentRemovals, ConsentStore } from '#gateway/apps/store.ts'
import { createSqlAccountStore } from './accounts.ts'
import { createSqlApiKeyStore } from './api-keys.ts'
import { createSqlHealthStore } from './app-health.ts'
import { createSqlAppStore } from './apps.ts'
import { createSqlArtifactStore } from './artifacts.ts'
import { createSqlAuditStore } from './audit.ts'
import { createSqlConsentStore } from './consents.ts'
import { createSqlCredentialStore } from './credentials.ts'
import { createSqlEndJobStore } from './end-jobs.ts'
import { createSqlJourneyStore } from './journeys.ts'
import { createSqlKeyStore } from './keys.ts'
import { createSqlLogoutStore } from './logouts.ts'
import type { SqlDatabase } from './open.ts'
import { createSqlSessionStore } from './sessions.ts'
import { createSqlWebhookStore } from './webhooks.ts'

export type Stores = Omit<ReturnType<typeof createStores>, 'rewrites'>

/** Writes that take something away, apart from the stores: two files are handed them, and no other has them to call. */
export interface Rewrites {
  readonly accounts: AccountRewrites
  readonly credentials: CredentialRemovals
  readonly apps: AppRewrites
  readonly consents: ConsentRemovals
}

/** Every store of one tenant over one database. */
export function createStores(database: SqlDatabase, tenant: string) {
  const { change, delete: deleteAccount, setPassword, ...accounts } = createSqlAccountStore(database, tenant)
  const { delete: deleteCredential, ...credentials } = createSqlCredentialStore(database, tenant)
  const { replace, delete: deleteApp, ...apps } = createSqlAppStore(database, tenant)
  const { forget, forgetApp, forgetAccount, ...consents } = createSqlConsentStore(database, tenant)
  const rewrites: Rewrites = {
    accounts: { change, delete: deleteAccount, setPassword },
    credentials: { delete: deleteCredential },
    apps: { replace, delete: deleteApp },
    consents: { forget, forgetApp, forgetAccount },
  }
  return {
    accounts: accounts satisfies AccountStore,
    credentials: credentials satisfies CredentialStore,
    consents: consents satisfies ConsentStore,
    apps: apps satisfies AppStore,
    keys: createSqlKeyStore(database, tenant),
    sessions: createSqlSessionStore(database, tenant),
    artifacts: createSqlArtifactStore(database, tenant),
    logouts: createSqlLogoutStore(database, tenant),
    webhooks: createSqlWebhookStore(database, tenant),
    health: createSqlHealthStore(database, tenant),
    endJobs: createSqlEndJobStore(database, tenant),
    journeys: createSqlJourneyStore(database, tenant),
    audit: createSqlAuditStore(database, tenant),
    apiKeys: createSqlApiKeyStore(database, tenant),
    rewrites,
  }
}
