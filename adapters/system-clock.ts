import type { Clock } from '#gateway/kernel/clock.ts'

/** The machine's wall clock: what the engines read too (DECISIONS 1). */
export const systemClock: Clock = { now: () => Date.now() }
