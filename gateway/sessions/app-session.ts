import type { AccountId, AppId, AppSessionId, SsoSessionId } from '../kernel/ids.ts'
import type { Ending } from './sso-session.ts'

/** Our record that an app got a session out of an SsoSession. At most one active per SsoSession and app. */
export interface AppSession {
  readonly id: AppSessionId
  readonly ssoSessionId: SsoSessionId
  readonly accountId: AccountId
  readonly appId: AppId
  /** OIDC `sid`: published in ID and logout tokens, never a credential. */
  readonly sid: string
  readonly startedAt: number
  readonly lastSeenAt: number
  readonly ended?: Ending
}
