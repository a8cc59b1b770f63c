import type { Changes } from '../kernel/changes.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Transaction } from '../kernel/transaction.ts'
import type { LogoutStore, RetrySelector } from './store.ts'

/** Rows in one transaction, so that other writers get their turn between two. */
const retriedAtOnce = 200

export interface RetryDeps {
  readonly logouts: LogoutStore
  readonly transaction: Transaction
  readonly changes: Pick<Changes, 'announce'>
  readonly clock: Clock
  readonly retryForMs: number
  readonly wake: () => void
  /** Runs each batch inside its transaction, with what shall commit with it. */
  readonly within: (retryBatch: () => Promise<number>) => Promise<number>
}

/**
 * "Retry now", for operators: makes deliveries due at once, refused and abandoned ones too, and gives them the whole time again.
 * Returns how many. What is delivered stays so, and what an attempt holds right now is left to it.
 */
export async function retryDeliveries(deps: RetryDeps, selector: RetrySelector): Promise<number> {
  const now = deps.clock.now()
  let retried = 0
  for (;;) {
    const count = await deps.transaction.run(() =>
      deps.within(async () => {
        const found = await deps.logouts.retryNow(selector, {
          now,
          giveUpAt: now + deps.retryForMs,
          limit: retriedAtOnce,
        })
        if (found === 0) return 0
        await deps.changes.announce('deliveries')
        deps.transaction.afterCommit(deps.wake)
        return found
      }),
    )
    retried += count
    if (count < retriedAtOnce) return retried
  }
}
