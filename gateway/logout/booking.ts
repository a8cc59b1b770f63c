/**
 * Writes down what apps answered.
 *
 * Owns: that an attempt, the delivery's new state, its Logout's settling and the audit line commit together. Relies on: LogoutStore,
 * whose fencing refuses answers that come after the lease was lost. Never: forgets an answer while the store is away; it tries again,
 * and if the process dies first the lease runs out and the app is told once more, which is harmless.
 *
 * Answers that arrive together are written together: a hundred apps cost a few commits, not a hundred.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditEvent } from '../audit/event.ts'
import type { AuditTrail } from '../audit/trail.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { Transaction } from '../kernel/transaction.ts'
import {
  type AttemptOutcome,
  afterAttempt,
  attemptRecord,
  type LogoutDelivery,
  type PendingDelivery,
} from './delivery.ts'
import type { DeliveryMeter } from './meter.ts'
import type { Jitter } from './schedule.ts'
import type { BookedAttempt, LogoutStore } from './store.ts'

export interface BookingDeps {
  readonly logouts: LogoutStore
  readonly audit: Pick<AuditTrail, 'appendAll'>
  readonly transaction: Transaction
  readonly clock: Clock
  readonly log: Log
  readonly jitter: Jitter
  readonly meter?: DeliveryMeter
}

/** An attempt that has come to its end, one way or another. */
export interface Answer {
  readonly claimed: PendingDelivery
  readonly startedAt: number
  readonly outcome: AttemptOutcome
}

/** Answers in one transaction: a few ms of writing, so that a person who signs in does not wait behind it. */
const bookedAtOnce = 64
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
    await new Promise<void>((next) => setImmediate(next))
    while (this.#waiting.length > 0 && !this.#closed.signal.aborted) {
      const batch = this.#waiting.splice(0, bookedAtOnce)
      try {
        await this.#book(batch)
        failures = 0
        this.#done(batch, undefined)
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
    const { logouts, audit, transaction, clock, log, jitter } = this.#deps
    const now = clock.now()
    const attempts = batch.map(({ claimed, outcome, startedAt }): BookedAttempt => {
      const attempt = attemptRecord(claimed, outcome, startedAt)
      return {
        claimed,
        next: afterAttempt(claimed, outcome, now, jitter),
        ...(attempt === undefined ? {} : { attempt }),
      }
    })
    const booked = await transaction.run(async () => {
      const written = await logouts.book(attempts, now)
      await audit.appendAll(written.flatMap(settledEvent), { actor: { kind: 'gateway' } })
      return written
    })
    for (const delivery of booked) {
      if (delivery.progress.state !== 'pending') this.#deps.meter?.settled(delivery.progress.state)
      report(log, delivery)
    }
    if (booked.length < batch.length) {
      log.warn('another process had taken over deliveries; its answers count', {
        count: batch.length - booked.length,
      })
    }
  }
}

function settledEvent({ logoutId, appId, attempts, progress }: LogoutDelivery): readonly AuditEvent[] {
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
