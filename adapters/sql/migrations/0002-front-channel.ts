import { type Kysely, sql } from 'kysely'
import type { Schema } from '../schema.ts'

/**
 * Telling apps through the browser: deliveries may have that channel, and a sign-out's way through one browser is a row. A check cannot
 * be changed in place, so the table of deliveries is made anew with its rows.
 */
export async function up(database: Kysely<Schema>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(database)
}

const columns = `tenant, id, logout_id, app_session_id, app_id, account_id, sid, channel, state, attempts, created_at, due_at, give_up_at,
  refusals, refused_since, lease_by, settled_at, reason, may_last_until`

const statements = [
  // An app may be told in two ways, so what was not wanted cannot be counted from what is owed any more.
  'alter table logouts add column not_wanted integer not null default 0',
  `update logouts set not_wanted = max(0, app_sessions - (
    select count(*) from logout_deliveries as owed where owed.tenant = logouts.tenant and owed.logout_id = logouts.id))`,
  'alter table logout_deliveries rename to logout_deliveries_0001',
  `create table logout_deliveries (
    tenant text not null, id text not null, logout_id text not null, app_session_id text not null, app_id text not null,
    account_id text not null, sid text not null, channel text not null check (channel in ('back-channel', 'front-channel', 'none')),
    state text not null check (state in ('pending', 'delivered', 'sent', 'refused', 'abandoned', 'untellable')),
    attempts integer not null, created_at integer not null, due_at integer not null, give_up_at integer not null,
    refusals integer not null, refused_since integer, lease_by text, settled_at integer, reason text, may_last_until integer,
    primary key (tenant, id)) strict`,
  `insert into logout_deliveries (${columns}) select ${columns} from logout_deliveries_0001`,
  'drop table logout_deliveries_0001',
  'create index logout_deliveries_logout on logout_deliveries (tenant, logout_id)',
  "create index logout_deliveries_due on logout_deliveries (tenant, due_at) where state = 'pending'",
  "create index logout_deliveries_app on logout_deliveries (tenant, app_id, due_at) where state = 'pending'",
  "create index logout_deliveries_failed on logout_deliveries (tenant, app_id) where state in ('refused', 'abandoned')",
  'create index logout_deliveries_leased on logout_deliveries (tenant, app_id) where lease_by is not null',

  "create index logout_deliveries_carried on logout_deliveries (tenant, due_at) where state = 'pending' and channel = 'front-channel'",

  `create table logout_journeys (
    tenant text not null, logout_id text not null, browser_hash text not null, app_id text, continue_to text,
    started_at integer not null, expires_at integer not null,
    primary key (tenant, logout_id)) strict`,
  'create index logout_journeys_browser on logout_journeys (tenant, browser_hash, started_at)',
  'create index logout_journeys_expiry on logout_journeys (tenant, expires_at)',
]
