/**
 * The document around every page.
 *
 * No inline script, no inline style, nothing from elsewhere: pages are sent under `default-src 'none'` with
 * 'self' for script, style, connection and form.
 */
import type { Appearance } from './appearance.ts'
import { assetPath } from './assets.ts'
import { type Html, html, raw } from './html.ts'
import { gateMark } from './icons.ts'

/** What every page's model holds. */
export interface PageModel {
  readonly appearance: Appearance
}

/** What every model of a page with a form holds. */
export interface FormPageModel extends PageModel {
  /** Goes into each form as `csrf`, and into the header `x-csrf` of requests by script. */
  readonly csrf: string
}

interface DocumentParts {
  readonly appearance: Appearance
  /** Without the gateway's name, which is added. */
  readonly title: string
  readonly main: Html
  /** Given when a script of the page posts JSON. */
  readonly csrf?: string
  readonly script?: 'passkey.js' | 'sign-out.js' | undefined
  /** What the pages of one part load beside the rest. */
  readonly more?: { readonly style?: 'console.css'; readonly script?: 'console.js' | undefined }
  /** When a browser without JavaScript asks again, and where: the same page unless `to` is given. */
  readonly reload?: { readonly seconds: number; readonly to?: string } | undefined
}

/** One question on one card: sign-in, consent, sign-out, errors. */
export function cardPage(parts: DocumentParts): Html {
  return page(
    parts,
    'card-page',
    html`<header class="brand">${brand(parts.appearance)}</header>
<main id="main" class="card">${parts.main}</main>`,
  )
}

/** The pages of a signed-in person, under a bar with the ways around. */
export function signedInPage(
  parts: DocumentParts & {
    readonly csrf: string
    readonly personName: string
    readonly here: 'home' | 'account' | 'console'
    /** Operators have one way more. */
    readonly isOperator: boolean
  },
): Html {
  return page(
    parts,
    parts.here === 'console' ? 'wide-page console' : 'wide-page',
    html`<a class="skip-link" href="#main">Skip to content</a>
<header class="bar"><div class="bar-inside">
<a class="bar-brand" href="/">${brand(parts.appearance)}</a>
<nav class="bar-nav" aria-label="Main"><ul class="bar-ways">
<li><a href="/"${parts.here === 'home' && raw(' aria-current="page"')}>Apps</a></li>
<li><a href="/account"${parts.here === 'account' && raw(' aria-current="page"')}>Account</a></li>
${parts.isOperator && html`<li><a href="/console/logouts"${parts.here === 'console' && raw(' aria-current="page"')}>Console</a></li>`}
</ul></nav>
<span class="bar-person">${parts.personName}</span>
<form method="post" action="/sign-out">${csrfField(parts.csrf)}<input type="hidden" name="decision" value="sign-out"><button class="button-quiet" type="submit">Sign out</button></form>
</div></header>
<main id="main" class="column">${parts.main}</main>`,
  )
}

/** The token that proves a form came from a page of ours. */
export function csrfField(csrf: string): Html {
  return html`<input type="hidden" name="csrf" value="${csrf}">`
}

function page(parts: DocumentParts, kind: 'card-page' | 'wide-page' | 'wide-page console', body: Html): Html {
  const { appearance, csrf, script, more, reload } = parts
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${parts.title} · ${appearance.name}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
${csrf !== undefined && html`<meta name="csrf" content="${csrf}">`}
<link rel="icon" href="${appearance.logoPath ?? assetPath('favicon.svg')}">
<link rel="stylesheet" href="${appearance.themePath}">
<link rel="stylesheet" href="${assetPath('gatehouse.css')}">
${
  more?.style !== undefined &&
  html`<link rel="stylesheet" href="${assetPath(more.style)}">
`
}${
  more?.script !== undefined &&
  html`<script src="${assetPath(more.script)}" defer></script>
`
}${script !== undefined && scriptTag(script)}
<script src="${assetPath('page.js')}" defer></script>
${
  // Inside noscript, because with JavaScript the page updates itself and must not move under the reader.
  reload !== undefined &&
  html`<noscript><meta http-equiv="refresh" content="${reload.to === undefined ? reload.seconds : `${reload.seconds};url=${reload.to}`}"></noscript>`
}
</head>
<body class="${kind}">
${body}
</body>
</html>
`
}

/**
 * passkey.js runs before the body is read: it says whether this browser has passkeys, and the page is laid out
 * accordingly from the first paint on. Nothing jumps.
 */
function scriptTag(script: 'passkey.js' | 'sign-out.js'): Html {
  return script === 'passkey.js'
    ? html`<script src="${assetPath(script)}"></script>`
    : html`<script src="${assetPath(script)}" defer></script>`
}

function brand(appearance: Appearance): Html {
  const mark =
    appearance.logoPath === undefined
      ? gateMark
      : html`<img class="brand-logo" src="${appearance.logoPath}" alt="">`
  return html`<span class="brand-inside">${mark}<span class="brand-name">${appearance.name}</span></span>`
}
