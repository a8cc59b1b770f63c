import { type Kysely, sql } from 'kysely'
import type { Schema } from '../schema.ts'

/**
 * Keys of programs, and one index for each question that they ask of sessions and Logouts: which are active, which came from an
 * address, which had to do with an app. Each is the newest first, so that a page costs what it shows and not what is stored.
 */
export async function up(database: Kysely<Schema>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(database)
}

const statements = [
  `create table api_keys (
    tenant text not null, id text not null, name text not null, secret_hash text not null, scopes text not null,
    created_at integer not null, created_by text not null, expires_at integer, last_used_at integer, revoked_at integer,
    primary key (tenant, id)) strict`,
  'create unique index api_keys_secret on api_keys (tenant, secret_hash)',

  'create index sso_sessions_active on sso_sessions (tenant, started_at) where ended_at is null',
  'create index sso_sessions_address on sso_sessions (tenant, address, started_at)',
  'create index logout_deliveries_of_app on logout_deliveries (tenant, app_id, logout_id)',
]
