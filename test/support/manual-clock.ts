import type { Clock } from '#gateway/kernel/clock.ts'

/** 2026-03-02 09:00 UTC, a Monday morning. */
export const startOfTime = Date.UTC(2026, 2, 2, 9)

export interface Span {
  readonly ms?: number
  readonly seconds?: number
  readonly minutes?: number
  readonly hours?: number
  readonly days?: number
}

export interface ManualClock extends Clock {
  advance(span: Span): void
  [Symbol.dispose](): void
}

/**
 * Time that moves by hand only. The engines read the global `Date`, so it shows the same time (DECISIONS 1): only `Date`,
 * never timers. One manual clock at a time; dispose it to give `Date` back.
 */
export function createManualClock(startMs: number = startOfTime): ManualClock {
  const RealDate = globalThis.Date
  let nowMs = startMs
  class ManualDate extends RealDate {
    constructor(...of: unknown[]) {
      if (of.length === 0) super(nowMs)
      else super(...(of as [number]))
    }
    static override now(): number {
      return nowMs
    }
  }
  globalThis.Date = ManualDate as DateConstructor
  return {
    now: () => nowMs,
    advance: ({ ms = 0, seconds = 0, minutes = 0, hours = 0, days = 0 }) => {
      nowMs += ms + 1_000 * (seconds + 60 * (minutes + 60 * (hours + 24 * days)))
    },
    [Symbol.dispose]: () => {
      globalThis.Date = RealDate
    },
  }
}
