import type { AccountId, AppId, AppSessionId, SsoSessionId } from '../kernel/ids.ts'
import type { Actor, OfflineCause } from './cause.ts'
import type { SessionSelector } from './ending.ts'

/**
 * An app's access while the person is away: one authorization whose refresh tokens outlive the session they came of. It begins under
 * a live AppSession and is remembered by itself, because the AppSession ends and the access does not.
 */
export interface OfflineAccess {
  /** The authorization: what a replay revokes. */
  readonly grantId: string
  readonly accountId: AccountId
  readonly appId: AppId
  readonly appSessionId: AppSessionId
  readonly ssoSessionId: SsoSessionId
  readonly startedAt: number
  /** When new tokens were last made of it. */
  readonly lastUsedAt: number
}

/** How long it lasts, from configuration. */
export interface OfflinePolicy {
  /** Unused for this long, it is over. */
  readonly idleMs: number
  /** It is over this long after it began, however often its tokens were renewed (N-057). */
  readonly absoluteMs: number
}

/** When it is over if it is not used again: decided at read, as with sessions. */
export function offlineEndsAt(
  { startedAt, lastUsedAt }: Pick<OfflineAccess, 'startedAt' | 'lastUsedAt'>,
  { idleMs, absoluteMs }: OfflinePolicy,
): number {
  return Math.min(lastUsedAt + idleMs, startedAt + absoluteMs)
}

/**
 * Revokes what the selector finds and leaves every session alone. Implemented in `logout/revoke-offline.ts`. Joins the caller's
 * transaction or opens a durable one. Returns how many.
 */
export type RevokeOffline = (selector: SessionSelector, cause: OfflineCause, actor: Actor) => Promise<number>
