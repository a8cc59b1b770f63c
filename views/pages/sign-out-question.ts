/** "Sign out?", asked when an app sends somebody here without proof that they meant it. */

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
}

/** The whole page; posts to /sign-out with `decision` = `sign-out` or `stay`. */
export function signOutQuestionPage({
  appearance,
  csrf,
  app,
  request,
  account,
  appCount,
}: SignOutQuestionModel): Html {
  return cardPage({
    appearance,
    title: 'Sign out?',
    main: html`<div class="card-head">${app !== undefined && appMark(app, 'large')}<h1>Sign out?</h1>
<p class="lead">${app !== undefined && html`<strong>${app.name}</strong> asks to sign you out. `}You are signed in as ${account.name ?? account.email}${
      appCount > 0 && html` in ${count(appCount, 'app', 'apps')}`
    }. Signing out ends your session here${appCount > 0 && ` and tells the ${appCount > 1 ? 'apps to end theirs' : 'app to end its own'}`}.</p></div>
<form class="stack" method="post" action="/sign-out">${csrfField(csrf)}${
      request !== undefined && html`<input type="hidden" name="request" value="${request}">`
    }
<button class="button-primary" type="submit" name="decision" value="sign-out">Sign out</button>
<button class="button-secondary" type="submit" name="decision" value="stay">Stay signed in</button>
</form>`,
  })
}

const own: SignOutQuestionModel = {
  appearance: sampleAppearance,
  csrf: 'csrf-token',
  account: { email: 'ada@example.com', name: 'Ada Lovelace' },
  appCount: 4,
}

export const samples = {
  byApp: { ...own, app: { name: 'Wiki' }, request: 'request-1' },
  own,
  alone: { ...own, account: { email: 'ada@example.com' }, appCount: 0 },
} satisfies Record<string, SignOutQuestionModel>
