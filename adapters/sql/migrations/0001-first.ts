import { type Kysely, sql } from 'kysely'
import type { Schema } from '../schema.ts'

/**
 * Everything the gateway remembers. Rowid tables with few indexes: one for every question asked, none for anything else
 * (a random key costs a page each). `last_seen_at` is in no index; `check_at` is, and moves once per idle period.
 */
export async function up(database: Kysely<Schema>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(database)
}

const statements = [
  `create table accounts (
    tenant text not null, id text not null, email text not null, email_folded text not null, name text not null,
    groups text not null, operator integer not null, state text not null check (state in ('active', 'disabled')),
    file_fingerprint text, password_hash text, password_changed_at integer, webauthn_user text not null,
    created_at integer not null, updated_at integer not null,
    primary key (tenant, id)) strict`,
  'create unique index accounts_email on accounts (tenant, email_folded)',
  'create unique index accounts_webauthn_user on accounts (tenant, webauthn_user)',

  `create table credentials (
    tenant text not null, id text not null, account_id text not null, kind text not null check (kind in ('passkey')),
    webauthn_id text not null, public_key text not null, counter integer not null, transports text not null, aaguid text not null,
    backup_eligible integer not null, backed_up integer not null, name text not null,
    created_at integer not null, last_used_at integer,
    primary key (tenant, id)) strict`,
  'create unique index credentials_webauthn on credentials (tenant, webauthn_id)',
  'create index credentials_account on credentials (tenant, account_id)',

  `create table consents (
    tenant text not null, account_id text not null, app_id text not null, scopes text not null, claims text not null,
    granted_at integer not null,
    primary key (tenant, account_id, app_id)) strict`,

  `create table apps (
    tenant text not null, id text not null, record text not null, client_id text,
    state text not null check (state in ('enabled', 'disabled')), file_fingerprint text,
    created_at integer not null, updated_at integer not null,
    primary key (tenant, id)) strict`,
  'create unique index apps_client on apps (tenant, client_id)',

  `create table signing_keys (
    tenant text not null, kid text not null, alg text not null check (alg in ('ES256', 'RS256')), public_jwk text not null,
    sealed_private text not null, active_at integer not null, retired_at integer, created_at integer not null,
    primary key (tenant, kid)) strict`,

  `create table server_secrets (
    tenant text not null, name text not null, sealed text not null, created_at integer not null,
    primary key (tenant, name)) strict`,

  `create table sso_sessions (
    tenant text not null, id text not null, account_id text not null, started_at integer not null,
    authenticated_at integer not null, last_seen_at integer not null, remembered integer not null, acr text not null, amr text not null,
    credential_ids text not null, address text not null, user_agent text not null, check_at integer not null,
    ended_at integer, ended_cause text, ended_actor text, logout_id text,
    primary key (tenant, id)) strict`,
  'create index sso_sessions_account on sso_sessions (tenant, account_id, started_at)',
  'create index sso_sessions_started on sso_sessions (tenant, started_at)',
  'create index sso_sessions_check on sso_sessions (tenant, check_at) where ended_at is null',
  'create index sso_sessions_ended on sso_sessions (tenant, ended_at) where ended_at is not null',
  'create index sso_sessions_logout on sso_sessions (tenant, logout_id) where logout_id is not null',

  `create table session_secrets (
    tenant text not null, hash text not null, sso_session_id text not null,
    state text not null check (state in ('current', 'superseded', 'replaced')),
    issued_at integer not null, superseded_at integer, seen integer not null,
    primary key (tenant, hash)) strict`,
  'create index session_secrets_session on session_secrets (tenant, sso_session_id)',

  `create table session_credentials (
    tenant text not null, sso_session_id text not null, credential_id text not null,
    primary key (tenant, sso_session_id, credential_id)) strict`,
  'create index session_credentials_credential on session_credentials (tenant, credential_id)',

  `create table app_sessions (
    tenant text not null, id text not null, sso_session_id text not null, account_id text not null, app_id text not null,
    sid text not null, started_at integer not null, last_seen_at integer not null, check_at integer,
    ended_at integer, ended_cause text, ended_actor text, logout_id text,
    primary key (tenant, id)) strict`,
  // One active AppSession per SsoSession and app: two tabs that open the same new app at once get the same one.
  'create unique index app_sessions_active on app_sessions (tenant, sso_session_id, app_id) where ended_at is null',
  'create index app_sessions_session on app_sessions (tenant, sso_session_id)',
  'create unique index app_sessions_sid on app_sessions (tenant, app_id, sid)',
  'create index app_sessions_app on app_sessions (tenant, app_id, account_id) where ended_at is null',
  'create index app_sessions_check on app_sessions (tenant, check_at) where ended_at is null and check_at is not null',

  `create table oidc_artifacts (
    tenant text not null, kind text not null, id text not null, grant_id text, app_session_id text, user_code text,
    payload text not null, consumed_at integer, expires_at integer not null,
    primary key (tenant, kind, id)) strict`,
  'create index oidc_artifacts_app_session on oidc_artifacts (tenant, app_session_id) where app_session_id is not null',
  'create index oidc_artifacts_expiry on oidc_artifacts (tenant, expires_at)',

  `create table one_time_claims (
    tenant text not null, space text not null, id text not null, expires_at integer not null,
    primary key (tenant, space, id)) strict`,
  'create index one_time_claims_expiry on one_time_claims (tenant, expires_at)',

  `create table logouts (
    tenant text not null, id text not null, cause text not null, actor text not null, account_id text,
    started_at integer not null, settled_at integer, sso_sessions integer not null, app_sessions integer not null,
    primary key (tenant, id)) strict`,
  'create index logouts_started on logouts (tenant, started_at)',
  'create index logouts_settled on logouts (tenant, settled_at) where settled_at is not null',
  'create index logouts_unsettled on logouts (tenant, started_at) where settled_at is null',
  'create index logouts_account on logouts (tenant, account_id, started_at) where account_id is not null',

  `create table logout_deliveries (
    tenant text not null, id text not null, logout_id text not null, app_session_id text not null, app_id text not null,
    account_id text not null, sid text not null, channel text not null check (channel in ('back-channel', 'none')),
    state text not null check (state in ('pending', 'delivered', 'sent', 'refused', 'abandoned', 'untellable')),
    attempts integer not null, created_at integer not null, due_at integer not null, give_up_at integer not null,
    refusals integer not null, refused_since integer, lease_by text, settled_at integer, reason text, may_last_until integer,
    primary key (tenant, id)) strict`,
  'create index logout_deliveries_logout on logout_deliveries (tenant, logout_id)',
  "create index logout_deliveries_due on logout_deliveries (tenant, due_at) where state = 'pending'",
  "create index logout_deliveries_app on logout_deliveries (tenant, app_id, due_at) where state = 'pending'",
  "create index logout_deliveries_failed on logout_deliveries (tenant, app_id) where state in ('refused', 'abandoned')",
  'create index logout_deliveries_leased on logout_deliveries (tenant, app_id) where lease_by is not null',

  `create table delivery_attempts (
    tenant text not null, delivery_id text not null, number integer not null, started_at integer not null, duration_ms integer not null,
    outcome text not null check (outcome in ('acknowledged', 'refused', 'unreachable')), status integer, error text,
    primary key (tenant, delivery_id, number)) strict`,

  `create table audit_events (
    seq integer primary key autoincrement, tenant text not null, at integer not null, type text not null, actor text not null,
    subject text not null, detail text not null, request_id text, position integer, chain text) strict`,
  'create index audit_events_unsealed on audit_events (tenant, seq) where chain is null',
  'create unique index audit_events_position on audit_events (tenant, position) where position is not null',
  'create index audit_events_subject on audit_events (tenant, subject, seq)',
  'create index audit_events_at on audit_events (tenant, at)',

  `create table audit_checkpoints (
    tenant text not null, position integer not null, at integer not null, chain text not null, signature text not null,
    start_signature text,
    primary key (tenant, position)) strict`,

  'create table change_counters (topic text not null primary key, counter integer not null) strict',
]
