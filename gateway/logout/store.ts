import type { AccountId, AppId, DeliveryId, LogoutId } from '../kernel/ids.ts'
import type { Page } from '../kernel/page.ts'
import type { OpenEnding } from '../sessions/ending.ts'
import type { DeliveryAttempt, Logout, LogoutDelivery, PendingDelivery, Progress } from './delivery.ts'

/** Where a list goes on: Logouts started before this one. */
export interface LogoutCursor {
  readonly startedAt: number
  readonly id: LogoutId
}

export interface LogoutFilter {
  readonly accountId?: AccountId
  /** True: only those that still wait for an app. */
  readonly unsettled?: boolean
  /** At most 200. */
  readonly limit: number
  readonly before?: LogoutCursor
}

/** Which Logouts a page holds; all that is given must hold. */
export interface LogoutPageFilter {
  readonly accountId?: AccountId
  /** Those that this app is or was to be told of. */
  readonly appId?: AppId
  /** True: only those that still wait for an app. False: only those that do not. */
  readonly unsettled?: boolean
  /** At most 200. */
  readonly limit: number
  readonly before?: LogoutCursor
}

/** How many deliveries of a Logout to one app stand alike. */
export interface DeliveryCount {
  readonly logoutId: LogoutId
  readonly appId: AppId
  readonly state: Progress['state']
  /** Whether an attempt has come to its end, or none is begun because the breaker of the app is open: what is pending then waits for the next. */
  readonly answered: boolean
  readonly count: number
}

/** Which deliveries "retry now" means. */
export type RetrySelector =
  | { readonly kind: 'delivery'; readonly id: DeliveryId }
  | { readonly kind: 'logout'; readonly id: LogoutId }
  | { readonly kind: 'app'; readonly appId: AppId }
  | { readonly kind: 'all' }

/** A delivery as it is after an attempt, with the record of that attempt if one left. */
export interface BookedAttempt {
  /** As it was claimed: `leaseBy` and `attempts` fence off whoever came too late. */
  readonly claimed: PendingDelivery
  readonly next: LogoutDelivery
  readonly attempt?: DeliveryAttempt
}

/**
 * Logouts, what they owe and what came of it.
 *
 * A delivery is held by a lease: one process at a time, and when it dies the lease runs out. Every claim raises `attempts`, so
 * a process that was away for a minute cannot overwrite what another has booked since (DECISIONS 22).
 */
export interface LogoutStore {
  /**
   * Stores a Logout and what it owes, inside the caller's transaction. Called again for the same Logout it adds: the counts grow
   * and it is unsettled again if anything new is pending.
   */
  insert(logout: Logout, deliveries: readonly LogoutDelivery[]): Promise<void>

  /**
   * Leases due deliveries to `node` until `leaseUntil` and raises their `attempts`. At most `perApp` of one app are under lease
   * at any time, whoever holds them, and apps take turns: a queue of one app never keeps another app waiting. Of an app whose breaker
   * is open (HealthStore) one at most, once its probe is due.
   */
  claim(of: {
    readonly node: string
    readonly now: number
    readonly leaseUntil: number
    readonly limit: number
    readonly perApp: number
  }): Promise<readonly PendingDelivery[]>
  /** Moves the end of leases that are still held exactly as claimed. */
  renew(claimed: readonly PendingDelivery[], leaseUntil: number): Promise<void>
  /** Hands leases back unused: due at once for whoever comes next. */
  release(claimed: readonly PendingDelivery[], dueAt: number): Promise<void>
  /**
   * Writes what attempts brought, and settles each Logout of which nothing is pending any more. Call it in a transaction.
   * Returns the deliveries booked: those whose lease was lost meanwhile are left alone and missing from the answer.
   */
  book(attempts: readonly BookedAttempt[], now: number): Promise<readonly LogoutDelivery[]>
  /**
   * Makes up to `limit` deliveries due now that wait because the app did not answer them. What was never tried keeps its time, and so
   * does what the app has said no to. Returns how many.
   */
  hasten(appId: AppId, of: { readonly now: number; readonly limit: number }): Promise<number>
  /**
   * Gives up to `limit` deliveries up whose time is over, but for those under lease, and settles their Logouts: for an app whose breaker
   * is open. Call it in a transaction. Returns what it gave up.
   */
  abandonOverdue(of: {
    readonly appId: AppId
    readonly reason: string
    readonly now: number
    readonly limit: number
  }): Promise<readonly LogoutDelivery[]>
  /**
   * Settles as `sent` those of these front-channel deliveries of the Logout that still wait for the browser, and the Logout where nothing is
   * pending any more. Call it in a transaction. Returns the deliveries it changed: of parallel calls, one gets each.
   */
  markSent(id: LogoutId, deliveries: readonly DeliveryId[], now: number): Promise<readonly LogoutDelivery[]>
  /**
   * Settles as `untellable` up to `limit` front-channel deliveries whose time with the browser is over, and their Logouts. Call it in a
   * transaction. Returns what it gave up.
   */
  giveUpCarried(of: {
    readonly reason: string
    readonly now: number
    readonly limit: number
  }): Promise<readonly LogoutDelivery[]>
  /** How many deliveries are pending, counted no further than `upTo`. */
  countPending(upTo: number): Promise<number>
  /**
   * When the next delivery falls due, the next lease runs out, the next probe may be made or the time of a delivery behind an open
   * breaker is over, after `now`. Undefined: nothing is pending, or all that is has been due before.
   */
  nextDueAfter(now: number): Promise<number | undefined>

  /**
   * Makes up to `limit` back-channel deliveries that are not under lease due at once, refused and abandoned ones too, and lets them be tried until
   * `giveUpAt`. What waits behind an open breaker goes on waiting for its probe; a single one that is named is the next to be that.
   * Returns how many it changed.
   */
  retryNow(
    selector: RetrySelector,
    of: { readonly now: number; readonly giveUpAt: number; readonly limit: number },
  ): Promise<number>

  find(id: LogoutId): Promise<Logout | undefined>
  findDelivery(id: DeliveryId): Promise<LogoutDelivery | undefined>
  /** Newest first. */
  list(filter: LogoutFilter): Promise<readonly Logout[]>
  /** The newest first. Costs what it shows, whatever the filter and however many are stored. */
  page(filter: LogoutPageFilter): Promise<Page<Logout, LogoutCursor>>
  /** How all deliveries of these Logouts stand, however many they are. */
  countDeliveries(ids: readonly LogoutId[]): Promise<readonly DeliveryCount[]>
  /** Of all these Logouts, oldest first; at most 1,000. */
  deliveriesOf(ids: readonly LogoutId[]): Promise<readonly LogoutDelivery[]>
  /** Of one Logout, in the order of their ids, those after `after`; at most `limit`, and at most 1,000. */
  deliveriesAfter(
    id: LogoutId,
    after: DeliveryId | undefined,
    limit: number,
  ): Promise<readonly LogoutDelivery[]>
  /** Up to `limit` of what a Logout owes and no app has confirmed; which of them is not said. */
  unconfirmedOf(id: LogoutId, limit: number): Promise<readonly LogoutDelivery[]>
  /** The newest 1,000 of all these deliveries, oldest first. */
  attemptsOf(ids: readonly DeliveryId[]): Promise<readonly DeliveryAttempt[]>
  /**
   * Deletes up to `limit` Logouts that settled before `settledBefore`, with all that belongs to them, and at most a thousand deliveries at a
   * time: a large one goes in several calls, itself last. Returns how many, or `limit` where it is not through with them.
   */
  deleteSettled(settledBefore: number, limit: number): Promise<number>
}

/** An ending of many sessions that is worked off in batches, under the Logout of the same id (DECISIONS 23). */
export interface EndJob extends OpenEnding {
  /** How many sessions there were to end, about: others end some of them meanwhile. AppSessions where it ends those alone. */
  readonly found: number
  /** How many batches have marked so far. */
  readonly ended: number
  readonly finishedAt?: number
}

/** Endings that are worked off in batches. Call everything that writes in the transaction that does what is written down. */
export interface EndJobStore {
  insert(job: EndJob): Promise<void>
  /** Those that are not finished, oldest first. */
  open(): Promise<readonly EndJob[]>
  /** One that is not finished, held until the transaction ends: of two processes one settles at a time. */
  hold(id: LogoutId): Promise<EndJob | undefined>
  /** Counts what a batch has marked. */
  progress(id: LogoutId, ended: number): Promise<void>
  /** Nothing is left to mark. Settles the Logout too, if no app is still to be told. */
  finish(id: LogoutId, now: number): Promise<void>
  /** Of these Logouts, finished ones too. */
  of(ids: readonly LogoutId[]): Promise<readonly EndJob[]>
}
