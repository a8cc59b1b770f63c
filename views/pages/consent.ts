/** What an app that is not ours asks for, and the person's answer. */

import { appMark } from '../app-mark.ts'
import type { AppFace } from '../appearance.ts'
import { type Html, html } from '../html.ts'
import { confirmedIcon } from '../icons.ts'
import { cardPage, csrfField, type FormPageModel } from '../layout.ts'
import { safeHref } from '../safe-href.ts'
import { sampleAppearance } from '../sample-appearance.ts'

export interface ConsentModel extends FormPageModel {
  /** The engine's interaction; the form posts to /consent/<uid> with `decision` = `allow` or `deny`. */
  readonly uid: string
  readonly app: AppFace
  /** Where the person is sent back to, as a host: an app's name proves nothing, its address does. */
  readonly appHost: string
  readonly account: { readonly email: string; readonly name?: string | undefined }
  /** The scopes not yet agreed to. */
  readonly scopes: readonly string[]
  /** What happens to lasting access when the person signs out. */
  readonly offline: 'ends-with-session' | 'survives-sign-out'
  readonly policyUrl?: string | undefined
  readonly termsUrl?: string | undefined
}

/** The whole page. */
export function consentPage(model: ConsentModel): Html {
  const { app, appearance, account } = model
  return cardPage({
    appearance,
    title: `Allow ${app.name}?`,
    main: html`<div class="card-head">${appMark(app, 'large')}<h1>${app.name} wants to use your account</h1>
<p class="lead">It is at <strong class="host">${model.appHost}</strong>. You are signed in as ${account.name ?? account.email}.</p></div>
<h2 class="list-title">It would be able to</h2>
<ul class="scopes">${model.scopes.map(
      (scope) => html`<li>${confirmedIcon}<span>${scopeWords(scope, model.offline)}</span></li>`,
    )}</ul>
<form class="stack" method="post" action="/consent/${encodeURIComponent(model.uid)}">${csrfField(model.csrf)}
<button class="button-primary" type="submit" name="decision" value="allow">Allow</button>
<button class="button-secondary" type="submit" name="decision" value="deny">Do not allow</button>
</form>
${smallPrint(model)}`,
  })
}

function scopeWords(scope: string, offline: ConsentModel['offline']): Html {
  switch (scope) {
    case 'openid':
      return html`Know that it is you, each time you come back`
    case 'profile':
      return html`See your name`
    case 'email':
      return html`See your e-mail address`
    case 'groups':
      return html`See which groups you are in`
    case 'offline_access':
      return offline === 'survives-sign-out'
        ? html`Keep its access while you are away, <strong>even after you sign out</strong>`
        : html`Keep its access while you are away, until you sign out`
    default:
      return html`Use <code>${scope}</code>`
  }
}

function smallPrint({ app, policyUrl, termsUrl }: ConsentModel): Html {
  const links = [
    [policyUrl, 'privacy policy'],
    [termsUrl, 'terms'],
  ] as const
  // Addresses come from the app's registration: what is not http or https is left out.
  const shown = links.flatMap(([url, words]) => {
    const href = safeHref(url)
    return href?.startsWith('http') ? [html`<a href="${href}" rel="noreferrer">${words}</a>`] : []
  })
  return html`${
    shown.length > 0 &&
    html`<p class="small-print">Read ${app.name}’s ${shown[0]}${shown[1] !== undefined && html` and ${shown[1]}`}.</p>`
  }`
}

const usual: ConsentModel = {
  appearance: sampleAppearance,
  csrf: 'csrf-token',
  uid: 'interaction-1',
  app: { name: 'Photo Frame' },
  appHost: 'frame.example.net',
  account: { email: 'ada@example.com', name: 'Ada Lovelace' },
  scopes: ['openid', 'profile', 'email', 'offline_access'],
  offline: 'ends-with-session',
  policyUrl: 'https://frame.example.net/privacy',
  termsUrl: 'https://frame.example.net/terms',
}

export const samples = {
  usual,
  bare: {
    ...usual,
    account: { email: 'ada@example.com' },
    scopes: ['openid', 'groups', 'photos:read', 'offline_access'],
    offline: 'survives-sign-out',
    policyUrl: undefined,
    termsUrl: undefined,
  },
} satisfies Record<string, ConsentModel>
