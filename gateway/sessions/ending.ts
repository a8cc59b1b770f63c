import type { AccountId, AppId, AppSessionId, CredentialId, LogoutId, SsoSessionId } from '../kernel/ids.ts'
import type { Actor, Cause } from './cause.ts'

/** Which SsoSessions, by what is known of them: all conditions that are given must hold, so `{}` is everyone. They end whole. */
export interface SessionWhere {
  readonly account?: AccountId
  /** In which this app has an active AppSession; of ended ones, those that it keeps access of. */
  readonly app?: AppId
  /** Signed in from an address of this network, such as `192.0.2.0/24` or `2001:db8::/32`. */
  readonly network?: string
  /** That this passkey opened or strengthened. */
  readonly credential?: CredentialId
  /** The same for every passkey of this model. */
  readonly aaguid?: string
  /** Begun before this instant, ms. */
  readonly startedBefore?: number
  /** What the person signed in with. */
  readonly method?: 'passkey' | 'password'
}

/** A selector that one batch can take from the start, without looking at sessions that it does not mean. */
export type DirectSelector =
  | { readonly kind: 'sso-sessions'; readonly ids: readonly SsoSessionId[] }
  | { readonly kind: 'account'; readonly accountId: AccountId; readonly except?: SsoSessionId }
  | { readonly kind: 'credential'; readonly credentialId: CredentialId; readonly except?: SsoSessionId }
  | { readonly kind: 'app-sessions'; readonly ids: readonly AppSessionId[] }
  | { readonly kind: 'app'; readonly appId: AppId; readonly accountId?: AccountId }

/** Which sessions to end. `app-sessions` and `app` end AppSessions only and leave the SsoSession alive. */
export type SessionSelector = DirectSelector | { readonly kind: 'where'; readonly where: SessionWhere }

/** The browser that holds the session which ends: it may watch what becomes of it, and it carries what only a browser can. */
export interface ThroughBrowser {
  /** The secret that tells it from every other. */
  readonly browser: string
  /** The app that asked for the sign-out. */
  readonly appId?: AppId
  /** Where it goes afterwards: a path of ours, or an address that is registered for that app. */
  readonly continueTo?: string
}

export interface EndResult {
  /** Absent when nothing was active: then nothing was written and no one is told. */
  readonly logoutId?: LogoutId
  readonly ssoSessionIds: readonly SsoSessionId[]
  readonly appSessionIds: readonly AppSessionId[]
  /** How many apps' access while the person is away was revoked, if any: also of sessions that had ended before. */
  readonly offlineAccesses?: number
  /** More than one batch: the others count as ended from now on too, and are settled in the background under the same Logout. */
  readonly continues?: true
  /** True: apps wait for the browser, which must pass by the page of the Logout. */
  readonly browserNeeded?: true
}

/**
 * The one door through which every session ends. Declared here and implemented in `logout/end-session.ts`, so that sign-in and
 * administration can end sessions without knowing how apps are told. Joins the caller's transaction or opens a durable one.
 * `through`: given where the browser of these sessions is there; without it an app that only a browser can tell cannot be told.
 */
export type EndSession = (
  selector: SessionSelector,
  cause: Cause,
  actor: Actor,
  through?: ThroughBrowser,
) => Promise<EndResult>

/**
 * Sessions that have ended by an instant and are not all marked yet (DECISIONS 23): whoever reads one of them finds it ended.
 */
export interface OpenEnding {
  readonly logoutId: LogoutId
  readonly selector: SessionSelector
  readonly cause: Cause
  readonly actor: Actor
  /** Covers what began at this instant or before. */
  readonly epochAt: number
}

/** What a selector finds active. */
export interface SessionCounts {
  readonly ssoSessions: number
  readonly appSessions: number
  readonly accounts: number
  readonly apps: number
}

/** How commands end any number of sessions. Implemented in `logout/`. */
export interface EndMany {
  /** Commits, in the caller's durable transaction, that these sessions have ended. `counts` is what was found just before. */
  begin(where: SessionWhere, counts: SessionCounts, cause: Cause, actor: Actor): Promise<LogoutId>
  /** Settles what was begun under this Logout, batch by batch, to the end. */
  settle(id: LogoutId): Promise<void>
}

/** Where a browser watches what became of a Logout that it took part in, and tells the apps that only it can tell. */
export function journeyPath(id: LogoutId): string {
  return `/sign-out/${id}`
}
