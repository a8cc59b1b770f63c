/** Sign in, and "Confirm it's you" when a live session must be proven again. */

import { appMark } from '../app-mark.ts'
import type { AppFace } from '../appearance.ts'
import { type Html, html, raw } from '../html.ts'
import { passkeyIcon } from '../icons.ts'
import { cardPage, csrfField, type FormPageModel } from '../layout.ts'
import { passkeyNote, problemNote } from '../parts.ts'
import { sampleAppearance, sampleNow } from '../sample-appearance.ts'
import { clockTime, durationWords } from '../time.ts'

export interface SignInModel extends FormPageModel {
  /** Handle of the sign-in under way; comes back as the field and the JSON property `attempt`. */
  readonly attempt?: string | undefined
  /** Where the person is going; absent when to the gateway's own pages. */
  readonly app?: AppFace | undefined
  readonly purpose: SignInPurpose
  readonly problem?: SignInProblem | undefined
  /** Present where the operator allows it. Asked once: who confirms a session, or goes on from the password to the passkey, is not asked again. */
  readonly remember?: { readonly checked: boolean } | undefined
  /** Whether there is an app to go back to: posts to /sign-in/cancel. */
  readonly canCancel: boolean
  readonly now: number
}

export type SignInPurpose =
  | { readonly kind: 'sign-in'; readonly emailHint?: string | undefined }
  | {
      readonly kind: 'confirm'
      readonly account: { readonly email: string; readonly name?: string | undefined }
      /** False when what is asked for needs a passkey. */
      readonly passwordIsEnough: boolean
      readonly hasPasskey: boolean
      /** Own path that starts over for someone else. */
      readonly switchAccountPath?: string | undefined
    }

export type SignInProblem =
  /** Says neither which half was wrong nor whether the account exists. */
  | { readonly kind: 'wrong' }
  | { readonly kind: 'passkey-refused' }
  | { readonly kind: 'throttled'; readonly tryAgainAt: number }
  | { readonly kind: 'busy' }

/** The whole page. */
export function signInPage(model: SignInModel): Html {
  const { purpose } = model
  const offersPasskey = purpose.kind === 'sign-in' || purpose.hasPasskey
  const offersPassword = purpose.kind === 'sign-in' || purpose.passwordIsEnough
  return cardPage({
    appearance: model.appearance,
    title:
      purpose.kind === 'confirm'
        ? 'Confirm it’s you'
        : `Sign in${model.app === undefined ? '' : ` to ${model.app.name}`}`,
    csrf: model.csrf,
    script: 'passkey.js',
    main: html`${heading(model)}
${model.problem !== undefined && problemNote(problemWords(model.problem, model.now))}
${offersPasskey && passkeyPart(model, offersPassword)}
${offersPassword && passwordForm(model, offersPasskey)}
${!offersPasskey && !offersPassword && html`<p class="lead">This needs a passkey, and your account has none yet. <a href="/account#passkeys">Create one</a>, then try again.</p>`}
${waysOut(model)}`,
  })
}

function heading({ app, purpose, appearance }: SignInModel): Html {
  if (purpose.kind === 'confirm') {
    return html`<div class="card-head">${app !== undefined && appMark(app, 'large')}<h1>Confirm it’s you</h1>
<p class="lead">${app === undefined ? 'Before you go on' : html`To continue to <strong>${app.name}</strong>`}, prove that it is still you.</p></div>
<div class="person">${appMark({ name: purpose.account.name ?? purpose.account.email }, 'small')}<span class="person-words">${
      purpose.account.name !== undefined && html`<span class="person-name">${purpose.account.name}</span>`
    }<span class="person-email">${purpose.account.email}</span></span></div>`
  }
  if (app === undefined) return html`<div class="card-head"><h1>Sign in to ${appearance.name}</h1></div>`
  return html`<div class="card-head">${appMark(app, 'large')}<h1>Sign in</h1>
<p class="lead">to continue to <strong>${app.name}</strong></p></div>`
}

function problemWords(problem: SignInProblem, now: number): Html {
  switch (problem.kind) {
    case 'wrong':
      return html`That e-mail and password do not match. Check both and try again.`
    case 'passkey-refused':
      return html`That passkey was not accepted. Try again, or use your password.`
    case 'throttled':
      return html`Too many tries. Try again in ${durationWords(problem.tryAgainAt - now)}, at ${clockTime(problem.tryAgainAt, now)}.`
    case 'busy':
      return html`Many people are signing in right now. Wait a moment and try again.`
    default:
      return problem satisfies never
  }
}

function passkeyPart(model: SignInModel, offersPassword: boolean): Html {
  return html`<div class="passkey-part" data-passkey="sign-in" data-options="/sign-in/passkey/options" data-finish="/sign-in/passkey" data-attempt="${model.attempt}">
${passkeyNote}
<button class="button-primary" type="button" data-passkey-button>${passkeyIcon}<span>${model.purpose.kind === 'confirm' ? 'Use your passkey' : 'Sign in with a passkey'}</span></button>
${offersPassword ? html`<p class="divider"><span>or</span></p>` : rememberedField(model.remember)}
</div>
${!offersPassword && html`<p class="without-passkeys">This needs a passkey. Turn JavaScript on, or use a browser that has passkeys.</p>`}`
}

function passwordForm(model: SignInModel, offersPasskey: boolean): Html {
  const { purpose, attempt, remember } = model
  const hint = purpose.kind === 'sign-in' ? purpose.emailHint : undefined
  return html`<form class="stack" method="post" action="/sign-in">
${csrfField(model.csrf)}${attempt !== undefined && html`<input type="hidden" name="attempt" value="${attempt}">`}
${
  purpose.kind === 'confirm'
    ? html`<input type="hidden" name="email" value="${purpose.account.email}" autocomplete="username">`
    : html`<div class="field"><label for="email">E-mail</label>
<input id="email" name="email" type="email" inputmode="email" autocomplete="username webauthn" autocapitalize="none" spellcheck="false" required maxlength="254" value="${hint}"${hint === undefined && raw(' autofocus')}></div>`
}
<div class="field"><label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="1024"${hint !== undefined && raw(' autofocus')}></div>
${purpose.kind === 'confirm' && rememberedField(remember)}${
  remember !== undefined &&
  purpose.kind === 'sign-in' &&
  html`<div class="check"><input id="remember" name="remember" type="checkbox" value="yes"${remember.checked && raw(' checked')}><label for="remember">Keep me signed in on this device</label></div>`
}
<button class="${offersPasskey ? 'button-fallback' : 'button-primary'}" type="submit">${purpose.kind === 'confirm' ? 'Confirm with your password' : 'Sign in'}</button>
</form>`
}

/** What was chosen beside the password goes with the passkey. */
function rememberedField(remember: SignInModel['remember']): Html | false {
  return remember?.checked === true && html`<input type="hidden" name="remember" value="yes">`
}

function waysOut({ purpose, app, attempt, canCancel, csrf }: SignInModel): Html {
  const switchPath = purpose.kind === 'confirm' ? purpose.switchAccountPath : undefined
  return html`${switchPath !== undefined && html`<p class="ways-out"><a href="${switchPath}">Use another account</a></p>`}
${
  canCancel &&
  html`<form class="ways-out" method="post" action="/sign-in/cancel">${csrfField(csrf)}${
    attempt !== undefined && html`<input type="hidden" name="attempt" value="${attempt}">`
  }<button class="button-link" type="submit">${app === undefined ? 'Cancel' : `Cancel and go back to ${app.name}`}</button></form>`
}`
}

const plain: SignInModel = {
  appearance: sampleAppearance,
  csrf: 'csrf-token',
  purpose: { kind: 'sign-in' },
  canCancel: false,
  now: sampleNow,
}
const forApp: SignInModel = { ...plain, attempt: 'attempt-1', app: { name: 'Wiki' }, canCancel: true }

export const samples = {
  plain,
  forApp: { ...forApp, remember: { checked: false } },
  wrong: {
    ...forApp,
    purpose: { kind: 'sign-in', emailHint: 'ada@example.com' },
    problem: { kind: 'wrong' },
  },
  throttled: { ...forApp, problem: { kind: 'throttled', tryAgainAt: sampleNow + 240_000 } },
  passkeyRefused: { ...plain, problem: { kind: 'passkey-refused' } },
  busy: { ...plain, problem: { kind: 'busy' } },
  confirm: {
    ...forApp,
    purpose: {
      kind: 'confirm',
      account: { email: 'ada@example.com', name: 'Ada Lovelace' },
      passwordIsEnough: true,
      hasPasskey: true,
      switchAccountPath: '/sign-in?switch=attempt-1',
    },
  },
  confirmWithPasskey: {
    ...plain,
    purpose: {
      kind: 'confirm',
      account: { email: 'ada@example.com' },
      passwordIsEnough: false,
      hasPasskey: true,
    },
  },
} satisfies Record<string, SignInModel>
