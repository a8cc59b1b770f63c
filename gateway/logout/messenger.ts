import type { AppSession } from '../sessions/app-session.ts'
import type { AttemptOutcome, Channel, PendingDelivery } from './delivery.ts'

/**
 * How an app is told, by its protocol. `oidc/logout-token` is one.
 * A fresh token for each attempt is the messenger's business: a repeated `jti` would be refused, an old one would have expired.
 */
export interface Messenger {
  /** Whether the gateway itself can tell the app that this session has ended. Answers from memory. */
  channelOf(appSession: AppSession): Channel
  /** Tells the app once and returns what it answered, within `timeoutMs`. Throws only when the message could not be made. */
  send(delivery: PendingDelivery, timeoutMs: number): Promise<AttemptOutcome>
}
