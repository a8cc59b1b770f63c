/** The part of the account page about the password. */
import { type Html, html } from '../html.ts'
import { csrfField } from '../layout.ts'

export interface AccountPassword {
  /** `none`: signs in by passkey only. `from-file`: declared in gatehouse.yaml, so it is changed there. */
  readonly kind: 'set' | 'none' | 'from-file'
  readonly minLength: number
}

/** Posts `current_password` (where there is one) and `new_password` to /account/password. */
export function passwordPart(
  password: AccountPassword,
  email: string,
  csrf: string,
  note: Html | undefined,
): Html {
  return html`<section class="part" id="security" aria-labelledby="security-title">
<div class="part-head"><div><h2 id="security-title">Password</h2><p class="part-sub">${sub(password)}</p></div></div>${note}
${password.kind !== 'from-file' && form(password, email, csrf)}
</section>`
}

function sub({ kind }: AccountPassword): string {
  switch (kind) {
    case 'set':
      return 'Changing it ends all your other sessions.'
    case 'none':
      return 'You have none: you sign in with a passkey. Choosing one ends all your other sessions.'
    case 'from-file':
      return 'It is set in this gateway’s configuration file. Whoever runs the gateway can change it there.'
    default:
      return kind satisfies never
  }
}

function form({ kind, minLength }: AccountPassword, email: string, csrf: string): Html {
  return html`<form class="part-form stack" method="post" action="/account/password">${csrfField(csrf)}
<input type="hidden" name="username" value="${email}" autocomplete="username">
${
  kind === 'set' &&
  html`<div class="field"><label for="current_password">Current password</label>
<input id="current_password" name="current_password" type="password" autocomplete="current-password" required maxlength="1024"></div>`
}
<div class="field"><label for="new_password">New password</label>
<input id="new_password" name="new_password" type="password" autocomplete="new-password" required minlength="${minLength}" maxlength="1024" aria-describedby="new-password-hint">
<p class="hint" id="new-password-hint">At least ${minLength} characters. A few words in a row are good.</p></div>
<div><button class="button-secondary button-small" type="submit">${kind === 'set' ? 'Change password' : 'Set a password'}</button></div>
</form>`
}
