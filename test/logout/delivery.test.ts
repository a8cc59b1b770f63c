import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hourMs, minuteMs } from '#gateway/kernel/clock.ts'
import {
  type AttemptOutcome,
  afterAttempt,
  attemptRecord,
  type LogoutDelivery,
  type PendingDelivery,
  verdictOf,
} from '#gateway/logout/delivery.ts'
import { afterSilence, backoffMs } from '#gateway/logout/schedule.ts'
import { aDelivery, noon } from './builders.ts'

const soonest = () => 0
const latest = () => 1 - 2 ** -32
const attempted = aDelivery({ attempts: 1, progress: { leaseBy: 'node' } })

function answered(
  status: number,
  more: Partial<Extract<AttemptOutcome, { kind: 'answered' }>> = {},
): AttemptOutcome {
  return { kind: 'answered', status, durationMs: 3, ...more }
}

const noAnswer: AttemptOutcome = { kind: 'unreachable', reason: 'timeout', durationMs: 5_000 }

/** Answers `outcome` again and again, each at the instant it falls due; returns the instants and the last state. */
function untilSettled(
  outcome: (attempt: number) => AttemptOutcome,
  jitter: () => number,
): { readonly at: readonly number[]; readonly last: LogoutDelivery } {
  let delivery: LogoutDelivery = aDelivery()
  const at: number[] = []
  while (delivery.progress.state === 'pending') {
    const { progress } = delivery
    const claimed: PendingDelivery = { ...delivery, attempts: delivery.attempts + 1, progress }
    at.push(progress.dueAt)
    delivery = afterAttempt(claimed, outcome(claimed.attempts), progress.dueAt, jitter)
  }
  return { at, last: delivery }
}

describe('what an answer means (DECISIONS 21)', () => {
  test.for([
    [200, 'acknowledged'],
    [204, 'acknowledged'],
    [201, 'not-now'],
    [202, 'not-now'],
    [301, 'refused'],
    [302, 'refused'],
    [308, 'refused'],
    [400, 'refused-perhaps-for-now'],
    [401, 'refused'],
    [403, 'refused'],
    [404, 'refused'],
    [405, 'refused'],
    [408, 'not-now'],
    [410, 'refused'],
    [425, 'not-now'],
    [429, 'not-now'],
    [500, 'not-now'],
    [501, 'refused'],
    [502, 'not-now'],
    [503, 'not-now'],
    [504, 'not-now'],
  ] as const)('%i is %s', ([status, verdict]) => expect(verdictOf(status)).toBe(verdict))

  test.for([200, 204])('%i settles the delivery as delivered', (status) => {
    expect(afterAttempt(attempted, answered(status), noon + 7, soonest).progress).toEqual({
      state: 'delivered',
      settledAt: noon + 7,
    })
  })

  test('an app that has no channel any more cannot be told', () => {
    expect(afterAttempt(attempted, { kind: 'no-channel' }, noon, soonest).progress).toEqual({
      state: 'untellable',
      settledAt: noon,
      reason: 'it offers no way to tell it',
    })
  })

  test('400 counts after three attempts over at least ten minutes: by then an app has fetched our newest key', () => {
    for (const jitter of [soonest, latest]) {
      const { at, last } = untilSettled(() => answered(400, { error: 'invalid_request' }), jitter)
      expect(at).toHaveLength(3)
      expect((at.at(-1) ?? 0) - noon).toBeGreaterThanOrEqual(10 * minuteMs)
      expect((at.at(-1) ?? 0) - noon).toBeLessThan(11 * minuteMs)
      expect(last.progress).toMatchObject({ state: 'refused', reason: 'it answered 400, invalid_request' })
    }
  })

  test('an app that accepts our newest key on the third attempt is told', () => {
    const { last } = untilSettled((attempt) => answered(attempt < 3 ? 400 : 200), latest)
    expect(last.progress.state).toBe('delivered')
  })

  test.for([401, 403, 404, 405, 410, 501, 302])('%i counts after five attempts', (status) => {
    const { at, last } = untilSettled(() => answered(status), latest)
    expect(at).toHaveLength(5)
    expect(last.progress).toMatchObject({ state: 'refused', reason: `it answered ${status}` })
  })

  test('noes count in a row only: an app that was away in between starts afresh', () => {
    const { at, last } = untilSettled((attempt) => (attempt % 4 === 0 ? noAnswer : answered(404)), latest)
    expect(at.length).toBeGreaterThan(200)
    expect(at.at(-1)).toBe(noon + 72 * hourMs)
    expect(last.progress.state).not.toBe('pending')
  })

  test.for([
    ['no answer', noAnswer, 'it did not answer in time'],
    [
      'a refused connection',
      { kind: 'unreachable', reason: 'connect-failed', durationMs: 1 },
      'it could not be reached',
    ],
    [
      'an address that may not be called',
      { kind: 'unreachable', reason: 'address-refused', durationMs: 1 },
      'its address may not be called from here',
    ],
    ['408', answered(408), 'it answered 408'],
    ['425', answered(425), 'it answered 425'],
    ['429', answered(429), 'it answered 429'],
    ['500', answered(500), 'it answered 500'],
    ['503', answered(503), 'it answered 503'],
  ] as const)(
    '%s is tried to the end of 72 h, at most a quarter of an hour apart, and then given up',
    ([, outcome, reason]) => {
      const { at, last } = untilSettled(() => outcome, latest)
      expect(at.at(-1)).toBe(noon + 72 * hourMs)
      const pauses = at.slice(1).map((instant, before) => instant - (at[before] ?? 0))
      expect(Math.max(...pauses)).toBeLessThanOrEqual(15 * minuteMs)
      expect(last.progress).toEqual({ state: 'abandoned', settledAt: noon + 72 * hourMs, reason })
    },
  )

  test('a delivery found long after its time is tried once more before it is given up', () => {
    const late = noon + 100 * hourMs
    expect(afterAttempt(attempted, noAnswer, late, soonest).progress).toMatchObject({ state: 'abandoned' })
    expect(afterAttempt(attempted, answered(200), late, soonest).progress).toMatchObject({
      state: 'delivered',
    })
  })
})

describe('when an app is asked again', () => {
  test('the pause doubles from a second to a quarter of an hour, drawn from its whole length', () => {
    expect([1, 2, 3, 10, 11, 500].map((attempts) => backoffMs(attempts, latest))).toEqual([
      999,
      1_999,
      3_999,
      511_999,
      15 * minuteMs - 1,
      15 * minuteMs - 1,
    ])
    expect(backoffMs(9, soonest)).toBe(0)
  })

  test('Retry-After is honoured up to an hour', () => {
    const pause = (retryAfterMs: number) =>
      (afterSilence({ attempts: 1, now: noon, retryAfterMs, giveUpAt: noon + 72 * hourMs }, soonest) ?? 0) -
      noon
    expect(pause(90_000)).toBe(90_000)
    expect(pause(5 * hourMs)).toBe(hourMs)
  })

  test('Retry-After never postpones the last attempt beyond the end', () => {
    expect(
      afterSilence({ attempts: 1, now: noon, retryAfterMs: hourMs, giveUpAt: noon + minuteMs }, soonest),
    ).toBe(noon + minuteMs)
  })

  test('whatever an app answers, a delivery settles, in time, and never before its rules say so', () => {
    const outcome = fc.oneof(
      fc.integer({ min: 200, max: 599 }).map((status) => answered(status)),
      fc.constant(noAnswer),
      fc.integer({ min: 0, max: 10 * hourMs }).map((retryAfterMs) => answered(503, { retryAfterMs })),
    )
    fc.assert(
      fc.property(
        fc.array(outcome, { minLength: 1, maxLength: 40 }),
        fc.double({ min: 0.01, max: 0.999, noNaN: true }),
        (outcomes, jitter) => {
          const { at, last } = untilSettled(
            (attempt) => outcomes[(attempt - 1) % outcomes.length] ?? noAnswer,
            () => jitter,
          )
          expect(at.every((instant, index) => index === 0 || instant >= (at[index - 1] ?? 0))).toBe(true)
          expect(at.at(-1)).toBeLessThanOrEqual(noon + 72 * hourMs)
          expect(last.progress.state).not.toBe('pending')
          if (last.progress.state === 'abandoned') expect(last.progress.settledAt).toBe(noon + 72 * hourMs)
        },
      ),
      { numRuns: 200 },
    )
  })
})

describe('the record of an attempt', () => {
  test('says what the app answered', () => {
    expect(attemptRecord(attempted, answered(204), noon)).toEqual({
      deliveryId: attempted.id,
      number: 1,
      startedAt: noon,
      durationMs: 3,
      outcome: 'acknowledged',
      status: 204,
    })
    expect(attemptRecord(attempted, answered(400, { error: 'bad' }), noon)).toMatchObject({
      outcome: 'refused',
      status: 400,
      error: 'bad',
    })
    expect(attemptRecord(attempted, answered(503), noon)).toMatchObject({
      outcome: 'unreachable',
      status: 503,
    })
  })

  test('says why there was no answer', () => {
    expect(
      attemptRecord(
        attempted,
        { kind: 'unreachable', reason: 'connect-failed', detail: 'ECONNREFUSED', durationMs: 1 },
        noon,
      ),
    ).toMatchObject({
      outcome: 'unreachable',
      error: 'connect-failed: ECONNREFUSED',
    })
  })

  test('is none when nothing was sent', () => {
    expect(attemptRecord(attempted, { kind: 'no-channel' }, noon)).toBeUndefined()
  })
})
