import type { AppSession } from '../sessions/app-session.ts'
import type { AttemptOutcome, LogoutDelivery, PendingDelivery, Way } from './delivery.ts'

/**
 * How an app is told, by its protocol. `oidc/logout-token` is one.
 * A fresh token for each attempt is the messenger's business: a repeated `jti` would be refused, an old one would have expired.
 */
export interface Messenger {
  /** The ways in which this app is to be told that the session has ended; empty when there is none. Answers from memory. */
  waysOf(appSession: AppSession): readonly Way[]
  /** Tells the app once and returns what it answered, within `timeoutMs`. Throws only when the message could not be made. */
  send(delivery: PendingDelivery, timeoutMs: number): Promise<AttemptOutcome>
}

/**
 * How an app is told through the person's browser, by its protocol. `oidc/front-channel` is one.
 * The browser loads what this names, in a frame of the sign-out page; what it loads proves nothing about the app.
 */
export interface BrowserMessenger {
  /** The address of the frame; undefined when the app has lost its channel since, or is gone. Answers from memory. */
  frameOf(delivery: LogoutDelivery): string | undefined
}
