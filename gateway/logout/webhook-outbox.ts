import type { Clock } from '../kernel/clock.ts'
import { newId } from '../kernel/ids.ts'
import type { Random } from '../kernel/random.ts'
import type { Transaction } from '../kernel/transaction.ts'
import type { LogoutDelivery } from './delivery.ts'
import type { Reachability } from './health.ts'
import type { LogoutStore } from './store.ts'
import { hasFailed, messageOf, type News, newsOfBreaker, newsOfFailures } from './webhook-message.ts'
import type { WebhookStore } from './webhook-store.ts'

/**
 * Where whatever happens to deliveries and apps is shown, so that the operator hears of what is news. Both methods are called inside the
 * transaction that makes it so: the news is owed, or nothing has happened.
 */
export interface WebhookOutbox {
  deliveriesSettled(deliveries: readonly LogoutDelivery[]): Promise<void>
  appsChanged(
    changes: readonly { readonly before: Reachability | undefined; readonly after: Reachability }[],
  ): Promise<void>
}

export interface WebhookOutboxDeps {
  readonly webhooks: Pick<WebhookStore, 'add'>
  readonly logouts: Pick<LogoutStore, 'find'>
  readonly transaction: Pick<Transaction, 'afterCommit'>
  readonly clock: Clock
  readonly random: Random
  /** How long a webhook that does not answer is tried. */
  readonly retryForMs: number
  /** Called after the commit: the sender of this process has something to do. */
  readonly wake: () => void
}

/** Creates the outbox. */
export function createWebhookOutbox(deps: WebhookOutboxDeps): WebhookOutbox {
  const { webhooks, logouts, transaction, clock, random, retryForMs, wake } = deps
  const owe = async (news: readonly News[]): Promise<void> => {
    if (news.length === 0) return
    const now = clock.now()
    await webhooks.add(
      news.map((each) => messageOf(each, { id: newId('webhookMessage', random), now, retryForMs })),
    )
    transaction.afterCommit(wake)
  }
  return {
    deliveriesSettled: async (deliveries) => {
      const failed = deliveries.filter(hasFailed)
      const told = []
      for (const [id, ofLogout] of Map.groupBy(failed, ({ logoutId }) => logoutId)) {
        const logout = await logouts.find(id)
        if (logout !== undefined)
          told.push(...ofLogout.map((delivery) => ({ delivery, cause: logout.cause })))
      }
      await owe(newsOfFailures(told))
    },
    appsChanged: (changes) => owe(changes.flatMap(({ before, after }) => newsOfBreaker(before, after))),
  }
}
