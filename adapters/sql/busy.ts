import { setTimeout as sleep } from 'node:timers/promises'

/** Another process commits within a few ms. Who has waited this long has met something that is wrong, and is told so. */
export const patienceMs = 5_000
/** How long SQLite itself waits for another process, which stops everything else in this one. */
export const busyTimeoutMs = 10
/** Between two tries others get their turn. Short at first: most locks are over by then. */
const firstPauseMs = 5
const longestPauseMs = 50

/** Tries again while another process holds the lock, until `giveUpAt` (of `performance.now()`). Everything else is thrown at once. */
export async function untilFree<T>(
  attempt: () => T | Promise<T>,
  giveUpAt: number,
  mayRetry: () => boolean = () => true,
): Promise<T> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      return await attempt()
    } catch (error) {
      if (!isBusy(error) || !mayRetry() || performance.now() >= giveUpAt) throw error
    }
    await sleep(pauseMs)
  }
}

/** True when another process holds the lock. */
export function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY')
}
