import type { Kysely } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { GatewayError } from '#gateway/kernel/errors.ts'
import { isBusy } from './busy.ts'
import * as first from './migrations/0001-first.ts'
import * as frontChannel from './migrations/0002-front-channel.ts'
import * as appHealth from './migrations/0003-app-health.ts'
import * as endJobs from './migrations/0004-end-jobs.ts'
import * as apiKeys from './migrations/0005-api-keys.ts'
import * as webhookMessages from './migrations/0006-webhook-messages.ts'
import * as offlineAccess from './migrations/0007-offline-access.ts'
import type { Schema } from './schema.ts'

/** Plain numbered steps, in order. A released one is never changed: two neighbouring versions run side by side. */
const migrations: Record<string, Migration> = {
  '0001-first': first,
  '0002-front-channel': frontChannel,
  '0003-app-health': appHealth,
  '0004-end-jobs': endJobs,
  '0005-api-keys': apiKeys,
  '0006-webhook-messages': webhookMessages,
  '0007-offline-access': offlineAccess,
}

function migratorOf(database: Kysely<Schema>): Migrator {
  return new Migrator({ db: database, provider: { getMigrations: () => Promise.resolve(migrations) } })
}

/**
 * Applies what is missing in one transaction. Several processes may start at once: the first `begin immediate` does the work,
 * the others find it done.
 */
export async function migrateToLatest(database: Kysely<Schema>): Promise<void> {
  const { error } = await migratorOf(database).migrateToLatest()
  // Another process holds the database, most likely because it does the same: worth another try.
  if (isBusy(error)) throw error
  if (error !== undefined) {
    throw new GatewayError('store_unavailable', 'The database schema could not be brought up to date.', {
      cause: error,
    })
  }
}

/** Names of the steps with the time each was applied, undefined for those that wait. */
export async function migrationStatus(
  database: Kysely<Schema>,
): Promise<readonly { readonly name: string; readonly appliedAt: Date | undefined }[]> {
  const all = await migratorOf(database).getMigrations()
  return all.map(({ name, executedAt }) => ({ name, appliedAt: executedAt }))
}
