import type { Appearance } from '#views/appearance.ts'
import type { NewPasswordProblem } from '../accounts/directory.ts'
import type { AccountStore } from '../accounts/store.ts'
import type { AppRegistry } from '../apps/registry.ts'
import type { Cookies } from '../http/cookies.ts'
import type { Csrf } from '../http/csrf.ts'
import type { SessionReader } from '../http/session.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Ephemeral } from '../kernel/ephemeral.ts'
import type { AppId, SsoSessionId } from '../kernel/ids.ts'
import type { Journeys } from '../logout/journey.ts'
import type { LogoutReports } from '../logout/report.ts'
import type { EndResult } from '../sessions/ending.ts'
import type { SessionRegistry } from '../sessions/registry.ts'
import type { SsoSession } from '../sessions/sso-session.ts'
import type { SessionStore } from '../sessions/store.ts'
import type { Passkeys } from '../sign-in/passkeys.ts'
import type { SetUp } from '../sign-in/set-up.ts'
import type { SignIn } from '../sign-in/sign-in.ts'

/** Everything the pages stand on. Nothing here knows a protocol that apps speak. */
export interface PortalDeps {
  readonly issuer: string
  readonly appearance: Appearance
  /** Whether the sign-in page offers "Keep me signed in". */
  readonly rememberMe: boolean
  readonly clock: Clock
  readonly ephemeral: Ephemeral
  readonly cookies: Cookies
  readonly csrf: Csrf
  readonly sessionOf: SessionReader<SsoSession>
  readonly sessions: Pick<SessionRegistry, 'policy' | 'touch'>
  readonly sessionStore: Pick<SessionStore, 'listByAccount' | 'appSessionsOf'>
  readonly accounts: Pick<AccountStore, 'find'>
  readonly apps: Pick<AppRegistry, 'find' | 'list'>
  readonly signIn: SignIn
  readonly setUp: Omit<SetUp, 'createLink'>
  readonly passkeys: Passkeys
  readonly ownAccount: OwnAccount
  readonly journeys: Journeys
  readonly reports: Pick<LogoutReports, 'find'>
}

/** What people do to their own account and sessions. Every one acts for the person whose session is handed in, and on no one else. */
export interface OwnAccount {
  /** Ends the session. `askedBy`: an app asked for it and the person agreed. */
  signOut(session: SsoSession, askedBy?: AppId): Promise<EndResult>
  /** Ends one session of the same person; an empty result when it is not theirs or has ended already. */
  endSession(session: SsoSession, id: SsoSessionId): Promise<EndResult>
  endOtherSessions(session: SsoSession): Promise<EndResult>
  /** Sets the password, ends all other sessions and replaces this one's secret (DECISIONS 20). */
  changePassword(of: PasswordChange): Promise<PasswordChangeOutcome>
}

export interface PasswordChange {
  readonly session: SsoSession
  /** Absent where the account has none yet. */
  readonly currentPassword?: string
  readonly newPassword: string
  readonly address: string
  readonly browser: string
}

export type PasswordChangeOutcome =
  /** `secret` is the cookie's next value. */
  | { readonly kind: 'changed'; readonly secret: string }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'invalid'; readonly problem: NewPasswordProblem | 'unchanged' }
  | { readonly kind: 'throttled'; readonly retryAfterSeconds: number }
  | { readonly kind: 'busy'; readonly retryAfterSeconds: number }
  /** The configuration file decides it (DECISIONS 32). */
  | { readonly kind: 'file-owned' }
  | { readonly kind: 'session-ended' }
