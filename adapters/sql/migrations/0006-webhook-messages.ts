import { type Kysely, sql } from 'kysely'
import type { Schema } from '../schema.ts'

/**
 * Messages to the operator's webhook, and the order in which a receipt reads the deliveries of one Logout, in place of the index that
 * found them in no order.
 */
export async function up(database: Kysely<Schema>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(database)
}

const statements = [
  `create table webhook_messages (
    tenant text not null, id text not null, type text not null, topic text not null, data text not null, count integer not null,
    created_at integer not null,
    state text not null check (state in ('pending', 'delivered', 'refused', 'abandoned')),
    attempts integer not null, due_at integer not null, give_up_at integer not null, refusals integer not null, refused_since integer,
    lease_by text, settled_at integer, reason text,
    primary key (tenant, id)) strict`,
  // What comes before the first attempt joins the message that waits already.
  'create unique index webhook_messages_open on webhook_messages (tenant, type, topic) where attempts = 0',
  "create index webhook_messages_due on webhook_messages (tenant, due_at) where state = 'pending'",
  'create index webhook_messages_created on webhook_messages (tenant, created_at)',

  'create index logout_deliveries_of_logout on logout_deliveries (tenant, logout_id, id)',
  'drop index if exists logout_deliveries_logout',
]
