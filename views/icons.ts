/** Line drawings, all 24 by 24 in the colour of the text around them, and hidden from screen readers. */
import { type Html, html, raw } from './html.ts'

function icon(path: string): Html {
  return html`<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">${raw(path)}</svg>`
}

/** Our mark: a gate in an arch. */
export const gateMark: Html = html`<svg class="gate-mark" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">${raw(
  '<path d="M3.5 21V11a8.5 8.5 0 0 1 17 0v10"/><path d="M8.5 21v-9.5a3.5 3.5 0 0 1 7 0V21"/><path d="M2 21h20"/>',
)}</svg>`

const confirmedPath = '<circle cx="12" cy="12" r="9"/><path d="m8.2 12.3 2.6 2.6 5-5.4"/>'
const waitingPath = '<path d="M12 3a9 9 0 1 1-9 9"/>'
const sentPath = '<circle cx="12" cy="12" r="9"/><path d="M8 12h8M13 8.5l3.5 3.5-3.5 3.5"/>'
const retryPath = '<path d="M20 11.5A8 8 0 1 0 18 17"/><path d="M20.5 6v5.5H15"/>'
const alertPath = '<circle cx="12" cy="12" r="9"/><path d="M12 7.5v5.2M12 16.2v.1"/>'

export const confirmedIcon: Html = icon(confirmedPath)
export const alertIcon: Html = icon(alertPath)
export const deviceIcon: Html = icon(
  '<rect x="3" y="4.5" width="18" height="12" rx="1.8"/><path d="M8.5 20h7"/>',
)
export const handheldIcon: Html = icon(
  '<rect x="6.5" y="2.5" width="11" height="19" rx="2.2"/><path d="M11 18.4h2"/>',
)
export const passkeyIcon: Html = icon(
  '<circle cx="9" cy="7.2" r="4.2"/><path d="M1.8 20.5v-.8a6.7 6.7 0 0 1 8.8-6.3"/><circle cx="17.2" cy="12.8" r="3.6"/><path d="M17.2 16.4v5.8M17.2 20.2h2.6"/>',
)

/** Drawn once and used by every row of a sign-out as `#state-<state>`: the page stays small with many apps. */
export const stateSymbols: Html = html`<svg class="visually-hidden" aria-hidden="true" focusable="false">${[
  symbol('confirmed', confirmedPath),
  symbol('sent', sentPath),
  symbol('waiting', waitingPath),
  symbol('retrying', retryPath),
  symbol('refused', alertPath),
  symbol('given-up', alertPath),
  symbol('cannot-be-told', alertPath),
]}</svg>`

function symbol(state: string, path: string): Html {
  return html`<symbol id="state-${state}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round">${raw(path)}</symbol>`
}
