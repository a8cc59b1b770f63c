/**
 * Sends messages to the operator's webhook until it takes them or their time is over (Standard Webhooks).
 *
 * Owns: the signature, and which message is sent when. Relies on: WebhookStore for leases and fencing, the schedule and states of
 * deliveries, Egress for where it may go. Never: follows the webhook's answer anywhere, or reads more of it than its status.
 *
 * One webhook and few messages: a round is claimed, sent and booked before the next, so nothing has to renew a lease. Each lease
 * outlasts the longest attempt. A process that dies in between leaves leases that run out, and the message is sent again under the same id.
 */
import { createHmac } from 'node:crypto'
import { type Clock, secondMs, toEpochSeconds } from '../kernel/clock.ts'
import type { Egress } from '../kernel/egress.ts'
import type { Log } from '../kernel/log.ts'
import type { Random } from '../kernel/random.ts'
import type { Transaction } from '../kernel/transaction.ts'
import { type AttemptOutcome, progressAfter, type Settled } from './delivery.ts'
import type { Jitter } from './schedule.ts'
import { bodyOf, type PendingMessage, type WebhookMessage } from './webhook-message.ts'
import type { WebhookStore } from './webhook-store.ts'

export interface WebhookSenderDeps {
  readonly webhooks: WebhookStore
  readonly egress: Egress
  readonly transaction: Transaction
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly to: { readonly url: string; readonly secret: string }
  /** One attempt. */
  readonly timeoutMs: number
  /** A message has come to its end, and that is written. */
  readonly onSettled: (state: Settled['state']) => void
}

/** At once to one address that answers to us alone. */
const sentAtOnce = 4
/** What a lease outlasts the attempt by. */
const leaseSlackMs = 10 * secondMs
/** Another process may have written a message; and a store that failed is asked again this soon. */
const maxSleepMs = 10 * secondMs
/** Nothing of the body is used. */
const maxAnswerBytes = 4 * 1024

export class WebhookSender implements AsyncDisposable {
  readonly #deps: WebhookSenderDeps
  readonly #node: string
  readonly #jitter: Jitter
  #life: 'new' | 'running' | 'stopping' = 'new'
  #timer: NodeJS.Timeout | undefined
  #rounds: Promise<number> | undefined

  constructor(deps: WebhookSenderDeps) {
    this.#deps = deps
    this.#node = deps.random.bytes(12).toString('base64url')
    this.#jitter = () => deps.random.bytes(4).readUInt32BE() / 2 ** 32
  }

  /** Begins to send, and goes on until disposed. */
  start(): void {
    if (this.#life !== 'new') return
    this.#life = 'running'
    this.wake()
  }

  /** Something may be due soon. Cheap, and safe at any time. */
  wake(): void {
    if (this.#life === 'running') void this.#work()
  }

  /** Sends all that is due at this instant of the clock and returns the number of attempts once they are booked. For tests. */
  runDue(): Promise<number> {
    this.#rounds ??= this.#sendDue().finally(() => {
      this.#rounds = undefined
    })
    return this.#rounds
  }

  /** Lets the round in flight come to its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#life = 'stopping'
    clearTimeout(this.#timer)
    await this.#rounds?.catch(() => {})
  }

  async #work(): Promise<void> {
    let sleepMs = maxSleepMs
    try {
      await this.runDue()
      const now = this.#deps.clock.now()
      const nextDueAt = await this.#deps.webhooks.nextDueAfter(now)
      if (nextDueAt !== undefined) sleepMs = Math.min(maxSleepMs, nextDueAt - now)
    } catch (error) {
      this.#deps.log.warn('messages to the webhook could not be read or written; trying again', { error })
    }
    clearTimeout(this.#timer)
    if (this.#life === 'running') this.#timer = setTimeout(() => this.wake(), sleepMs).unref()
  }

  async #sendDue(): Promise<number> {
    const { webhooks, clock, timeoutMs, transaction } = this.#deps
    let sent = 0
    while (this.#life !== 'stopping') {
      const now = clock.now()
      const claimed = await webhooks.claim({
        node: this.#node,
        now,
        leaseUntil: now + timeoutMs + leaseSlackMs,
        limit: sentAtOnce,
      })
      if (claimed.length === 0) break
      const outcomes = await Promise.all(claimed.map((message) => this.#send(message)))
      const at = clock.now()
      const attempts = claimed.map((message, place) => ({
        claimed: message,
        next: {
          ...message,
          progress: progressAfter(message, outcomes[place] ?? { kind: 'no-channel' }, at, this.#jitter),
        },
      }))
      for (const message of await transaction.run(() => webhooks.record(attempts))) this.#report(message)
      sent += claimed.length
    }
    return sent
  }

  async #send(message: PendingMessage): Promise<AttemptOutcome> {
    const { egress, clock, to, timeoutMs } = this.#deps
    const body = bodyOf(message)
    const timestamp = String(toEpochSeconds(clock.now()))
    const outcome = await egress.send({
      method: 'POST',
      url: to.url,
      headers: {
        'content-type': 'application/json',
        'webhook-id': message.id,
        'webhook-timestamp': timestamp,
        'webhook-signature': signatureOf(to.secret, message.id, timestamp, body),
      },
      body,
      timeoutMs,
      maxBytes: maxAnswerBytes,
      poolKey: 'webhook',
    })
    if (outcome.kind === 'unreachable') return outcome
    const { status, durationMs } = outcome
    // Unlike a logout token a webhook may be taken with any 2xx; the rest is read as an app's answer is.
    return { kind: 'answered', status: status >= 200 && status < 300 ? 200 : status, durationMs }
  }

  #report({ id, attempts, progress }: WebhookMessage): void {
    const fields = { messageId: id, attempts }
    if (progress.state === 'pending') {
      this.#deps.log.info('a message could not be sent to the webhook yet', {
        ...fields,
        nextAttemptAt: progress.dueAt,
      })
      return
    }
    this.#deps.onSettled(progress.state)
    if (progress.state === 'delivered') this.#deps.log.debug('the webhook took a message', fields)
    else
      this.#deps.log.warn('the webhook did not take a message', {
        ...fields,
        reason: 'reason' in progress ? progress.reason : undefined,
      })
  }
}

/** Standard Webhooks, section "Signature scheme": HMAC-SHA256 under the bytes that stand after `whsec_`. */
function signatureOf(secret: string, id: string, timestamp: string, body: string): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
}
