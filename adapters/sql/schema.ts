import type { Generated } from 'kysely'

/**
 * Every table as Kysely sees it: the same on each engine. Times are integer milliseconds, flags 0 or 1, documents JSON text,
 * and every durable table carries `tenant`. `migrations/` makes them; what each holds and how long is in ARCHITECTURE.md.
 */
export interface Schema {
  accounts: AccountRow
  credentials: CredentialRow
  consents: ConsentRow
  apps: AppRow
  signing_keys: SigningKeyRow
  server_secrets: ServerSecretRow
  sso_sessions: SsoSessionRow
  session_secrets: SessionSecretRow
  session_credentials: SessionCredentialRow
  app_sessions: AppSessionRow
  oidc_artifacts: OidcArtifactRow
  offline_accesses: OfflineAccessRow
  one_time_claims: OneTimeClaimRow
  logouts: LogoutRow
  logout_deliveries: LogoutDeliveryRow
  delivery_attempts: DeliveryAttemptRow
  webhook_messages: WebhookMessageRow
  logout_journeys: LogoutJourneyRow
  app_health: AppHealthRow
  end_jobs: EndJobRow
  audit_events: AuditEventRow
  audit_checkpoints: AuditCheckpointRow
  change_counters: ChangeCounterRow
  api_keys: ApiKeyRow
}

export interface AccountRow {
  tenant: string
  id: string
  email: string
  /** Lower-cased, NFKC: unique per tenant. */
  email_folded: string
  name: string
  groups: string
  operator: number
  state: 'active' | 'disabled'
  /** Set for accounts that the configuration file declares: a keyed fingerprint of the entry. */
  file_fingerprint: string | null
  password_hash: string | null
  password_changed_at: number | null
  /** WebAuthn user handle, random, never the id or the e-mail. */
  webauthn_user: string
  created_at: number
  updated_at: number
}

export interface CredentialRow {
  tenant: string
  id: string
  account_id: string
  kind: 'passkey'
  webauthn_id: string
  public_key: string
  counter: number
  transports: string
  aaguid: string
  backup_eligible: number
  backed_up: number
  name: string
  created_at: number
  last_used_at: number | null
}

export interface ConsentRow {
  tenant: string
  account_id: string
  app_id: string
  scopes: string
  claims: string
  granted_at: number
}

export interface AppRow {
  tenant: string
  id: string
  /** The app's record as JSON. */
  record: string
  client_id: string | null
  state: 'enabled' | 'disabled'
  file_fingerprint: string | null
  created_at: number
  updated_at: number
}

export interface SigningKeyRow {
  tenant: string
  kid: string
  alg: 'ES256' | 'RS256'
  public_jwk: string
  /** The private key, sealed with the key of DECISIONS 33. */
  sealed_private: string
  /** When it is first used to sign; published before that. */
  active_at: number
  /** When it stopped signing; null for the one that signs or will. */
  retired_at: number | null
  created_at: number
}

export interface ServerSecretRow {
  tenant: string
  name: string
  sealed: string
  created_at: number
}

export interface SsoSessionRow {
  tenant: string
  id: string
  account_id: string
  started_at: number
  authenticated_at: number
  last_seen_at: number
  remembered: number
  acr: string
  amr: string
  credential_ids: string
  address: string
  user_agent: string
  check_at: number
  ended_at: number | null
  ended_cause: string | null
  ended_actor: string | null
  logout_id: string | null
  /** Set on one that ended and would be forgotten, but an app's offline access came of it: when to look again. */
  kept_until: number | null
}

export interface SessionSecretRow {
  tenant: string
  hash: string
  sso_session_id: string
  state: 'current' | 'superseded' | 'replaced'
  issued_at: number
  superseded_at: number | null
  seen: number
}

export interface SessionCredentialRow {
  tenant: string
  sso_session_id: string
  credential_id: string
}

export interface AppSessionRow {
  tenant: string
  id: string
  sso_session_id: string
  account_id: string
  app_id: string
  sid: string
  started_at: number
  last_seen_at: number
  check_at: number | null
  ended_at: number | null
  ended_cause: string | null
  ended_actor: string | null
  logout_id: string | null
}

export interface OidcArtifactRow {
  tenant: string
  kind: string
  /** SHA-256 of the value that the app or browser holds. */
  id: string
  /** One authorization and all that came of it; a family of refresh tokens shares it. */
  grant_id: string | null
  app_session_id: string | null
  user_code: string | null
  payload: string
  consumed_at: number | null
  expires_at: number
}

export interface OfflineAccessRow {
  tenant: string
  /** As in `oidc_artifacts`: its refresh tokens are there. */
  grant_id: string
  account_id: string
  app_id: string
  app_session_id: string
  sso_session_id: string
  started_at: number
  last_used_at: number
  expires_at: number
}

/** Ids that others issued and that must be accepted once: client assertion jti, DPoP jti. */
export interface OneTimeClaimRow {
  tenant: string
  space: string
  id: string
  expires_at: number
}

export interface LogoutRow {
  tenant: string
  id: string
  cause: string
  actor: string
  account_id: string | null
  started_at: number
  /** When the last delivery left `pending`; null while any is. */
  settled_at: number | null
  sso_sessions: number
  app_sessions: number
  /** AppSessions whose app does not want to hear of this cause. */
  not_wanted: number
}

export interface LogoutDeliveryRow {
  tenant: string
  id: string
  logout_id: string
  app_session_id: string
  app_id: string
  account_id: string
  sid: string
  channel: 'back-channel' | 'front-channel' | 'none'
  state: 'pending' | 'delivered' | 'sent' | 'refused' | 'abandoned' | 'untellable'
  attempts: number
  created_at: number
  /** When the next attempt is due; while leased, when the lease runs out. */
  due_at: number
  give_up_at: number
  /** Noes in a row, and when the first of them came. */
  refusals: number
  refused_since: number | null
  lease_by: string | null
  settled_at: number | null
  /** In words that are safe to show, for whatever ended otherwise than delivered. */
  reason: string | null
  may_last_until: number | null
}

export interface DeliveryAttemptRow {
  tenant: string
  delivery_id: string
  number: number
  started_at: number
  duration_ms: number
  outcome: 'acknowledged' | 'refused' | 'unreachable'
  status: number | null
  error: string | null
}

export interface AppHealthRow {
  tenant: string
  app_id: string
  /** In a row: all that were not confirmed, and those that count towards opening the breaker. */
  failures: number
  silences: number
  failing_since: number | null
  reason: string | null
  /** Set while the breaker is open. */
  probe_at: number | null
  probes: number
  last_confirmed_at: number | null
}

/** An ending of many sessions that is worked off in batches. */
export interface EndJobRow {
  tenant: string
  logout_id: string
  selector: string
  cause: string
  actor: string
  /** What began by then has ended. */
  epoch_at: number
  /** How many sessions there were to end, and how many are marked so far. */
  found: number
  ended: number
  finished_at: number | null
}

/** Waits, is leased and settles as a delivery does. */
export interface WebhookMessageRow
  extends Pick<
    LogoutDeliveryRow,
    | 'tenant'
    | 'state'
    | 'attempts'
    | 'created_at'
    | 'due_at'
    | 'give_up_at'
    | 'refusals'
    | 'refused_since'
    | 'lease_by'
    | 'settled_at'
    | 'reason'
  > {
  id: string
  type: string
  /** Messages of one topic that nobody has tried to send yet are one. */
  topic: string
  data: string
  count: number
}

export interface LogoutJourneyRow {
  tenant: string
  logout_id: string
  /** SHA-256 of the browser's binding secret. */
  browser_hash: string
  app_id: string | null
  continue_to: string | null
  started_at: number
  expires_at: number
}

export interface AuditEventRow {
  tenant: string
  seq: Generated<number>
  at: number
  type: string
  actor: string
  subject: string
  detail: string
  request_id: string | null
  /** Both written by the sealer, not by the transaction that wrote the event (DECISIONS 29). */
  position: number | null
  chain: string | null
}

export interface AuditCheckpointRow {
  tenant: string
  position: number
  at: number
  chain: string
  signature: string
  /** Set when the lines up to here were forgotten. */
  start_signature: string | null
}

export interface ChangeCounterRow {
  topic: string
  counter: number
}

export interface ApiKeyRow {
  tenant: string
  id: string
  name: string
  /** SHA-256 of the key: what a program holds is stored nowhere. */
  secret_hash: string
  scopes: string
  created_at: number
  created_by: string
  expires_at: number | null
  last_used_at: number | null
  revoked_at: number | null
}
