/** Pieces that several pages share. */
import { type Html, html, type Renderable } from './html.ts'
import { alertIcon, confirmedIcon } from './icons.ts'

/** Something went wrong with what the person just did. Announced at once. */
export function problemNote(words: Renderable): Html {
  return html`<div class="note note-problem" role="alert">${alertIcon}<p>${words}</p></div>`
}

/** What the person just did has worked. */
export function doneNote(words: Renderable): Html {
  return html`<div class="note note-done" role="status">${confirmedIcon}<p>${words}</p></div>`
}

/** Something to know before going on. */
export function plainNote(words: Renderable): Html {
  return html`<div class="note">${words}</div>`
}

/** Where passkey.js says what happened; empty until then. */
export const passkeyNote: Html = html`<div class="note note-problem" role="alert" data-passkey-note hidden>${alertIcon}<p></p></div>`

/** "1 app", "4 apps". */
export function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`
}
