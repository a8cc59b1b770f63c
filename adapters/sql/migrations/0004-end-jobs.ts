import { type Kysely, sql } from 'kysely'
import type { Schema } from '../schema.ts'

/** Endings of many sessions that are worked off in batches. */
export async function up(database: Kysely<Schema>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(database)
}

const statements = [
  `create table end_jobs (
    tenant text not null, logout_id text not null, selector text not null, cause text not null, actor text not null,
    epoch_at integer not null, found integer not null, ended integer not null, finished_at integer,
    primary key (tenant, logout_id)) strict`,
  'create index end_jobs_open on end_jobs (tenant, epoch_at) where finished_at is null',
  // With the session in it, or SQLite reads the key of the whole table for the sessions of one passkey.
  'drop index session_credentials_credential',
  'create index session_credentials_credential on session_credentials (tenant, credential_id, sso_session_id)',
  // Whether a Logout still waits for an app is asked at each booking, and a large one has hundreds of thousands that it does not wait for.
  "create index logout_deliveries_pending on logout_deliveries (tenant, logout_id) where state = 'pending'",
]
