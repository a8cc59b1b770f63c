import type { PendingMessage, WebhookMessage } from './webhook-message.ts'

/** A message as it is after an attempt. */
export interface BookedMessage {
  /** As it was claimed: `leaseBy` and `attempts` fence off whoever came too late. */
  readonly claimed: PendingMessage
  readonly next: WebhookMessage
}

/** Messages to the webhook, until it has taken them. Leases and fencing are those of LogoutStore (DECISIONS 22). */
export interface WebhookStore {
  /**
   * Stores messages inside the caller's transaction. One of a type and topic that nobody has tried to send yet counts those of the new
   * one with its own, and waits as long as that would, but no longer than `gatherAtMostMs` after it was made.
   */
  add(messages: readonly PendingMessage[]): Promise<void>
  /** Leases due messages, the earliest first, and raises their `attempts`. */
  claim(of: {
    readonly node: string
    readonly now: number
    readonly leaseUntil: number
    readonly limit: number
  }): Promise<readonly PendingMessage[]>
  /** Writes what attempts brought. Returns the messages booked: those whose lease was lost meanwhile are left alone. */
  record(attempts: readonly BookedMessage[]): Promise<readonly WebhookMessage[]>
  /** When the next message falls due, or the next lease runs out, after `now`. */
  nextDueAfter(now: number): Promise<number | undefined>
  /** Deletes up to `limit` messages that were made before `before`, sent or not. Returns how many. */
  deleteOld(before: number, limit: number): Promise<number>
}
