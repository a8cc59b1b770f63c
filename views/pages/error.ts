/** What went wrong in one sentence, what to do, and an id by which an operator finds it in the log. */
import { type Html, html } from '../html.ts'
import { alertIcon } from '../icons.ts'
import { cardPage, type PageModel } from '../layout.ts'
import { safeHref } from '../safe-href.ts'
import { sampleAppearance } from '../sample-appearance.ts'

export interface ErrorModel extends PageModel {
  /** Two to five words. */
  readonly heading: string
  /** One sentence of ours; nothing that came with the request stands in it. */
  readonly message: string
  /** One sentence: what to do next. */
  readonly advice: string
  readonly id: string
  /** One click to begin again: a path of ours, or the app's own registered address. */
  readonly startAgain?: { readonly href: string; readonly words: string } | undefined
}

/** The whole page. */
export function errorPage({ appearance, heading, message, advice, id, startAgain }: ErrorModel): Html {
  const href = safeHref(startAgain?.href)
  return cardPage({
    appearance,
    title: heading,
    main: html`<div class="card-head"><span class="mark mark-large mark-problem">${alertIcon}</span><h1>${heading}</h1>
<p class="lead">${message}</p><p class="lead">${advice}</p></div>
${href !== undefined && html`<p class="stack"><a class="button-primary" href="${href}">${startAgain?.words}</a></p>`}
<p class="small-print">If you ask for help, give this id: <code class="error-id">${id}</code></p>`,
  })
}

export const samples = {
  expired: {
    appearance: sampleAppearance,
    heading: 'This page has expired',
    message: 'You took longer than this sign-in waits for.',
    advice: 'Start again; it takes you back to Wiki.',
    id: 'err_7k2m9q4x',
    startAgain: { href: 'https://wiki.example.com/', words: 'Start again' },
  },
  unknownApp: {
    appearance: sampleAppearance,
    heading: 'This link does not work',
    message: 'The app that sent you here is not known to this gateway, or its address does not match.',
    advice: 'Go back to the app and try once more. If it happens again, tell whoever runs it.',
    id: 'err_q81xw0zd',
  },
  unavailable: {
    appearance: sampleAppearance,
    heading: 'We cannot do this right now',
    message: 'Something on our side is not answering. You are still signed in where you were.',
    advice: 'Try again in a minute.',
    id: 'err_0d9vj2cu',
    startAgain: { href: '/', words: 'Try again' },
  },
} satisfies Record<string, ErrorModel>
