/** The part of the account page about sessions that are over. */
import { type Html, html } from '../html.ts'
import { sampleNow } from '../sample-appearance.ts'
import { agoTime } from '../time.ts'

export interface EndedSession {
  /** "Safari on iPhone". */
  readonly device: string
  readonly address: string
  readonly endedAt: number
  /** One of the gateway's causes. */
  readonly cause: EndCause
}

export type EndCause =
  | 'app'
  | 'account'
  | 'account-everywhere'
  | 'admin'
  | 'bulk'
  | 'idle'
  | 'absolute'
  | 'password-changed'
  | 'credential-changed'
  | 'access-removed'
  | 'app-removed'
  | 'account-disabled'
  | 'account-deleted'
  | 'account-switched'
  | 'session-limit'
  | 'upstream'
  | 'risk'
  | 'restore'

/** Read only. */
export function historyPart(ended: readonly EndedSession[], now: number): Html {
  return html`<section class="part" id="history" aria-labelledby="history-title">
<div class="part-head"><div><h2 id="history-title">Ended sessions</h2></div></div>
${
  ended.length === 0
    ? html`<p class="part-empty">None yet.</p>`
    : html`<ul class="rows rows-quiet">${ended.map(
        (session) => html`<li class="row"><div class="row-words"><h3>${session.device}</h3>
<p>${causeWords[session.cause]} · ${agoTime(session.endedAt, now)} · ${session.address}</p></div></li>`,
      )}</ul>`
}
</section>`
}

/** What ended it, as the person lived it. */
const causeWords: Readonly<Record<EndCause, string>> = {
  app: 'You signed out in an app',
  account: 'You signed out',
  'account-everywhere': 'You signed out everywhere',
  admin: 'An operator ended it',
  bulk: 'An operator ended it with others',
  idle: 'It was not used for too long',
  absolute: 'Its time was up',
  'password-changed': 'Your password was changed',
  'credential-changed': 'The passkey that opened it was removed',
  'access-removed': 'Your access was changed',
  'app-removed': 'The app was removed',
  'account-disabled': 'Your account was disabled',
  'account-deleted': 'Your account was deleted',
  'account-switched': 'Someone else signed in on that browser',
  'session-limit': 'You signed in on too many devices',
  upstream: 'Your organisation signed you out',
  risk: 'It looked as if someone else was using it',
  restore: 'The gateway was restored from a backup',
}

export const sampleEnded: readonly EndedSession[] = [
  { device: 'Edge on Windows', address: '198.51.100.4', endedAt: sampleNow - 26 * 3_600_000, cause: 'idle' },
  { device: 'Safari on macOS', address: '192.0.2.80', endedAt: sampleNow - 4 * 86_400_000, cause: 'account' },
  {
    device: 'Chrome on Android',
    address: '203.0.113.9',
    endedAt: sampleNow - 40 * 86_400_000,
    cause: 'risk',
  },
]
