/**
 * Short-lived state: sign-in attempts, challenges, interactions, throttle windows. It never joins a transaction, because a
 * rolled-back `take` would hand a challenge back to be used twice. It survives a restart and may be lost with a disk.
 * Values are JSON. Every entry has a time to live of at least 1 ms; an expired one is never returned, swept or not.
 */
export interface Ephemeral {
  /** Stores `value` under `space` and `id`, replacing what was there, for `ttlMs`. */
  put(space: string, id: string, value: unknown, ttlMs: number): Promise<void>
  get(space: string, id: string): Promise<unknown | undefined>
  /** Reads and removes: of any number of callers at once exactly one gets the value. */
  take(space: string, id: string): Promise<unknown | undefined>
  /** First writer wins: true for the one that stored it, false while an unexpired entry is there. */
  add(space: string, id: string, value: unknown, ttlMs: number): Promise<boolean>
  /**
   * Adds `by` (default 1; negative refunds, never below 0) to a counter whose window starts at its first hit and lasts `windowMs`.
   * Returns the count after the hit and when the window ends (ms since the epoch). Counts are exact under any parallelism.
   */
  hit(space: string, id: string, windowMs: number, by?: number): Promise<{ count: number; endsAt: number }>
}
