/** The first operator's account, behind the one-time link that the first start prints. */
import { type Html, html } from '../html.ts'
import { passkeyIcon } from '../icons.ts'
import { cardPage, csrfField, type FormPageModel } from '../layout.ts'
import { passkeyNote, problemNote } from '../parts.ts'
import { sampleAppearance } from '../sample-appearance.ts'

export interface SetUpModel extends FormPageModel {
  /** Posts to /set-up/<token>, its script to …/passkey/options and …/passkey. */
  readonly token: string
  readonly email?: string | undefined
  readonly name?: string | undefined
  readonly passwordMinLength: number
  readonly problem?: SetUpProblem | undefined
}

export type SetUpProblem =
  | 'email-invalid'
  | 'email-taken'
  | 'name-missing'
  | 'password-too-short'
  | 'password-too-long'
  | 'password-breached'
  | 'password-is-email'

/** The whole page. */
export function setUpPage(model: SetUpModel): Html {
  const action = `/set-up/${encodeURIComponent(model.token)}`
  return cardPage({
    appearance: model.appearance,
    title: 'Set up',
    csrf: model.csrf,
    script: 'passkey.js',
    main: html`<div class="card-head"><h1>Welcome to ${model.appearance.name}</h1>
<p class="lead">Create the first account. It is an operator: it may see and change everything here.</p></div>
${model.problem !== undefined && problemNote(problemWords(model.problem, model.passwordMinLength))}
<form class="stack" method="post" action="${action}" data-passkey="set-up" data-options="${action}/passkey/options" data-finish="${action}/passkey">
${csrfField(model.csrf)}
<div class="field"><label for="email">E-mail</label>
<input id="email" name="email" type="email" inputmode="email" autocomplete="email" autocapitalize="none" spellcheck="false" required maxlength="254" value="${model.email}"></div>
<div class="field"><label for="name">Your name</label>
<input id="name" name="name" autocomplete="name" required maxlength="100" value="${model.name}"></div>
<div class="passkey-part">
${passkeyNote}
<button class="button-primary" type="button" data-passkey-button>${passkeyIcon}<span>Continue with a passkey</span></button>
<p class="hint">Your fingerprint, face or screen lock. Nothing to remember, and nothing to steal.</p>
<p class="divider"><span>or choose a password</span></p>
</div>
<div class="field"><label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="new-password" required minlength="${model.passwordMinLength}" maxlength="1024" aria-describedby="password-hint">
<p class="hint" id="password-hint">At least ${model.passwordMinLength} characters. A few words in a row are good.</p></div>
<button class="button-fallback" type="submit">Continue with a password</button>
</form>`,
  })
}

function problemWords(problem: SetUpProblem, passwordMinLength: number): string {
  switch (problem) {
    case 'email-invalid':
      return 'That is not an e-mail address. Check it for typing mistakes.'
    case 'email-taken':
      return 'There is an account with that address already.'
    case 'name-missing':
      return 'Enter a name. It is how others see you here.'
    case 'password-too-short':
      return `That password is too short. Use at least ${passwordMinLength} characters.`
    case 'password-too-long':
      return 'That password is too long. Use at most 1024 characters.'
    case 'password-breached':
      return 'That password is on a list of stolen ones. Choose another.'
    case 'password-is-email':
      return 'Your password must not be your e-mail address. Choose another.'
    default:
      return problem satisfies never
  }
}

const first: SetUpModel = {
  appearance: sampleAppearance,
  csrf: 'csrf-token',
  token: 'one-time',
  passwordMinLength: 15,
}

export const samples = {
  first,
  again: { ...first, email: 'ada@example.com', name: 'Ada Lovelace', problem: 'password-too-short' },
} satisfies Record<string, SetUpModel>
