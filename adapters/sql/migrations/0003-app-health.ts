import { type Kysely, sql } from 'kysely'
import type { Schema } from '../schema.ts'

/** What is known of telling each app, and its breaker. A row appears with the first answer of an app. */
export async function up(database: Kysely<Schema>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(database)
}

const statements = [
  `create table app_health (
    tenant text not null, app_id text not null, failures integer not null, silences integer not null, failing_since integer,
    reason text, probe_at integer, probes integer not null, last_confirmed_at integer,
    primary key (tenant, app_id)) strict`,
  // Each claim asks which breakers are open: nearly always none.
  'create index app_health_open on app_health (tenant, probe_at) where probe_at is not null',
  // What waits behind an open breaker is given up in its time without an attempt of its own.
  "create index logout_deliveries_give_up on logout_deliveries (tenant, app_id, give_up_at) where state = 'pending'",
]
