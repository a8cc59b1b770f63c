import type { AppId } from '../kernel/ids.ts'
import type { Reachability } from './health.ts'

/** What is known of an app, and how many deliveries wait for it. */
export interface KnownApp {
  readonly reachability: Reachability
  readonly pending: number
}

/**
 * What is known of telling each app. Written in the transaction that books its answers, read by every claim (LogoutStore): processes over
 * one database share their breakers, and a restart forgets none.
 */
export interface HealthStore {
  /** Of these apps, those that were ever asked. Inside a transaction nobody else changes them until it ends. */
  find(ids: readonly AppId[]): Promise<readonly Reachability[]>
  save(all: readonly Reachability[]): Promise<void>
  /** Makes a probe of each app whose breaker is open, or of this one, due at once. Returns how many waited for longer. */
  probeNow(now: number, appId?: AppId): Promise<number>
  /**
   * Something about the app has changed: if its breaker is open, the next probe is due at `at` at the latest, and the waits between
   * probes begin anew. True when there is anything to wait less for.
   */
  probeSoon(appId: AppId, at: number): Promise<boolean>
  /** Apps whose breaker is open and that are owed something whose time is over, but for attempts under way. */
  overdue(now: number): Promise<readonly Reachability[]>
  /** Every app that was ever asked, at most 1,000; each one's deliveries are counted no further than `upTo`. */
  list(upTo: number): Promise<readonly KnownApp[]>
  /** How many apps have failed since they last confirmed, by whether their breaker is open. */
  countUnhealthy(): Promise<{ readonly failing: number; readonly down: number }>
}
