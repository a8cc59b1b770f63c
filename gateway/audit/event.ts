import type {
  AccountId,
  ApiKeyId,
  AppId,
  AppSessionId,
  CredentialId,
  DeliveryId,
  KeyId,
  LogoutId,
  SsoSessionId,
} from '../kernel/ids.ts'
import type { Actor, Cause, OfflineCause } from '../sessions/cause.ts'

/**
 * Everything worth a line in the audit trail, closed. Begins, joins, ends, credentials, refusals that hint at an attack and
 * administration are events; each token is a metric, not an event. No secret and no password is ever part of one.
 */
export type AuditEvent =
  | {
      readonly type: 'session.started'
      readonly accountId: AccountId
      readonly ssoSessionId: SsoSessionId
      readonly methods: readonly string[]
      readonly address: string
    }
  | {
      readonly type: 'session.strengthened'
      readonly accountId: AccountId
      readonly ssoSessionId: SsoSessionId
      readonly methods: readonly string[]
      readonly address: string
    }
  | {
      readonly type: 'session.joined'
      readonly accountId: AccountId
      readonly ssoSessionId: SsoSessionId
      readonly appSessionId: AppSessionId
      readonly appId: AppId
    }
  | {
      readonly type: 'session.ended'
      readonly accountId: AccountId
      readonly ssoSessionId: SsoSessionId
      readonly cause: Cause
      readonly logoutId: LogoutId
    }
  | {
      readonly type: 'app-session.ended'
      readonly accountId: AccountId
      readonly appSessionId: AppSessionId
      readonly appId: AppId
      readonly cause: Cause
      readonly logoutId: LogoutId
    }
  | {
      /** More than one batch ends: each session has its own event once a batch has marked it. */
      readonly type: 'sessions.ending'
      readonly logoutId: LogoutId
      readonly cause: Cause
      /** What was asked for, as the job keeps it. */
      readonly selector: object
      readonly sessions: number
      readonly appSessions?: number
      readonly accounts?: number
      readonly apps?: number
    }
  | {
      readonly type: 'session.secret-replayed'
      readonly accountId: AccountId
      readonly ssoSessionId: SsoSessionId
      readonly address: string
    }
  | { readonly type: 'session.unknown-secret'; readonly address: string }
  | {
      readonly type: 'delivery.settled'
      readonly logoutId: LogoutId
      readonly appId: AppId
      readonly state: string
      readonly attempts: number
    }
  /** An operator asked for apps to be told now: one delivery, all of a Logout, all of an app, or all. */
  | {
      readonly type: 'delivery.retried'
      readonly deliveryId?: DeliveryId
      readonly logoutId?: LogoutId
      readonly appId?: AppId
      readonly count: number
    }
  | {
      readonly type: 'sign-in.failed'
      readonly accountId?: AccountId
      readonly method: string
      readonly reason: string
      readonly address: string
    }
  | { readonly type: 'sign-in.throttled'; readonly scope: 'account' | 'address'; readonly address: string }
  | { readonly type: 'passkey.added'; readonly accountId: AccountId; readonly credentialId: CredentialId }
  | { readonly type: 'passkey.renamed'; readonly accountId: AccountId; readonly credentialId: CredentialId }
  | { readonly type: 'passkey.removed'; readonly accountId: AccountId; readonly credentialId: CredentialId }
  | {
      readonly type: 'passkey.counter-regressed'
      readonly accountId: AccountId
      readonly credentialId: CredentialId
      readonly stored: number
      readonly shown: number
    }
  | { readonly type: 'password.changed'; readonly accountId: AccountId }
  | { readonly type: 'account.created'; readonly accountId: AccountId }
  | { readonly type: 'account.changed'; readonly accountId: AccountId; readonly fields: readonly string[] }
  | { readonly type: 'account.disabled'; readonly accountId: AccountId }
  | { readonly type: 'account.enabled'; readonly accountId: AccountId }
  | { readonly type: 'account.deleted'; readonly accountId: AccountId }
  | { readonly type: 'set-up-link.created' }
  | { readonly type: 'set-up-link.used'; readonly accountId: AccountId }
  | { readonly type: 'app.created'; readonly appId: AppId }
  | { readonly type: 'app.changed'; readonly appId: AppId; readonly fields: readonly string[] }
  | { readonly type: 'app.disabled'; readonly appId: AppId }
  | { readonly type: 'app.enabled'; readonly appId: AppId }
  | { readonly type: 'app.removed'; readonly appId: AppId }
  | {
      readonly type: 'app.checked'
      readonly appId: AppId
      readonly outcome: string
      /** Which cases failed. */
      readonly failed: readonly string[]
    }
  | {
      readonly type: 'consent.granted'
      readonly accountId: AccountId
      readonly appId: AppId
      readonly scopes: readonly string[]
    }
  | { readonly type: 'consent.denied'; readonly accountId: AccountId; readonly appId: AppId }
  | { readonly type: 'offline-access.started'; readonly accountId: AccountId; readonly appId: AppId }
  | {
      readonly type: 'offline-access.revoked'
      readonly accountId: AccountId
      readonly appId: AppId
      readonly cause: OfflineCause
    }
  | { readonly type: 'code.replayed'; readonly appId: AppId; readonly accountId?: AccountId }
  | { readonly type: 'refresh-token.replayed'; readonly appId: AppId; readonly accountId?: AccountId }
  | { readonly type: 'refresh-token.given-again'; readonly appId: AppId; readonly accountId?: AccountId }
  | {
      readonly type: 'api-key.created'
      readonly apiKeyId: ApiKeyId
      readonly name: string
      readonly scopes: readonly string[]
      readonly expiresAt?: number
    }
  | { readonly type: 'api-key.revoked'; readonly apiKeyId: ApiKeyId }
  | { readonly type: 'key.created'; readonly keyId: KeyId; readonly alg: string }
  | { readonly type: 'key.activated'; readonly keyId: KeyId; readonly alg: string }
  | { readonly type: 'key.retired'; readonly keyId: KeyId; readonly alg: string }

export type AuditEventType = AuditEvent['type']

/** What every line also says. */
export interface AuditContext {
  readonly actor: Actor
}

/**
 * Appends one event inside the current transaction: it commits with what it tells of, or not at all (invariant 2).
 * Declared beside the event so that every rank may append; implemented in `audit/trail.ts`.
 */
export type AppendAudit = (event: AuditEvent, context: AuditContext) => Promise<void>
