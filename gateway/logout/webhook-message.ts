/**
 * News for the operator's webhook: that an app could not be told, does not answer any more, or answers again. Pure.
 *
 * Owns: what is news, how much of it makes one message, and what that says. Never: says anything of a person but ids, and nothing that an
 * app has written.
 */
import { minuteMs, secondMs } from '../kernel/clock.ts'
import type { WebhookMessageId } from '../kernel/ids.ts'
import type { Cause } from '../sessions/cause.ts'
import type { LogoutDelivery, Pending, Progress, Settled } from './delivery.ts'
import type { Reachability } from './health.ts'

/** Something that the operator wants to hear of, as the message says it. */
export interface News {
  readonly type: 'logout.delivery_failed' | 'app.unreachable' | 'app.reachable'
  /** News of one type and topic becomes one message while nobody has tried to send it. */
  readonly topic: string
  /** Under the names of the body; of the first where there are several. */
  readonly data: Readonly<Record<string, string | number>>
  /** How many make this one. */
  readonly count: number
}

export interface WebhookMessage extends News {
  readonly id: WebhookMessageId
  readonly createdAt: number
  /** Attempts begun; fences as that of a delivery does. */
  readonly attempts: number
  readonly progress: Progress
}

export type PendingMessage = WebhookMessage & { readonly progress: Pending }

/** Deliveries of one end fail together: a message waits so long for more of its topic … */
const gatherMs = 10 * secondMs
/** … and, while more keep coming, no longer than this. */
export const gatherAtMostMs = 5 * minuteMs

type Failure = Extract<Settled, { reason: string }>
export type FailedDelivery = LogoutDelivery & { readonly progress: Failure }

/** True for a delivery that has come to its end and was not told. */
export function hasFailed(delivery: LogoutDelivery): delivery is FailedDelivery {
  const { state } = delivery.progress
  return state === 'refused' || state === 'abandoned' || state === 'untellable'
}

/** One piece of news for each Logout, app and kind of failure, however many deliveries there are. */
export function newsOfFailures(
  failed: readonly { readonly delivery: FailedDelivery; readonly cause: Cause }[],
): readonly News[] {
  const topics = Map.groupBy(failed, ({ delivery: { logoutId, appId, progress } }) =>
    [logoutId, appId, progress.state].join(' '),
  )
  return [...topics].flatMap(([topic, alike]) => {
    const [first] = alike
    if (first === undefined) return []
    const { delivery, cause } = first
    return [
      {
        type: 'logout.delivery_failed',
        topic,
        data: {
          logout_id: delivery.logoutId,
          app_id: delivery.appId,
          delivery_id: delivery.id,
          cause,
          state: delivery.progress.state,
          reason: ownWordsOf(delivery.progress.reason),
          attempts: delivery.attempts,
        },
        count: alike.length,
      },
    ]
  })
}

/** News where an app's breaker has opened or closed; none where it stands as it stood. */
export function newsOfBreaker(before: Reachability | undefined, after: Reachability): readonly News[] {
  const { appId, failures, failingSince, reason = '' } = after
  const [was, is] = [before?.breaker !== undefined, after.breaker !== undefined]
  if (was === is) return []
  const data = is
    ? {
        app_id: appId,
        failures,
        reason: ownWordsOf(reason),
        ...(failingSince === undefined ? {} : { failing_since: new Date(failingSince).toISOString() }),
      }
    : { app_id: appId }
  return [{ type: is ? 'app.unreachable' : 'app.reachable', topic: appId, data, count: 1 }]
}

/** `it answered 400, …` without what the app had to say: that may name a person. */
function ownWordsOf(reason: string): string {
  return reason.replace(/^(it answered \d{3}),.*$/s, '$1')
}

/** The message that brings the news. */
export function messageOf(
  news: News,
  of: { readonly id: WebhookMessageId; readonly now: number; readonly retryForMs: number },
): PendingMessage {
  return {
    ...news,
    id: of.id,
    createdAt: of.now,
    attempts: 0,
    progress: { state: 'pending', dueAt: of.now + gatherMs, giveUpAt: of.now + of.retryForMs, refusals: 0 },
  }
}

/** The body (Standard Webhooks, section "Payload structure"). The same at every attempt. */
export function bodyOf({ type, data, count, createdAt }: WebhookMessage): string {
  return JSON.stringify({
    type,
    timestamp: new Date(createdAt).toISOString(),
    data: type === 'logout.delivery_failed' ? { ...data, deliveries: count } : data,
  })
}
