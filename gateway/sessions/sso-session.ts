import type { AccountId, CredentialId, LogoutId, SsoSessionId } from '../kernel/ids.ts'
import type { Acr, Amr } from './assurance.ts'
import type { Actor, Cause } from './cause.ts'

/** What ended a session, kept with it as history. */
export interface Ending {
  readonly at: number
  readonly cause: Cause
  readonly actor: Actor
  readonly logoutId: LogoutId
}

/** A person's signed-in browser at the gateway. Instants in ms. */
export interface SsoSession {
  readonly id: SsoSessionId
  readonly accountId: AccountId
  readonly startedAt: number
  /** When the person last proved who they are: `auth_time`. */
  readonly authenticatedAt: number
  /** Last use, written at most once per `touchEveryMs` (see lifetime). */
  readonly lastSeenAt: number
  /** "Keep me signed in" was chosen, so the longer absolute limit holds. */
  readonly remembered: boolean
  readonly acr: Acr
  readonly amr: readonly Amr[]
  /** Passkeys that opened or strengthened it: removing one ends it. */
  readonly credentialIds: readonly CredentialId[]
  readonly address: string
  /** The User-Agent header, cut to 512 characters. */
  readonly userAgent: string
  readonly ended?: Ending
}

/**
 * One value the cookie has had. A session has one `current` secret; older ones are kept so that a stolen one is recognised.
 * `superseded`: rotated by the clock, valid for a grace. `replaced`: by a change of privilege, never valid again.
 */
export interface SessionSecret {
  readonly hash: string
  readonly ssoSessionId: SsoSessionId
  readonly state: 'current' | 'superseded' | 'replaced'
  /** When it became current. */
  readonly issuedAt: number
  /** When the next one was issued; absent for the current one. */
  readonly supersededAt?: number
  /** True once the browser has shown it: then the one before it has no excuse left. */
  readonly seen: boolean
}
