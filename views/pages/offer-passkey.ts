/** Shown once, after a first sign-in by password. */
import { type Html, html } from '../html.ts'
import { passkeyIcon } from '../icons.ts'
import { cardPage, csrfField, type FormPageModel } from '../layout.ts'
import { passkeyNote } from '../parts.ts'
import { sampleAppearance } from '../sample-appearance.ts'

export interface OfferPasskeyModel extends FormPageModel {
  /** Goes with both answers, so that the person lands where they were going. */
  readonly attempt?: string | undefined
  /** "Not now" posts here. */
  readonly skipPath: string
}

/** The whole page. */
export function offerPasskeyPage({ appearance, csrf, attempt, skipPath }: OfferPasskeyModel): Html {
  return cardPage({
    appearance,
    title: 'Create a passkey',
    csrf,
    script: 'passkey.js',
    main: html`<div class="card-head"><span class="mark mark-large mark-accent">${passkeyIcon}</span>
<h1>Sign in faster next time</h1>
<p class="lead">With a passkey you sign in by fingerprint, face or screen lock. No password, and nothing that can be stolen from you.</p></div>
<div class="passkey-part stack" data-passkey="register" data-options="/account/passkeys/options" data-finish="/account/passkeys" data-attempt="${attempt}">
${passkeyNote}
<button class="button-primary" type="button" data-passkey-button>${passkeyIcon}<span>Create a passkey</span></button>
</div>
<p class="without-passkeys">This browser cannot create a passkey. You can do it later, on your account page.</p>
<form class="stack" method="post" action="${skipPath}">${csrfField(csrf)}${
      attempt !== undefined && html`<input type="hidden" name="attempt" value="${attempt}">`
    }<button class="button-quiet" type="submit">Not now</button></form>`,
  })
}

export const samples = {
  offer: {
    appearance: sampleAppearance,
    csrf: 'csrf-token',
    attempt: 'attempt-1',
    skipPath: '/sign-in/passkey/skip',
  },
} satisfies Record<string, OfferPasskeyModel>
