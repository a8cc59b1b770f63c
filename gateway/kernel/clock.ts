/** The one source of time. Everything that asks what time it is asks here, so that tests can move time by hand. */
export interface Clock {
  /** Milliseconds since the epoch, an integer. */
  now(): number
}

export const secondMs = 1_000
export const minuteMs = 60 * secondMs
export const hourMs = 60 * minuteMs
export const dayMs = 24 * hourMs

/** Seconds since the epoch, as tokens and the engine write them. */
export function toEpochSeconds(atMs: number): number {
  return Math.floor(atMs / secondMs)
}
