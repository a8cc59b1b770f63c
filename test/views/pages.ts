/** Every page with every sample of it, for whoever wants to look at them all. */
import { type Html, toText } from '#views/html.ts'
import * as account from '#views/pages/account.ts'
import * as consent from '#views/pages/consent.ts'
import * as consoleCheck from '#views/pages/console-check.ts'
import * as consoleEnd from '#views/pages/console-end.ts'
import * as consoleEndConfirm from '#views/pages/console-end-confirm.ts'
import * as consoleLogout from '#views/pages/console-logout.ts'
import * as consoleLogouts from '#views/pages/console-logouts.ts'
import * as error from '#views/pages/error.ts'
import * as home from '#views/pages/home.ts'
import * as offerPasskey from '#views/pages/offer-passkey.ts'
import * as setUp from '#views/pages/set-up.ts'
import * as signIn from '#views/pages/sign-in.ts'
import * as signOut from '#views/pages/sign-out.ts'
import * as signOutQuestion from '#views/pages/sign-out-question.ts'
import * as simpleMessage from '#views/pages/simple-message.ts'

/** One page as one sample shows it. */
export interface SamplePage {
  /** "sign-in-throttled". */
  readonly name: string
  readonly model: object
  readonly text: string
  /** The same page from another model of the same shape. */
  readonly renderWith: (model: object) => string
}

export const samplePages: readonly SamplePage[] = [
  ...samplesOf('set-up', setUp.setUpPage, setUp.samples),
  ...samplesOf('sign-in', signIn.signInPage, signIn.samples),
  ...samplesOf('offer-passkey', offerPasskey.offerPasskeyPage, offerPasskey.samples),
  ...samplesOf('consent', consent.consentPage, consent.samples),
  ...samplesOf('home', home.homePage, home.samples),
  ...samplesOf('account', account.accountPage, account.samples),
  ...samplesOf('sign-out-question', signOutQuestion.signOutQuestionPage, signOutQuestion.samples),
  ...samplesOf('sign-out', signOut.signOutPage, signOut.samples),
  ...samplesOf('console-logouts', consoleLogouts.consoleLogoutsPage, consoleLogouts.samples),
  ...samplesOf('console-logout', consoleLogout.consoleLogoutPage, consoleLogout.samples),
  ...samplesOf('console-check', consoleCheck.consoleCheckPage, consoleCheck.samples),
  ...samplesOf('console-end', consoleEnd.consoleEndPage, consoleEnd.samples),
  ...samplesOf('console-end-confirm', consoleEndConfirm.consoleEndConfirmPage, consoleEndConfirm.samples),
  ...samplesOf('error', error.errorPage, error.samples),
  ...samplesOf('simple-message', simpleMessage.simpleMessagePage, simpleMessage.samples),
]

function samplesOf<Model extends object>(
  page: string,
  render: (model: Model) => Html,
  samples: Readonly<Record<string, Model>>,
): SamplePage[] {
  return Object.entries(samples).map(([name, model]) => ({
    name: `${page}-${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    model,
    text: toText(render(model)),
    renderWith: (other) => toText(render(other as Model)),
  }))
}
