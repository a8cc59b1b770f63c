import type { AppSessionId } from '../kernel/ids.ts'
import type { AppSession } from '../sessions/app-session.ts'
import type { SessionTimes } from '../sessions/lifetime.ts'
import type { OfflineAccess } from '../sessions/offline-access.ts'
import type { SsoSession } from '../sessions/sso-session.ts'

/** Codes and tokens: what an app holds and shows again. They live and die with an AppSession, or with an OfflineAccess that outlived it. */
export type TokenKind = 'AuthorizationCode' | 'AccessToken' | 'RefreshToken'

/** One stored code or token. `id` is the SHA-256 of what the app holds. */
export interface StoredToken {
  readonly kind: TokenKind
  readonly id: string
  /** One authorization and everything that came of it: what a replay revokes. */
  readonly grantId: string
  readonly appSessionId: AppSessionId
  readonly payload: Readonly<Record<string, unknown>>
  readonly expiresAt: number
}

export interface FoundToken extends StoredToken {
  readonly consumedAt?: number
  /** A revoked grant stays revoked, whatever is written later: it is a tombstone, not an absence. */
  readonly grantRevoked: boolean
  /** Its AppSession or SsoSession has ended. */
  readonly ended: boolean
  /** Its authorization is an offline access: then it may outlive both. */
  readonly offline?: Pick<OfflineAccess, 'startedAt' | 'lastUsedAt'>
  readonly appSession: Omit<AppSession, 'ended'>
  readonly ssoSession: SessionTimes & Pick<SsoSession, 'id'>
}

/**
 * Where the engine's codes, tokens and replay ids live. Expiry and the end of a session are decided at read by whoever reads;
 * nothing here deletes to forbid. Absence is undefined; a store that cannot answer throws.
 */
export interface ArtifactStore {
  /**
   * Inserts a token under a live AppSession and SsoSession, in one statement. False when either has ended: then nothing was
   * written (DECISIONS 13), unless it is no code and its grant is an offline access. Inserting the same id again where it might be
   * inserted changes nothing and is true.
   */
  insert(token: StoredToken): Promise<boolean>
  /** The token with what its life hangs on, in one read. */
  find(kind: TokenKind, id: string): Promise<FoundToken | undefined>
  /** Marks it used. Of any number at once exactly one gets true. */
  consume(kind: TokenKind, id: string, at: number): Promise<boolean>
  delete(kind: TokenKind, id: string): Promise<void>
  /**
   * Makes the grant an offline access, under a live AppSession and SsoSession: its refresh tokens may outlive both. False when either
   * has ended. `expiresAt` is when it may be forgotten; whether it still holds is decided by whoever reads.
   */
  beginOffline(of: {
    readonly grantId: string
    readonly appSessionId: AppSessionId
    readonly at: number
    readonly expiresAt: number
  }): Promise<boolean>
  /** Notes that new tokens are made of it; nothing when there is none. */
  useOffline(grantId: string, at: number, expiresAt: number): Promise<void>
  /** Revokes everything of the grant, now and later, until `keepUntil`, its offline access too. True for the first who did. */
  revokeGrant(grantId: string, at: number, keepUntil: number): Promise<boolean>
  /** Takes an id that others issued (DPoP proof, client assertion). Of any number at once exactly one gets true. */
  claimOnce(space: string, id: string, now: number, expiresAt: number): Promise<boolean>
}
