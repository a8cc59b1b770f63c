import type { Changes } from '../kernel/changes.ts'
import type { Clock } from '../kernel/clock.ts'
import type { AppId } from '../kernel/ids.ts'
import type { Transaction } from '../kernel/transaction.ts'
import { giveWay } from '../kernel/turn.ts'
import type { HealthStore } from './health-store.ts'
import type { LogoutStore, RetrySelector } from './store.ts'

/** Rows in one transaction, so that other writers get their turn between two. */
const retriedAtOnce = 200

export interface RetryDeps {
  readonly logouts: Pick<LogoutStore, 'retryNow' | 'find' | 'findDelivery' | 'deliveriesOf'>
  readonly health: Pick<HealthStore, 'probeNow'>
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
 * Returns how many. What is delivered stays so, and what an attempt holds right now is left to it. Of an app whose breaker is open one
 * delivery asks at once whether it is back, the named one if a single one is; if it is, all others follow.
 */
export async function retryDeliveries(deps: RetryDeps, selector: RetrySelector): Promise<number> {
  const now = deps.clock.now()
  let retried = 0
  for (;;) {
    const count = await deps.transaction.run(() =>
      deps.within(async () => {
        // Once: however many there are, the app is asked by one of them.
        const probed = retried === 0 ? await probeNow(deps, selector, now) : 0
        const found = await deps.logouts.retryNow(selector, {
          now,
          giveUpAt: now + deps.retryForMs,
          limit: retriedAtOnce,
        })
        if (found + probed === 0) return 0
        await deps.changes.announce('deliveries')
        deps.transaction.afterCommit(deps.wake)
        return found
      }),
    )
    retried += count
    if (count < retriedAtOnce) return retried
    await giveWay()
  }
}

async function probeNow(
  { health, logouts }: RetryDeps,
  selector: RetrySelector,
  now: number,
): Promise<number> {
  if (selector.kind === 'all') return health.probeNow(now)
  let probed = 0
  for (const appId of await appsOf(logouts, selector)) probed += await health.probeNow(now, appId)
  return probed
}

async function appsOf(
  logouts: RetryDeps['logouts'],
  selector: Exclude<RetrySelector, { readonly kind: 'all' }>,
): Promise<ReadonlySet<AppId>> {
  switch (selector.kind) {
    case 'app':
      return new Set([selector.appId])
    case 'delivery': {
      const delivery = await logouts.findDelivery(selector.id)
      return new Set(delivery === undefined ? [] : [delivery.appId])
    }
    case 'logout':
      // Of a large one the first that the store gives: the others are probed when their time comes.
      return new Set((await logouts.deliveriesOf([selector.id])).map(({ appId }) => appId))
    default:
      return selector satisfies never
  }
}
