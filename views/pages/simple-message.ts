/** A short statement and at most one way on: "You are not signed in", "This link was already used". */
import { type Html, html } from '../html.ts'
import { cardPage, type PageModel } from '../layout.ts'
import { safeHref } from '../safe-href.ts'
import { sampleAppearance } from '../sample-appearance.ts'

export interface SimpleMessageModel extends PageModel {
  readonly heading: string
  readonly message: string
  readonly action?: { readonly href: string; readonly words: string } | undefined
}

/** The whole page. */
export function simpleMessagePage({ appearance, heading, message, action }: SimpleMessageModel): Html {
  const href = safeHref(action?.href)
  return cardPage({
    appearance,
    title: heading,
    main: html`<div class="card-head"><h1>${heading}</h1><p class="lead">${message}</p></div>
${href !== undefined && html`<p class="stack"><a class="button-primary" href="${href}">${action?.words}</a></p>`}`,
  })
}

export const samples = {
  notSignedIn: {
    appearance: sampleAppearance,
    heading: 'You are signed out',
    message: 'Nobody is signed in to Gatehouse in this browser.',
    action: { href: '/sign-in', words: 'Sign in' },
  },
  linkUsed: {
    appearance: sampleAppearance,
    heading: 'This link no longer works',
    message:
      'It was used already, or its 30 minutes are over. “gatehouse account operator” prints a new one.',
  },
} satisfies Record<string, SimpleMessageModel>
