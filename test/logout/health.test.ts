import { describe, expect, test } from 'vitest'
import { hourMs, minuteMs, secondMs } from '#gateway/kernel/clock.ts'
import type { AttemptOutcome } from '#gateway/logout/delivery.ts'
import {
  afterExperience,
  type Experience,
  nextAttemptAt,
  noLaterThanProbe,
  type Reachability,
  unknownReachability,
} from '#gateway/logout/health.ts'
import { aDelivery, noon, wiki } from './builders.ts'

const answered = (status: number, more: { readonly retryAfterMs?: number } = {}): AttemptOutcome => ({
  kind: 'answered',
  status,
  durationMs: 1,
  ...more,
})
const silent: AttemptOutcome = { kind: 'unreachable', reason: 'timeout', durationMs: 5_000 }

/** Halves every backoff, so that each instant in these tests is known. */
const half = () => 0.5

/** A first attempt at noon that brought `outcome`. */
function experience(outcome: AttemptOutcome, more: Partial<Experience> = {}): Experience {
  return { claimed: aDelivery({ attempts: 1, createdAt: noon }), startedAt: noon, outcome, ...more }
}

function learn(known: Reachability, outcomes: readonly AttemptOutcome[], now = noon): Reachability {
  return outcomes.reduce((of, outcome) => afterExperience(of, experience(outcome), now, half), known)
}

const unknown = unknownReachability(wiki)
const times = (count: number, outcome: AttemptOutcome) => Array.from({ length: count }, () => outcome)
const open = learn(unknown, times(5, silent))
const probeAt = noon + 2_500

describe('what is known of an app', () => {
  test.for([
    ['no answer', silent, 'it did not answer in time'],
    ['a connection refused', { ...silent, reason: 'connect-failed' }, 'it could not be reached'],
    [
      'a message that could not be made here',
      { ...silent, reason: 'failed-here' },
      'the message could not be made',
    ],
    ['408', answered(408), 'it answered 408'],
    ['425', answered(425), 'it answered 425'],
    ['429', answered(429), 'it answered 429'],
    ['500', answered(500), 'it answered 500'],
    ['503', answered(503), 'it answered 503'],
  ] as const)('five times %s in a row open its breaker, four do not', ([, outcome, reason]) => {
    expect(learn(unknown, times(4, outcome as AttemptOutcome))).toEqual({
      appId: wiki,
      failures: 4,
      silences: 4,
      failingSince: noon,
      reason,
    })
    expect(learn(unknown, times(5, outcome as AttemptOutcome))).toEqual({
      appId: wiki,
      failures: 5,
      silences: 5,
      failingSince: noon,
      reason,
      breaker: { probeAt, probes: 0 },
    })
  })

  test.for([400, 401, 403, 404, 405, 410, 501, 302])(
    'an app that answers %i fails, and its breaker stays closed: it can be reached',
    (status) => {
      expect(learn(unknown, times(50, answered(status)))).toEqual({
        appId: wiki,
        failures: 50,
        silences: 0,
        failingSince: noon,
        reason: `it answered ${status}`,
      })
    },
  )

  test('a no between silences begins their count anew', () => {
    const known = learn(unknown, [...times(4, silent), answered(404), ...times(4, silent)])
    expect(known).toMatchObject({ failures: 9, silences: 4 })
    expect(known.breaker).toBeUndefined()
  })

  test('a confirmation makes everything well, and closes the breaker', () => {
    expect(learn(open, [answered(200)])).toEqual({
      appId: wiki,
      failures: 0,
      silences: 0,
      lastConfirmedAt: noon,
    })
  })

  test('a no closes the breaker too: whatever it is, the app is back', () => {
    const known = learn(open, [answered(401)])
    expect(known.breaker).toBeUndefined()
    expect(known).toMatchObject({ failures: 6, silences: 0, failingSince: noon, reason: 'it answered 401' })
  })

  test('a confirmation by an app that is well is written once a minute, and at once after a failure', () => {
    const well = learn(unknown, [answered(204)])
    expect(learn(well, [answered(200)], noon + minuteMs - 1)).toBe(well)
    expect(learn(well, [answered(200)], noon + minuteMs)).toEqual({
      ...well,
      lastConfirmedAt: noon + minuteMs,
    })
    expect(learn(well, [silent, answered(200)], noon + 5)).toEqual({ ...well, lastConfirmedAt: noon + 5 })
  })

  test('where nothing was sent, nothing was learned', () => {
    expect(learn(open, [{ kind: 'no-channel' }])).toBe(open)
  })
})

describe('an open breaker', () => {
  const probe = (known: Reachability, now: number, outcome = silent) =>
    afterExperience(known, experience(outcome, { startedAt: now - secondMs }), now, half)

  test('probes after full jitter from five seconds, doubled with each probe that failed, to five minutes', () => {
    let known = open
    const waits: number[] = []
    for (let probes = 0; probes < 9; probes++) {
      const now = (known.breaker?.probeAt ?? 0) + secondMs
      known = probe(known, now)
      waits.push((known.breaker?.probeAt ?? 0) - now)
    }
    expect(waits).toEqual([5, 10, 20, 40, 80, 150, 150, 150, 150].map((seconds) => seconds * secondMs))
    const latest = learn(unknown, times(5, silent), noon)
    const longest = afterExperience(
      { ...latest, breaker: { probeAt: noon, probes: 50 } },
      experience(silent),
      noon,
      () => 1 - Number.EPSILON,
    )
    expect((longest.breaker?.probeAt ?? 0) - noon).toBeLessThanOrEqual(5 * minuteMs)
  })

  test('waits no longer because of attempts that were on their way when it opened', () => {
    const straggler = experience(silent, { startedAt: noon - 4 * secondMs })
    const known = afterExperience(open, straggler, noon + secondMs, half)
    expect(known).toMatchObject({ failures: 6, breaker: { probeAt, probes: 0 } })
  })

  test('waits as long as the app asks for in Retry-After, within an hour', () => {
    const patient = (retryAfterMs: number) =>
      learn(unknown, times(5, answered(503, { retryAfterMs }))).breaker
    expect(patient(10 * minuteMs)?.probeAt).toBe(noon + 10 * minuteMs)
    expect(patient(9 * hourMs)?.probeAt).toBe(noon + hourMs)
    expect(patient(0)?.probeAt).toBe(probeAt)
  })

  test('asks once more at the very end of a delivery that it has asked with', () => {
    const giveUpAt = noon + 2 * secondMs
    const last = experience(silent, { claimed: aDelivery({ progress: { giveUpAt } }) })
    expect(afterExperience(learn(unknown, times(4, silent)), last, noon, half).breaker?.probeAt).toBe(
      giveUpAt,
    )
    expect(afterExperience(open, { ...last, startedAt: probeAt }, giveUpAt + 1, half).breaker?.probeAt).toBe(
      giveUpAt + 1 + 5 * secondMs,
    )
  })
})

describe('a delivery that an app chokes on', () => {
  const lastConfirmedAt = noon + minuteMs
  const known: Reachability = { ...unknown, lastConfirmedAt }
  const chokes = experience(answered(500), { claimed: aDelivery({ attempts: 2, createdAt: noon }) })

  test('does not open the breaker of an app that has confirmed others since', () => {
    let of = known
    for (let attempt = 0; attempt < 50; attempt++) of = afterExperience(of, chokes, noon + hourMs, half)
    expect(of).toMatchObject({ failures: 50, silences: 0, reason: 'it answered 500' })
    expect(of.breaker).toBeUndefined()
  })

  test.for([
    ['that was never tried before', aDelivery({ attempts: 1, createdAt: noon })],
    ['that is newer than the last confirmation', aDelivery({ attempts: 2, createdAt: lastConfirmedAt + 1 })],
  ] as const)('is told apart from one %s', ([, claimed]) => {
    expect(afterExperience(known, { ...chokes, claimed }, noon + hourMs, half).silences).toBe(1)
  })
})

describe('a delivery behind an open breaker', () => {
  test('is tried when the breaker says so, be its own time sooner or later', () => {
    const dueAt = (at: number) => aDelivery({ createdAt: noon - 1, progress: { dueAt: at } })
    expect(nextAttemptAt(dueAt(noon), open)).toBe(probeAt)
    expect(nextAttemptAt(dueAt(probeAt + 1), open)).toBe(probeAt + 1)
    expect(nextAttemptAt(dueAt(noon), unknown)).toBe(noon)
    expect(nextAttemptAt(dueAt(noon), undefined)).toBe(noon)
  })

  test('that is to come before everything else is tried at once, not in 1970', () => {
    const first = aDelivery({ createdAt: noon, progress: { dueAt: 0 } })
    expect(nextAttemptAt(first, unknown)).toBe(noon)
    expect(nextAttemptAt(first, open)).toBe(probeAt)
  })

  test('that failed is due at the next probe, unless the app asked for patience or has said no', () => {
    const later = aDelivery({ progress: { dueAt: noon + hourMs } })
    expect(noLaterThanProbe(later, silent, open).progress).toMatchObject({ dueAt: probeAt })
    expect(noLaterThanProbe(later, answered(503), open).progress).toMatchObject({ dueAt: probeAt })
    expect(noLaterThanProbe(later, silent, unknown)).toBe(later)
    expect(noLaterThanProbe(later, answered(503, { retryAfterMs: hourMs }), open)).toBe(later)
    const refused = aDelivery({ progress: { dueAt: noon + hourMs, refusals: 1, refusedSince: noon } })
    expect(noLaterThanProbe(refused, answered(400), open)).toBe(refused)
    const settled = {
      ...later,
      progress: { state: 'abandoned', settledAt: noon, reason: 'it is gone' },
    } as const
    expect(noLaterThanProbe(settled, silent, open)).toBe(settled)
  })
})
