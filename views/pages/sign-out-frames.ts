/**
 * The frames in which a browser tells apps that only it can tell. Nobody looks at them: what an app shows there is its own affair.
 *
 * With JavaScript, sign-out.js makes them from `data-frame` and says which have loaded. Without, they are in the page, and the refresh of the
 * page comes due once all of them have loaded, and not before.
 */
import { type Html, html, raw } from '../html.ts'

export interface SignOutFrame {
  readonly deliveryId: string
  readonly appName: string
  /** A registered address of the app, with what names the session. */
  readonly address: string
}

/** An app may run its scripts and use its cookies there; it may not lead the page away or open windows. */
const sandbox = 'allow-scripts allow-same-origin allow-forms'

/** All frames of a page; nothing when there are none. */
export function signOutFrames(frames: readonly SignOutFrame[], waitMs: number): Html | undefined {
  if (frames.length === 0) return undefined
  return html`<div class="visually-hidden" data-frames data-wait="${waitMs}" data-sandbox="${sandbox}">
${frames.map(({ deliveryId, appName, address }) => html`<span data-frame="${deliveryId}" data-address="${address}" data-title="${title(appName)}"></span>`)}
<noscript>${frames.map(({ appName, address }) => html`<iframe title="${title(appName)}" src="${address}" sandbox="${raw(sandbox)}" referrerpolicy="no-referrer" tabindex="-1"></iframe>`)}</noscript>
</div>`
}

function title(appName: string): string {
  return `${appName} signs you out`
}
