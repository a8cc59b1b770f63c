import type { AccountId, AppId, AppSessionId, CredentialId, LogoutId, SsoSessionId } from '../kernel/ids.ts'
import type { Actor, Cause } from './cause.ts'

/** Which sessions to end. The last two end AppSessions only and leave the SsoSession alive. */
export type SessionSelector =
  | { readonly kind: 'sso-sessions'; readonly ids: readonly SsoSessionId[] }
  | { readonly kind: 'account'; readonly accountId: AccountId; readonly except?: SsoSessionId }
  | { readonly kind: 'credential'; readonly credentialId: CredentialId; readonly except?: SsoSessionId }
  | { readonly kind: 'app-sessions'; readonly ids: readonly AppSessionId[] }
  | { readonly kind: 'app'; readonly appId: AppId; readonly accountId?: AccountId }

export interface EndResult {
  /** Absent when nothing was active: then nothing was written and no one is told. */
  readonly logoutId?: LogoutId
  readonly ssoSessionIds: readonly SsoSessionId[]
  readonly appSessionIds: readonly AppSessionId[]
  /** How many apps' access while the person is away was revoked, if any: also of sessions that had ended before. */
  readonly offlineAccesses?: number
}

/**
 * The one door through which every session ends. Declared here and implemented in `logout/end-session.ts`, so that sign-in and
 * administration can end sessions without knowing how apps are told. Joins the caller's transaction or opens a durable one.
 */
export type EndSession = (selector: SessionSelector, cause: Cause, actor: Actor) => Promise<EndResult>
