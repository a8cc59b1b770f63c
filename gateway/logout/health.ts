/**
 * What is known of telling one app, and its circuit breaker. Pure.
 *
 * Owns: when a breaker opens, when an open one lets a probe through, and what closes it. Relies on: delivery.ts for what an answer means,
 * schedule.ts for when. Never: opens because an app says no. A no is an answer, so the app can be reached.
 *
 * An app that does not answer costs its timeout each time. With the breaker open its deliveries wait in the store, and one at a time asks
 * whether it is back; the first answer lets all of them go.
 */
import type { AppId } from '../kernel/ids.ts'
import {
  type AttemptOutcome,
  answerWords,
  type LogoutDelivery,
  type PendingDelivery,
  unreachableWords,
  verdictOf,
} from './delivery.ts'
import { type Jitter, probeBackoffMs, retryAfterWithin } from './schedule.ts'

/** What is stored of an app once it has been asked. */
export interface Reachability {
  readonly appId: AppId
  /** Attempts without a confirmation since the last one, noes included. */
  readonly failures: number
  /** Those of them in a row that speak for an app that is not there. */
  readonly silences: number
  readonly failingSince?: number
  /** Of the last failure, as the end of a sentence. */
  readonly reason?: string
  /** Absent: closed. */
  readonly breaker?: Breaker
  /** To the minute while all is well; exact for the first confirmation after a failure. */
  readonly lastConfirmedAt?: number
}

export interface Breaker {
  /** From then on one delivery may ask whether the app is back. */
  readonly probeAt: number
  /** Probes that have failed in a row. */
  readonly probes: number
}

/** One attempt that has been booked. */
export interface Experience {
  readonly claimed: PendingDelivery
  readonly startedAt: number
  readonly outcome: AttemptOutcome
}

/**
 * Silences in a row that open the breaker. A restart of an app loses two or three requests and must not cost it a wait; a tarpit that
 * takes four at once and 5 s for each is known after ten seconds.
 */
const opensAfter = 5
/** How often a confirmation is written that changes nothing else. */
const notedEveryMs = 60_000

/** An app that was never asked. */
export function unknownReachability(appId: AppId): Reachability {
  return { appId, failures: 0, silences: 0 }
}

/** What is known after one more attempt, booked at `now`; the same object when there is nothing to write. */
export function afterExperience(
  known: Reachability,
  { claimed, startedAt, outcome }: Experience,
  now: number,
  jitter: Jitter,
): Reachability {
  // Nothing was sent, so nothing was learned.
  if (outcome.kind === 'no-channel') return known
  const { appId, breaker } = known
  const { lastConfirmedAt } = known
  const verdict = outcome.kind === 'answered' ? verdictOf(outcome.status) : 'not-now'
  if (verdict === 'acknowledged') {
    const noted = lastConfirmedAt !== undefined && now - lastConfirmedAt < notedEveryMs
    return known.failures === 0 && breaker === undefined && noted
      ? known
      : { ...unknownReachability(appId), lastConfirmedAt: now }
  }
  const failing: Reachability = {
    appId,
    failures: known.failures + 1,
    silences: 0,
    failingSince: known.failingSince ?? now,
    reason: outcome.kind === 'answered' ? answerWords(outcome) : unreachableWords(outcome.reason),
    ...(lastConfirmedAt === undefined ? {} : { lastConfirmedAt }),
  }
  if (verdict !== 'not-now') return failing

  const silences = known.silences + (speaksForApp(claimed, lastConfirmedAt) ? 1 : 0)
  const open = (probes: number): Breaker => {
    const retryAfterMs = outcome.kind === 'answered' ? (outcome.retryAfterMs ?? 0) : 0
    const probeAt = now + Math.max(retryAfterWithin(retryAfterMs), probeBackoffMs(probes, jitter))
    const { giveUpAt } = claimed.progress
    // Its last try falls on its very end, as without a breaker.
    return { probes, probeAt: giveUpAt > now ? Math.min(probeAt, giveUpAt) : probeAt }
  }
  if (breaker === undefined) {
    return { ...failing, silences, ...(silences < opensAfter ? {} : { breaker: open(0) }) }
  }
  // What was on its way already when the breaker opened is no probe, and says nothing new.
  const isProbe = startedAt >= breaker.probeAt
  return { ...failing, silences, breaker: isProbe ? open(breaker.probes + 1) : breaker }
}

/**
 * A delivery that failed before and fails again, while the app has confirmed others since, is a trouble of its own: an app that answers 500
 * to one session must not lose its place for all others.
 */
function speaksForApp(
  { attempts, createdAt }: PendingDelivery,
  lastConfirmedAt: number | undefined,
): boolean {
  return attempts === 1 || lastConfirmedAt === undefined || lastConfirmedAt < createdAt
}

/**
 * The delivery after an attempt that was not answered, with the breaker open since: the breaker decides how long to wait, so that the
 * only delivery of an app is a probe as often as one of a thousand. An app that asked for patience itself gets it.
 */
export function noLaterThanProbe(
  delivery: LogoutDelivery,
  outcome: AttemptOutcome,
  of: Reachability | undefined,
): LogoutDelivery {
  const { progress } = delivery
  if (progress.state !== 'pending' || progress.refusals > 0 || of?.breaker === undefined) return delivery
  if (outcome.kind === 'answered' && outcome.retryAfterMs !== undefined) return delivery
  return { ...delivery, progress: { ...progress, dueAt: Math.min(progress.dueAt, of.breaker.probeAt) } }
}

/** When a pending delivery is really tried next. */
export function nextAttemptAt(
  { createdAt, progress }: PendingDelivery,
  of: Reachability | undefined,
): number {
  // What is to come before everything else has no time of its own.
  return Math.max(createdAt, progress.dueAt, of?.breaker?.probeAt ?? 0)
}
