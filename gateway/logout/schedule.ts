/**
 * When an app that was not told yet is asked again, and when that ends. Pure (DECISIONS 21).
 *
 * Full jitter: after an outage everything that waited comes back spread over the whole interval, never as one wave.
 */
import { hourMs, minuteMs, secondMs } from '../kernel/clock.ts'

/** A number in [0, 1). */
export type Jitter = () => number

/** The first retry comes within this; each later one within twice the one before. */
const firstBackoffMs = secondMs
/** An app that comes back after a long outage is told within this. */
const maxBackoffMs = 15 * minuteMs
/** An app may ask for this much patience; more would let it talk itself out of being told. */
const maxRetryAfterMs = hourMs

/** An app whose breaker is open is asked again within this at first, and later within this: two restarts of it, and little enough to wait. */
const firstProbeMs = 5 * secondMs
const maxProbeMs = 5 * minuteMs

/** 400s before it counts, and the time they must span: by then an app has fetched our newest key. */
const perhapsRefusals = 3
const perhapsRefusedForMs = 10 * minuteMs
/** Any other refusal before it counts. */
const firmRefusals = 5

/** Full-jitter exponential backoff after `attempts` tries. */
export function backoffMs(attempts: number, jitter: Jitter): number {
  // 2^20 s is far beyond the cap; the bound keeps the power finite for a delivery that was retried for days.
  const ceiling = Math.min(maxBackoffMs, firstBackoffMs * 2 ** Math.min(Math.max(attempts - 1, 0), 20))
  return Math.floor(jitter() * ceiling)
}

/** Full-jitter exponential backoff of an open breaker after `probes` that failed. */
export function probeBackoffMs(probes: number, jitter: Jitter): number {
  return Math.floor(jitter() * Math.min(maxProbeMs, firstProbeMs * 2 ** Math.min(probes, 20)))
}

/** As much of what an app asked for in Retry-After as it gets. */
export function retryAfterWithin(retryAfterMs: number): number {
  return Math.min(retryAfterMs, maxRetryAfterMs)
}

/** When to ask again after no answer, or "not now". Undefined: that was the last try. */
export function afterSilence(
  of: {
    readonly attempts: number
    readonly now: number
    readonly retryAfterMs: number
    readonly giveUpAt: number
  },
  jitter: Jitter,
): number | undefined {
  if (of.now >= of.giveUpAt) return undefined
  const patience = retryAfterWithin(of.retryAfterMs)
  // The last try falls on the very end, so an app that returns in the last minutes is still told.
  return Math.min(of.giveUpAt, of.now + Math.max(patience, backoffMs(of.attempts, jitter)))
}

/** When to ask again after a no. Undefined: the app has said it often enough. */
export function afterRefusal(
  kind: 'refused' | 'refused-perhaps-for-now',
  of: {
    readonly attempts: number
    /** Noes in a row, this one included. */
    readonly refusals: number
    readonly refusedSince: number
    readonly now: number
    readonly giveUpAt: number
  },
  jitter: Jitter,
): number | undefined {
  if (of.now >= of.giveUpAt) return undefined
  const next = of.now + backoffMs(of.attempts, jitter)
  if (kind === 'refused') return of.refusals >= firmRefusals ? undefined : Math.min(of.giveUpAt, next)
  const countsFrom = of.refusedSince + perhapsRefusedForMs
  if (of.refusals >= perhapsRefusals && of.now >= countsFrom) return undefined
  return Math.min(of.giveUpAt, of.refusals >= perhapsRefusals - 1 ? Math.max(next, countsFrom) : next)
}
