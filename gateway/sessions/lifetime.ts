import { minuteMs } from '../kernel/clock.ts'
import type { AppSession } from './app-session.ts'
import type { SsoSession } from './sso-session.ts'

/** What decides how long a session lives. */
export type SessionTimes = Pick<SsoSession, 'startedAt' | 'lastSeenAt' | 'remembered'>
export type AppSessionTimes = Pick<AppSession, 'startedAt' | 'lastSeenAt'>

/** The gateway's limits, from configuration. */
export interface LifetimePolicy {
  readonly idleMs: number
  readonly absoluteMs: number
  /** Of sessions that were asked to stay; absent where nobody may stay (any more), and then they have the usual limits (N-020). */
  readonly rememberedAbsoluteMs?: number
}

/** An app's own limits on its AppSessions; absent ones are the gateway's. */
export interface AppLifetimePolicy {
  readonly idleMs?: number
  readonly absoluteMs?: number
}

export type Expiry = 'idle' | 'absolute'

/** When the session must end at the latest, whatever happens. */
export function absoluteEndAt(session: SessionTimes, policy: LifetimePolicy): number {
  const { absoluteMs, rememberedAbsoluteMs = absoluteMs } = policy
  return session.startedAt + (session.remembered ? rememberedAbsoluteMs : absoluteMs)
}

/** Whether the session outlives its browser: it was asked to stay, and staying is still allowed. */
export function mayStay(session: SessionTimes, policy: LifetimePolicy): boolean {
  return session.remembered && policy.rememberedAbsoluteMs !== undefined
}

/** When the session ends if it is not used again. One that may stay has no idle limit: its browser may rest for days. */
export function endsAt(session: SessionTimes, policy: LifetimePolicy): number {
  const absolute = absoluteEndAt(session, policy)
  return mayStay(session, policy) ? absolute : Math.min(absolute, session.lastSeenAt + policy.idleMs)
}

/** What has run out at `now`, if anything: decided at read, so no sweep is ever needed for correctness. */
export function expiryOf(session: SessionTimes, policy: LifetimePolicy, now: number): Expiry | undefined {
  if (now >= absoluteEndAt(session, policy)) return 'absolute'
  return now >= endsAt(session, policy) ? 'idle' : undefined
}

/** When an AppSession ends by its app's own limits if it is not used again; undefined when the app sets none. */
export function appEndsAt(session: AppSessionTimes, policy: AppLifetimePolicy): number | undefined {
  const ends: number[] = []
  if (policy.absoluteMs !== undefined) ends.push(session.startedAt + policy.absoluteMs)
  if (policy.idleMs !== undefined) ends.push(session.lastSeenAt + policy.idleMs)
  return ends.length === 0 ? undefined : Math.min(...ends)
}

/** What has run out of an AppSession at `now` by its app's own limits. */
export function appExpiryOf(
  session: AppSessionTimes,
  policy: AppLifetimePolicy,
  now: number,
): Expiry | undefined {
  if (policy.absoluteMs !== undefined && now >= session.startedAt + policy.absoluteMs) return 'absolute'
  if (policy.idleMs !== undefined && now >= session.lastSeenAt + policy.idleMs) return 'idle'
  return undefined
}

/** Uses closer together than this are not written: a busy person costs one small write a minute (DECISIONS 31). */
export function touchEveryMs(idleMs: number): number {
  return Math.min(minuteMs, Math.floor(idleMs / 4))
}
