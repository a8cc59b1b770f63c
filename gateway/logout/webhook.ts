import type { LogoutStore } from './store.ts'
import { createWebhookOutbox, type WebhookOutbox } from './webhook-outbox.ts'
import { WebhookSender, type WebhookSenderDeps } from './webhook-sender.ts'

/** The operator's webhook: where news is put, and who brings it. */
export interface Webhook {
  readonly outbox: WebhookOutbox
  readonly sender: WebhookSender
}

export interface WebhookDeps extends WebhookSenderDeps {
  readonly logouts: Pick<LogoutStore, 'find'>
  /** How long a webhook that does not answer is tried. */
  readonly retryForMs: number
}

/** Creates both halves. Nothing is sent until the sender is started. */
export function createWebhook(deps: WebhookDeps): Webhook {
  const sender = new WebhookSender(deps)
  return { sender, outbox: createWebhookOutbox({ ...deps, wake: () => sender.wake() }) }
}
