/**
 * What is owed to one app after one of its sessions ended, and how an answer changes it. Pure.
 *
 * Owns: the states and every legal change between them (DECISIONS 21). Relies on: schedule, for when.
 * Never: changes because sending began; only an answer, or giving up, does (invariant 5).
 */

import type { EgressOutcome } from '../kernel/egress.ts'
import type { AccountId, AppId, AppSessionId, DeliveryId, LogoutId } from '../kernel/ids.ts'
import type { Actor, Cause } from '../sessions/cause.ts'
import { afterRefusal, afterSilence, type Jitter } from './schedule.ts'

/** One act of ending and all that follows from it. */
export interface Logout {
  readonly id: LogoutId
  readonly cause: Cause
  readonly actor: Actor
  /** Whose sessions they were; absent when of several accounts. */
  readonly accountId?: AccountId
  readonly startedAt: number
  /** When the last delivery left `pending`; absent while one is. */
  readonly settledAt?: number
  /** How many sessions it ended. */
  readonly ssoSessions: number
  readonly appSessions: number
  /** Of these, how many have an app that does not want to hear of this cause: ended here, and nobody was told. */
  readonly notWanted: number
}

/** A way in which an app can be told: by the gateway itself, or by the person's browser. */
export type Way = 'back-channel' | 'front-channel'

/** How an app is told, or that there is no way at all. */
export type Channel = Way | 'none'

/** The duty to tell one app that one of its sessions has ended. */
export interface LogoutDelivery {
  readonly id: DeliveryId
  readonly logoutId: LogoutId
  readonly appSessionId: AppSessionId
  readonly appId: AppId
  readonly accountId: AccountId
  readonly sid: string
  readonly channel: Channel
  readonly createdAt: number
  /** Attempts begun, answered or not. It fences too: only the one that began last may be booked. */
  readonly attempts: number
  /** Until when the app's own session may live on if it is never told; absent when nobody said. */
  readonly mayLastUntil?: number
  readonly progress: Progress
}

export type Progress = Pending | Settled

export interface Pending {
  readonly state: 'pending'
  /**
   * When the next attempt is due. While leased: when the lease runs out. Of a front-channel delivery: until when the browser may carry it;
   * then nobody does any more.
   */
  readonly dueAt: number
  /** From then on an unanswered attempt is the last. */
  readonly giveUpAt: number
  /** Noes in a row, and when the first of them came. */
  readonly refusals: number
  readonly refusedSince?: number
  /** The process that is telling the app right now. */
  readonly leaseBy?: string
}

export type Settled =
  | { readonly state: 'delivered'; readonly settledAt: number }
  /** Its page was loaded in the person's browser. Nothing proves that it did anything. */
  | { readonly state: 'sent'; readonly settledAt: number }
  /** It answered that it will not. */
  | { readonly state: 'refused'; readonly settledAt: number; readonly reason: string }
  /** It did not answer until there was no time left. */
  | { readonly state: 'abandoned'; readonly settledAt: number; readonly reason: string }
  /** It has no channel, or the browser that was to carry it did not. */
  | { readonly state: 'untellable'; readonly settledAt: number; readonly reason: string }

export type PendingDelivery = LogoutDelivery & { readonly progress: Pending }

/** Why there was no answer. `failed-here`: we could not even send; the log says why. */
export type UnreachableReason = Extract<EgressOutcome, { kind: 'unreachable' }>['reason'] | 'failed-here'

/** What one attempt brought, whatever the protocol. Texts from an app are cut and cleaned by the messenger. */
export type AttemptOutcome =
  | {
      readonly kind: 'answered'
      readonly status: number
      readonly durationMs: number
      /** Retry-After of the answer. */
      readonly retryAfterMs?: number
      /** What the app said was wrong. */
      readonly error?: string
    }
  | {
      readonly kind: 'unreachable'
      readonly reason: UnreachableReason
      /** For operators: host, port, code. */
      readonly detail?: string
      readonly durationMs: number
    }
  /** The app has lost its channel since, or is gone. */
  | { readonly kind: 'no-channel' }

/** One try, as it is kept for the report. */
export interface DeliveryAttempt {
  readonly deliveryId: DeliveryId
  readonly number: number
  readonly startedAt: number
  readonly durationMs: number
  readonly outcome: 'acknowledged' | 'refused' | 'unreachable'
  readonly status?: number
  /** For operators. */
  readonly error?: string
}

/** What a status means for the duty to tell (DECISIONS 21). */
export type Verdict = 'acknowledged' | 'refused' | 'refused-perhaps-for-now' | 'not-now'

/** About its address or its rules: asking again rarely helps. */
const firmRefusals: ReadonlySet<number> = new Set([401, 403, 404, 405, 410, 501])

/** What an HTTP status says. What is not listed means "not now": asking again costs less than an app that is never told. */
export function verdictOf(status: number): Verdict {
  if (status === 200 || status === 204) return 'acknowledged'
  // An app that has not fetched our newest key yet says 400, as for a bad token (OIDC Back-Channel Logout 1.0 section 2.8).
  if (status === 400) return 'refused-perhaps-for-now'
  return firmRefusals.has(status) || (status >= 300 && status < 400) ? 'refused' : 'not-now'
}

/** The delivery after `outcome` of its latest attempt, booked at `now`. */
export function afterAttempt(
  delivery: PendingDelivery,
  outcome: AttemptOutcome,
  now: number,
  jitter: Jitter,
): LogoutDelivery {
  return { ...delivery, progress: progressAfter(delivery, outcome, now, jitter) }
}

/** The same for whatever waits, is asked again and settles as a delivery does. */
export function progressAfter(
  { attempts, progress }: Pick<PendingDelivery, 'attempts' | 'progress'>,
  outcome: AttemptOutcome,
  now: number,
  jitter: Jitter,
): Progress {
  const { giveUpAt } = progress
  const unanswered = (reason: string, retryAfterMs = 0): Progress => {
    const dueAt = afterSilence({ attempts, now, retryAfterMs, giveUpAt }, jitter)
    return dueAt === undefined
      ? { state: 'abandoned', settledAt: now, reason }
      : { state: 'pending', dueAt, giveUpAt, refusals: 0 }
  }
  if (outcome.kind === 'no-channel') return { state: 'untellable', settledAt: now, reason: noChannelWords }
  if (outcome.kind === 'unreachable') return unanswered(unreachableWords(outcome.reason))
  const verdict = verdictOf(outcome.status)
  switch (verdict) {
    case 'acknowledged':
      return { state: 'delivered', settledAt: now }
    case 'not-now':
      return unanswered(answerWords(outcome), outcome.retryAfterMs)
    case 'refused':
    case 'refused-perhaps-for-now': {
      const refusals = progress.refusals + 1
      const refusedSince = progress.refusedSince ?? now
      const dueAt = afterRefusal(verdict, { attempts, refusals, refusedSince, now, giveUpAt }, jitter)
      return dueAt === undefined
        ? { state: 'refused', settledAt: now, reason: answerWords(outcome) }
        : { state: 'pending', dueAt, giveUpAt, refusals, refusedSince }
    }
    default:
      return verdict satisfies never
  }
}

/** The attempt as it is kept; undefined for one that never left because there was no channel. */
export function attemptRecord(
  delivery: PendingDelivery,
  outcome: AttemptOutcome,
  startedAt: number,
): DeliveryAttempt | undefined {
  if (outcome.kind === 'no-channel') return undefined
  const base = {
    deliveryId: delivery.id,
    number: delivery.attempts,
    startedAt,
    durationMs: outcome.durationMs,
  }
  if (outcome.kind === 'unreachable') {
    const error = outcome.detail === undefined ? outcome.reason : `${outcome.reason}: ${outcome.detail}`
    return { ...base, outcome: 'unreachable', error }
  }
  const verdict = verdictOf(outcome.status)
  return {
    ...base,
    outcome: verdict === 'acknowledged' ? 'acknowledged' : verdict === 'not-now' ? 'unreachable' : 'refused',
    status: outcome.status,
    ...(outcome.error === undefined ? {} : { error: outcome.error }),
  }
}

/** Why an app without a channel cannot be told, as the end of a sentence. */
export const noChannelWords = 'it offers no way to tell it'
/** Why an app that needs the browser was not told when a session ended elsewhere. */
export const browserAbsentWords = 'only the browser could tell it, and had no part in this'
/** Why an app that needs the browser was not told although the browser had begun. */
export const browserGoneWords = 'the browser was closed before it was told'

/** What an answer said, as the end of a sentence for people. */
export function answerWords({ status, error }: Extract<AttemptOutcome, { kind: 'answered' }>): string {
  return error === undefined ? `it answered ${status}` : `it answered ${status}, ${error}`
}

/** Why there was no answer, as the end of a sentence for people. */
export function unreachableWords(reason: UnreachableReason): string {
  switch (reason) {
    case 'address-refused':
      return 'its address may not be called from here'
    case 'connect-failed':
      return 'it could not be reached'
    case 'name-not-found':
      return 'its name is unknown'
    case 'timeout':
      return 'it did not answer in time'
    case 'tls-failed':
      return 'its certificate is not trusted'
    case 'too-large':
    case 'broken':
      return 'its answer was broken'
    case 'failed-here':
      return 'the message could not be made'
    default:
      return reason satisfies never
  }
}
