import type { AccountId, AppId, AppSessionId, LogoutId, SsoSessionId } from '../kernel/ids.ts'
import type { Page } from '../kernel/page.ts'
import type { AppSession } from './app-session.ts'
import type { DirectSelector, OpenEnding, SessionSelector, SessionWhere } from './ending.ts'
import type { OfflineAccess } from './offline-access.ts'
import type { Ending, SessionSecret, SsoSession } from './sso-session.ts'

/** Where a list goes on: sessions started before this one. */
export interface SessionCursor {
  readonly startedAt: number
  readonly id: SsoSessionId
}

/** Which sessions a page holds; all that is given must hold. */
export interface SessionPageFilter {
  readonly accountId?: AccountId
  /** Those in which this app was opened. */
  readonly appId?: AppId
  /** Canonical, as sessions hold it. */
  readonly address?: string
  readonly state?: 'active' | 'ended'
  /** At most 200. */
  readonly limit: number
  readonly before?: SessionCursor
}

/** A secret that is about to be the current one. */
export type NextSecret = { readonly hash: string; readonly issuedAt: number } & (
  | { readonly kind: 'superseded'; readonly over: string }
  | { readonly kind: 'replaced' }
)

/**
 * Records of sessions. Only `sessions/registry` and the door (`logout/end-session`) write through it.
 * Ended beats active in every write: nothing here can make an ended session active again.
 * Absence is undefined; a store that cannot answer throws GatewayError `store_unavailable` or `store_full`.
 */
export interface SessionStore extends SessionSelection {
  insert(session: SsoSession, secretHash: string, checkAt: number): Promise<void>
  find(id: SsoSessionId): Promise<SsoSession | undefined>
  /** The session that this secret opens or once opened, ended ones too, with what the secret is now. */
  findBySecret(hash: string): Promise<{ session: SsoSession; secret: SessionSecret } | undefined>
  /** Newest first; `limit` at most 200. */
  listByAccount(
    accountId: AccountId,
    filter: { readonly state: 'active' | 'ended'; readonly limit: number; readonly before?: SessionCursor },
  ): Promise<readonly SsoSession[]>
  /** All sessions, newest first; `limit` at most 200. */
  list(filter: {
    readonly accountId?: AccountId
    readonly state?: 'active' | 'ended'
    readonly limit: number
    readonly before?: SessionCursor
  }): Promise<readonly SsoSession[]>
  /** The newest first. Costs what it shows, whatever the filter and however many are stored. */
  page(filter: SessionPageFilter): Promise<Page<SsoSession, SessionCursor>>
  /** How many AppSessions each of these SsoSessions has had; those without any are missing. */
  countAppSessions(
    ids: readonly SsoSessionId[],
  ): Promise<ReadonlyMap<SsoSessionId, { readonly all: number; readonly active: number }>>

  /**
   * Makes `next` the current secret. By a change of privilege every older one is `replaced`, and nothing stands in its way. By the clock
   * the one that was shown, `over`, is `superseded`, but only while it is the current one: whoever shows a secret that was replaced in
   * the same instant must not get the place of the new one. False when that is so, or the session has ended. Idempotent for the same
   * `next`.
   */
  changeSecret(id: SsoSessionId, next: NextSecret): Promise<boolean>
  /** Notes that the browser has shown this secret. */
  markSecretSeen(hash: string): Promise<void>
  /** Rewrites what a stronger or fresher proof changes. False when the session has ended. */
  strengthen(
    id: SsoSessionId,
    proof: Pick<SsoSession, 'authenticatedAt' | 'acr' | 'amr' | 'credentialIds' | 'lastSeenAt'>,
  ): Promise<boolean>
  /** Moves `lastSeenAt` forward, never back; nothing when the session has ended. */
  touch(id: SsoSessionId, at: number): Promise<void>

  /**
   * Joins an app: inserts `wanted` under a live SsoSession, or returns the AppSession that is active there already.
   * Undefined when the SsoSession has ended (a join that races an end loses, DECISIONS 14).
   */
  join(wanted: AppSession, checkAt: number | undefined): Promise<AppSession | undefined>
  findAppSession(id: AppSessionId): Promise<AppSession | undefined>
  findAppSessionBySid(appId: AppId, sid: string): Promise<AppSession | undefined>
  /** Of these SsoSessions, oldest first. */
  appSessionsOf(ids: readonly SsoSessionId[], state: 'active' | 'any'): Promise<readonly AppSession[]>
  /** Active ones at an app, by account. */
  activeAt(appId: AppId, limit: number): Promise<readonly AppSession[]>
  touchAppSession(id: AppSessionId, at: number): Promise<void>

  /**
   * Marks what the selector finds active as ended and returns exactly what this call ended: of parallel calls, one gets each session.
   * Ending an SsoSession ends its AppSessions. The only method that writes `ended_at` (invariant 1). At most 200 SsoSessions a call,
   * or 200 AppSessions of an app; with `startedBy` only what began then or before.
   */
  markEnded(
    selector: DirectSelector,
    ending: Ending,
    startedBy?: number,
  ): Promise<{ readonly ssoSessions: readonly SsoSession[]; readonly appSessions: readonly AppSession[] }>

  /**
   * Active sessions whose `checkAt` has come, earliest first: they may have run out. `checkAt` is an index written once per idle
   * period, so that touching costs no index write. The sweeper ends them or calls `recheckAt`.
   */
  due(
    now: number,
    limit: number,
  ): Promise<{ readonly ssoSessions: readonly SsoSession[]; readonly appSessions: readonly AppSession[] }>
  /**
   * Makes up to `limit` active SsoSessions due at `now` that would be looked at after `latest` only: what was set under limits that
   * have been shortened since. Returns how many.
   */
  bringForward(latest: number, now: number, limit: number): Promise<number>
  /** The same for active AppSessions of an app: also those that would never be looked at, begun when it had no limits. */
  bringAppForward(appId: AppId, latest: number, now: number, limit: number): Promise<number>
  recheckSsoSession(id: SsoSessionId, checkAt: number): Promise<void>
  recheckAppSession(id: AppSessionId, checkAt: number): Promise<void>

  /** Active sessions of an account, the one used longest ago first: what the session limit ends. */
  leastRecentlyUsed(accountId: AccountId, limit: number): Promise<readonly SsoSession[]>
  /** Active sessions, for a gauge. Bounded: counts to `upTo` and stops. */
  countActive(upTo: number): Promise<number>
  /**
   * Goes through up to `limit` sessions that ended before `endedBefore` and deletes them with their AppSessions and secrets, but for
   * those that an app's offline access came of: what ends it is found through them. Such a one is looked at again on another day.
   * Returns how many were gone through.
   */
  deleteEnded(endedBefore: number, limit: number, now: number): Promise<number>
  /** What a Logout ended, for its report. */
  endedBy(logoutId: LogoutId): Promise<readonly SsoSession[]>
}

/** One that a search by `SessionWhere` has found. */
export interface MatchedSession extends SessionCursor {
  readonly accountId: AccountId
}

/**
 * Sessions by what is known of them. One definition of what a selector means serves counting, ending in batches, and deciding at read
 * whether a session has ended by an instant. What is covered once stays so: an app that left or joined since changes nothing.
 */
export interface SessionSelection {
  /**
   * Looks at up to `limit` active SsoSessions that began by `startedBy`, in the order in which they began, and returns those that
   * match, with where to go on; `next` is absent when there was nothing more to look at.
   */
  walk(
    where: SessionWhere,
    of: { readonly startedBy: number; readonly after?: SessionCursor; readonly limit: number },
  ): Promise<{ readonly matched: readonly MatchedSession[]; readonly next?: SessionCursor }>
  /** Active AppSessions of these SsoSessions, or all that there are, counted by app. */
  countApps(
    ids: readonly SsoSessionId[] | 'all',
  ): Promise<readonly { readonly appId: AppId; readonly count: number }[]>
  /** Active sessions that an ending has still to mark: AppSessions where it ends those alone, else SsoSessions. Not for `where`. */
  countCovered(ending: { readonly selector: DirectSelector; readonly epochAt: number }): Promise<number>
  /** Which of these SsoSessions the ending covers, whether or not they are marked by now. */
  covered(ending: CoveringEnding, ids: readonly SsoSessionId[]): Promise<ReadonlySet<SsoSessionId>>
  /** Which of these AppSessions it covers: with their SsoSession, or alone. */
  coveredApps(ending: CoveringEnding, ids: readonly AppSessionId[]): Promise<ReadonlySet<AppSessionId>>
}

export type CoveringEnding = Pick<OpenEnding, 'selector' | 'epochAt'>

/**
 * Tokens and pending codes that hang on sessions, whatever their protocol. The door revokes through this port,
 * so it knows no protocol (DECISIONS 35).
 */
export interface TokenStore {
  /**
   * Makes every token, code and grant of these AppSessions unusable, and keeps them so. `leaveOffline`: but for the refresh tokens
   * of an app's offline access, which from now on hang on nothing but that.
   */
  revokeOfAppSessions(ids: readonly AppSessionId[], leaveOffline: boolean): Promise<void>
  /**
   * Revokes up to `limit` offline accesses of the sessions that the selector names, live and ended ones alike, with every token that
   * came of them. With `startedBy` only those that began then or before. Returns them.
   */
  revokeOffline(
    selector: SessionSelector,
    limit: number,
    startedBy?: number,
  ): Promise<readonly OfflineAccess[]>
  /** Of a person or at an app, the one used last first. */
  listOffline(
    of: { readonly accountId: AccountId } | { readonly appId: AppId },
    limit: number,
  ): Promise<readonly OfflineAccess[]>
  /** Deletes up to `limit` that expired before `now`. Correctness never depends on it. Returns how many. */
  deleteExpired(now: number, limit: number): Promise<number>
}
