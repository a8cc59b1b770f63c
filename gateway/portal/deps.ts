import type { Appearance } from '#views/appearance.ts'
import type { AccountStore } from '../accounts/store.ts'
import type { OwnAccount } from '../administration/own-account.ts'
import type { AppRegistry } from '../apps/registry.ts'
import type { Cookies } from '../http/cookies.ts'
import type { Csrf } from '../http/csrf.ts'
import type { SessionReader } from '../http/session.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Ephemeral } from '../kernel/ephemeral.ts'
import type { Journeys } from '../logout/journey.ts'
import type { LogoutReports } from '../logout/report.ts'
import type { SignOutRequests } from '../logout/sign-out-request.ts'
import type { OfflinePolicy } from '../sessions/offline-access.ts'
import type { SessionRegistry } from '../sessions/registry.ts'
import type { SsoSession } from '../sessions/sso-session.ts'
import type { SessionStore, TokenStore } from '../sessions/store.ts'
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
  readonly tokens: Pick<TokenStore, 'listOffline'>
  readonly offlinePolicy: OfflinePolicy
  readonly accounts: Pick<AccountStore, 'find'>
  readonly apps: Pick<AppRegistry, 'find' | 'list'>
  readonly signIn: SignIn
  readonly setUp: SetUp
  readonly passkeys: Passkeys
  readonly ownAccount: OwnAccount
  readonly journeys: Journeys
  readonly signOutRequests: SignOutRequests
  /** How long the page of a sign-out gives apps that only the browser can tell, before it goes on. */
  readonly frontChannelWaitMs: number
  readonly reports: Pick<LogoutReports, 'find'>
  /** Aborted when the process is about to stop: what would stay open ends. */
  readonly stopping: AbortSignal
}
