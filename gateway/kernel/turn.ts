import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Lets everything that waits have its turn. SQLite answers in this thread and a promise that is settled goes on at once, so a loop over
 * transactions would otherwise run to its end before anybody's request is read.
 */
export function giveWay(): Promise<void> {
  return new Promise((next) => setImmediate(next))
}

/** As long a rest as the work took that began at `began` (of `performance.now()`): whoever comes meanwhile has half of the time. */
export function restAfter(began: number): Promise<void> {
  return sleep(performance.now() - began)
}
