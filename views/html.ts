/**
 * An escaping template tag: the only way a page of ours comes into being.
 *
 * Owns: what may stand in markup unescaped. Relies on: `safeHref` for addresses.
 * Never: passes a string through as it came. Only a value made by `html` or `raw` is markup, and the brand that
 * says so is a private symbol, so no parsed JSON, no record and no query parameter can pretend to be one.
 */
import { safeHref } from './safe-href.ts'

const markup: unique symbol = Symbol('html')

/** Markup that is safe to send. */
export interface Html {
  readonly [markup]: string
}

/** What a template may hold. Lists are joined; `undefined` and `false` leave nothing. */
export type Renderable = Html | string | number | undefined | false | readonly Renderable[]

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
}

/** Builds markup; every value that is not markup itself is escaped for text and quoted attributes alike. */
export function html(strings: TemplateStringsArray, ...values: readonly Renderable[]): Html {
  let text = strings[0] ?? ''
  for (const [index, value] of values.entries()) {
    text += inPlace(strings[index] ?? '', value) + (strings[index + 1] ?? '')
  }
  return { [markup]: text }
}

/** Marks a constant of ours as markup. For literals inside `views/` only, never for anything that came in. */
export function raw(constant: string): Html {
  return { [markup]: constant }
}

/** The characters to send. */
export function toText(page: Html): string {
  return page[markup]
}

/** Escaping is enough in text and in quoted attributes. Where it is not, the template itself is wrong. */
function inPlace(before: string, value: Renderable): string {
  if (/=\s*$/.test(before) || /<\/?$/.test(before)) {
    throw new TypeError(`A value cannot stand after ${before.slice(-20)}: quote the attribute`)
  }
  // An address is escaped *and* held to the schemes we know: escaping alone would let `javascript:` through.
  if (/\s(?:href|src|action|formaction)="$/.test(before) && typeof value === 'string') {
    return escapeText(safeHref(value) ?? '#')
  }
  return render(value)
}

function render(value: Renderable): string {
  if (value === undefined || value === false) return ''
  if (typeof value === 'string') return escapeText(value)
  if (typeof value === 'number') return String(value)
  return isHtml(value) ? value[markup] : value.map(render).join('')
}

function isHtml(value: Html | readonly Renderable[]): value is Html {
  return markup in value
}

function escapeText(text: string): string {
  return text.replace(/[&<>"'`]/g, (character) => entities[character] ?? '')
}
