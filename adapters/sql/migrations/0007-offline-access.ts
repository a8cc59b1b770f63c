import { type Kysely, sql } from 'kysely'
import type { Schema } from '../schema.ts'

/**
 * Access that apps keep while people are away: one row an authorization, because it outlives the AppSession that it began under.
 *
 * The SsoSession it came of stays as long as it does, so that whatever ends it (a passkey removed, say) finds it as it finds a
 * session. Such a row is taken out of the index of those to forget, or each sweep would pass by all of them.
 */
export async function up(database: Kysely<Schema>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(database)
}

const statements = [
  `create table offline_accesses (
    tenant text not null, grant_id text not null, account_id text not null, app_id text not null,
    app_session_id text not null, sso_session_id text not null,
    started_at integer not null, last_used_at integer not null, expires_at integer not null,
    primary key (tenant, grant_id)) strict`,
  'create index offline_accesses_account on offline_accesses (tenant, account_id, last_used_at)',
  'create index offline_accesses_app on offline_accesses (tenant, app_id, account_id)',
  'create index offline_accesses_app_session on offline_accesses (tenant, app_session_id)',
  'create index offline_accesses_session on offline_accesses (tenant, sso_session_id)',
  'create index offline_accesses_expiry on offline_accesses (tenant, expires_at)',

  'alter table sso_sessions add column kept_until integer',
  'drop index sso_sessions_ended',
  `create index sso_sessions_ended on sso_sessions (tenant, ended_at) where ended_at is not null and kept_until is null`,
  'create index sso_sessions_kept on sso_sessions (tenant, kept_until) where kept_until is not null',
]
