/** "Sign out?", asked when an app sends somebody here without proof that they meant it, or when the person is to choose what ends. */

import { appMark } from '../app-mark.ts'
import type { AppFace } from '../appearance.ts'
import { type Html, html } from '../html.ts'
import { cardPage, csrfField, type FormPageModel } from '../layout.ts'
import { count } from '../parts.ts'
import { sampleAppearance } from '../sample-appearance.ts'

export interface SignOutQuestionModel extends FormPageModel {
  /** The app that asked; absent when the person came by themselves, or the app is not known for certain. */
  readonly app?: AppFace | undefined
  /** Handle of what the app asked for; comes back as the field `request`. */
  readonly request?: string | undefined
  readonly account: { readonly email: string; readonly name?: string | undefined }
  /** How many apps the session is signed in to. */
  readonly appCount: number
  /** What the app's operator lets signing out at the app end; of an app that is not given, everything. */
  readonly choice: SignOutChoice
}

export type SignOutChoice = 'everywhere' | 'this-app' | 'ask'

/** The whole page; posts to /sign-out with `decision` = `sign-out` or `stay`. */
export function signOutQuestionPage({
  appearance,
  csrf,
  app,
  request,
  account,
  appCount,
  choice,
}: SignOutQuestionModel): Html {
  return cardPage({
    appearance,
    title: 'Sign out?',
    main: html`<div class="card-head">${app !== undefined && appMark(app, 'large')}<h1>Sign out?</h1>
<p class="lead">${app !== undefined && html`<strong>${app.name}</strong> asks to sign you out. `}You are signed in as ${account.name ?? account.email}${
      appCount > 0 && html` in ${count(appCount, 'app', 'apps')}`
    }. ${ending(app, choice, appCount)}</p></div>
<form class="stack" method="post" action="/sign-out">${csrfField(csrf)}${
      request !== undefined && html`<input type="hidden" name="request" value="${request}">`
    }
${app === undefined || choice === 'everywhere' ? whole('primary', 'Sign out') : buttons(app, choice, appCount)}
<button class="button-secondary" type="submit" name="decision" value="stay">Stay signed in</button>
</form>`,
  })
}

function ending(app: AppFace | undefined, choice: SignOutChoice, appCount: number): Html {
  if (app === undefined || choice === 'everywhere') {
    return html`Signing out ends your session here${appCount > 0 && ` and tells the ${appCount > 1 ? 'apps to end theirs' : 'app to end its own'}`}.`
  }
  return html`Sign out of ${app.name} only, or end your session here and everywhere.`
}

/** What the operator has set comes first; where the person chooses, the smaller of the two. */
function buttons(app: AppFace, choice: 'this-app' | 'ask', appCount: number): Html {
  const part = html`<button class="button-primary" type="submit" name="decision" value="app">Sign out of ${app.name}</button>`
  return html`${part}
${whole(choice === 'ask' ? 'primary' : 'secondary', appCount > 1 ? `Sign out of all ${appCount} apps` : 'Sign out here too')}`
}

function whole(kind: 'primary' | 'secondary', words: string): Html {
  return html`<button class="button-${kind}" type="submit" name="decision" value="sign-out">${words}</button>`
}

const own: SignOutQuestionModel = {
  appearance: sampleAppearance,
  csrf: 'csrf-token',
  account: { email: 'ada@example.com', name: 'Ada Lovelace' },
  appCount: 4,
  choice: 'everywhere',
}

export const samples = {
  byApp: { ...own, app: { name: 'Wiki' }, request: 'request-1' },
  choosing: { ...own, app: { name: 'Wiki' }, request: 'request-1', choice: 'ask' },
  onlyApp: { ...own, app: { name: 'Wiki' }, request: 'request-1', choice: 'this-app' },
  own,
  alone: { ...own, account: { email: 'ada@example.com' }, appCount: 0 },
} satisfies Record<string, SignOutQuestionModel>
