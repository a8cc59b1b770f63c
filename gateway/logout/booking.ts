/**
 * Writes down what apps answered.
 *
 * Owns: that an attempt, the delivery's new state, its Logout's settling, what is known of the app and the audit line commit together.
 * Relies on: LogoutStore, whose fencing refuses answers that come after the lease was lost; health.ts for what an answer says of an app.
 * Never: forgets an answer while the store is away; it tries again, and if the process dies first the lease runs out and the app is told
 * once more, which is harmless. Never: lets an answer that came too late speak for or against an app.
 *
 * Answers that arrive together are written together: a hundred apps cost a few commits, not a hundred.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditEvent } from '../audit/event.ts'
import type { AuditTrail } from '../audit/trail.ts'
import type { Clock } from '../kernel/clock.ts'
import type { AppId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Transaction } from '../kernel/transaction.ts'
import { giveWay } from '../kernel/turn.ts'
import { afterAttempt, attemptRecord, type LogoutDelivery, unreachableWords } from './delivery.ts'
import {
  afterExperience,
  type Experience,
  noLaterThanProbe,
  type Reachability,
  unknownReachability,
} from './health.ts'
import type { HealthStore } from './health-store.ts'
import type { DeliveryMeter } from './meter.ts'
import type { Jitter } from './schedule.ts'
import type { BookedAttempt, LogoutStore } from './store.ts'
import type { WebhookOutbox } from './webhook-outbox.ts'

export interface BookingDeps {
  readonly logouts: LogoutStore
  readonly health: Pick<HealthStore, 'find' | 'save' | 'overdue'>
  readonly audit: Pick<AuditTrail, 'appendAll'>
  readonly transaction: Transaction
  readonly clock: Clock
  readonly log: Log
  readonly jitter: Jitter
  readonly meter?: DeliveryMeter
  /** Absent where nobody wants to hear of failures. */
  readonly outbox?: WebhookOutbox
}

/** An attempt that has come to its end, one way or another. */
export type Answer = Experience

/** Answers in one transaction: a few ms of writing, so that a person who signs in does not wait behind it; then others have their turn. */
const bookedAtOnce = 16
/** What waited for an app that is back, or waited in vain, in one transaction; the others of it follow in the next. */
const movedAtOnce = 500
/** The store is asked again this soon, and after more failures at most this late. */
const firstPauseMs = 250
const maxPauseMs = 5_000

/** A process that is told of answers and writes them until it is closed. */
export class Booking {
  readonly #deps: BookingDeps
  /** Called for each batch: those answers hold their place in the dispatcher no longer. */
  readonly #done: (answers: readonly Answer[], failure: unknown) => void
  readonly #waiting: Answer[] = []
  readonly #closed = new AbortController()
  #running = false

  constructor(deps: BookingDeps, done: (answers: readonly Answer[], failure: unknown) => void) {
    this.#deps = deps
    this.#done = done
  }

  add(answer: Answer): void {
    this.#waiting.push(answer)
    if (!this.#running) void this.#run()
  }

  /** Writes nothing from here on: the store is about to close. */
  close(): void {
    this.#closed.abort()
  }

  async #run(): Promise<void> {
    this.#running = true
    let failures = 0
    // One turn of the event loop, so that answers that came in together are in the same batch.
    await giveWay()
    while (this.#waiting.length > 0 && !this.#closed.signal.aborted) {
      const batch = this.#waiting.splice(0, bookedAtOnce)
      try {
        await this.#book(batch)
        failures = 0
        this.#done(batch, undefined)
        if (this.#waiting.length > 0) await giveWay()
      } catch (error) {
        this.#waiting.unshift(...batch)
        this.#deps.log.warn('answers of apps could not be written and are kept', {
          count: batch.length,
          error,
        })
        this.#done([], error)
        const pauseMs = Math.min(maxPauseMs, firstPauseMs * 2 ** Math.min(failures++, 10))
        await sleep(pauseMs, undefined, { signal: this.#closed.signal }).catch(() => {})
      }
    }
    this.#running = false
  }

  async #book(batch: readonly Answer[]): Promise<void> {
    const { logouts, health, audit, transaction, clock, log, outbox } = this.#deps
    const now = clock.now()
    const { booked, back } = await transaction.run(async () => {
      const known = await health.find([...new Set(batch.map(({ claimed }) => claimed.appId))])
      const expected = this.#learn(known, batch, now)
      const written = await logouts.book(
        batch.map((answer) => this.#attempt(answer, expected.get(answer.claimed.appId), now)),
        now,
      )
      await audit.appendAll(written.flatMap(settledEvent), { actor: { kind: 'gateway' } })
      await outbox?.deliveriesSettled(written)
      // Nearly always all of them: only then is what was expected what has become.
      const counting = new Set(written.map(({ id }) => id))
      const learned =
        written.length === batch.length
          ? expected
          : this.#learn(
              known,
              batch.filter(({ claimed }) => counting.has(claimed.id)),
              now,
            )
      const before = new Map(known.map((of) => [of.appId, of]))
      await health.save([...learned.values()].filter((of) => of !== before.get(of.appId)))
      await outbox?.appsChanged(
        [...learned.values()].map((after) => ({ before: before.get(after.appId), after })),
      )
      const answeredAgain = [...learned.values()].filter(
        ({ appId, breaker }) => breaker === undefined && before.get(appId)?.breaker !== undefined,
      )
      for (const { appId } of answeredAgain) await logouts.hasten(appId, { now, limit: movedAtOnce })
      return { booked: written, back: answeredAgain }
    })
    this.#tell(booked)
    for (const { appId } of back) await this.#drain(appId, now)
    if (booked.length < batch.length) {
      log.warn('another process had taken over deliveries; its answers count', {
        count: batch.length - booked.length,
      })
    }
  }

  /** Sends the rest of a long queue on its way. If that fails, each delivery still has a time of its own, a quarter of an hour away at most. */
  async #drain(appId: AppId, now: number): Promise<void> {
    const { logouts, log } = this.#deps
    log.info('an app answers again; what waited for it goes out', { appId })
    try {
      while ((await logouts.hasten(appId, { now, limit: movedAtOnce })) === movedAtOnce) await giveWay()
    } catch (error) {
      log.warn('what waited for an app could not be brought forward', { appId, error })
    }
  }

  /** What is known of each app after these answers, in the order in which they came in. */
  #learn(known: readonly Reachability[], answers: readonly Answer[], now: number): Map<AppId, Reachability> {
    const learned = new Map(known.map((of) => [of.appId, of]))
    for (const answer of answers) {
      const { appId } = answer.claimed
      const before = learned.get(appId) ?? unknownReachability(appId)
      learned.set(appId, afterExperience(before, answer, now, this.#deps.jitter))
    }
    return learned
  }

  #attempt(
    { claimed, outcome, startedAt }: Answer,
    app: Reachability | undefined,
    now: number,
  ): BookedAttempt {
    const attempt = attemptRecord(claimed, outcome, startedAt)
    return {
      claimed,
      next: noLaterThanProbe(afterAttempt(claimed, outcome, now, this.#deps.jitter), outcome, app),
      ...(attempt === undefined ? {} : { attempt }),
    }
  }

  /** Gives up what waited behind an open breaker until its time was over, without an attempt of its own. */
  async giveUpOverdue(): Promise<void> {
    const { logouts, health, audit, transaction, clock, outbox } = this.#deps
    const now = clock.now()
    for (const { appId, reason = unreachableWords('connect-failed') } of await health.overdue(now)) {
      for (let count = movedAtOnce; count === movedAtOnce && !this.#closed.signal.aborted; ) {
        const given = await transaction.run(async () => {
          const abandoned = await logouts.abandonOverdue({ appId, reason, now, limit: movedAtOnce })
          await audit.appendAll(abandoned.flatMap(settledEvent), { actor: { kind: 'gateway' } })
          await outbox?.deliveriesSettled(abandoned)
          return abandoned
        })
        this.#tell(given)
        count = given.length
        await giveWay()
      }
    }
  }

  #tell(booked: readonly LogoutDelivery[]): void {
    for (const delivery of booked) {
      if (delivery.progress.state !== 'pending') this.#deps.meter?.settled(delivery.progress.state)
      report(this.#deps.log, delivery)
    }
  }
}

/** The line of the audit trail for a delivery that has come to its end; none for one that has not. */
export function settledEvent({ logoutId, appId, attempts, progress }: LogoutDelivery): readonly AuditEvent[] {
  return progress.state === 'pending'
    ? []
    : [{ type: 'delivery.settled', logoutId, appId, state: progress.state, attempts }]
}

function report(log: Log, { id, logoutId, appId, attempts, progress }: LogoutDelivery): void {
  const fields = { deliveryId: id, logoutId, appId, attempts }
  switch (progress.state) {
    case 'delivered':
      log.debug('an app confirmed a sign-out', fields)
      break
    case 'sent':
      log.debug('the browser was sent to an app for a sign-out', fields)
      break
    case 'pending':
      log.info('an app could not be told of a sign-out yet', { ...fields, nextAttemptAt: progress.dueAt })
      break
    case 'refused':
    case 'abandoned':
    case 'untellable':
      log.warn('an app was not told of a sign-out', {
        ...fields,
        state: progress.state,
        reason: progress.reason,
      })
      break
    default:
      progress satisfies never
  }
}
