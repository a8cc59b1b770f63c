/** The small square that stands for an app: its logo, or its initial on a tile whose colour follows its name. */
import type { AppFace } from './appearance.ts'
import { type Html, html } from './html.ts'

/** As many tile colours as gatehouse.css has `mark-0`, `mark-1`, … for. */
const tileColours = 8

/** The mark; hidden from screen readers, because the name always stands beside it. */
export function appMark(app: AppFace, size: 'large' | 'medium' | 'small' = 'medium'): Html {
  if (app.logoPath !== undefined) {
    return html`<img class="mark mark-${size}" src="${app.logoPath}" alt="">`
  }
  return html`<span class="mark mark-${size} mark-${tile(app.name)}" aria-hidden="true">${initial(app.name)}</span>`
}

function initial(name: string): string {
  // By grapheme: a flag or an accented letter is one sign, and half a surrogate pair is none.
  const [first] = new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(name.trim())
  return first?.segment.toUpperCase() ?? '·'
}

function tile(name: string): number {
  return (
    [...name].reduce((sum, character) => (sum * 31 + (character.codePointAt(0) ?? 0)) % 65_521, 7) %
    tileColours
  )
}
