/** The part of the account page about apps that keep access while the person is away. */
import { appMark } from '../app-mark.ts'
import type { AppFace } from '../appearance.ts'
import { type Html, html } from '../html.ts'
import { csrfField } from '../layout.ts'
import { sampleNow } from '../sample-appearance.ts'
import { agoTime } from '../time.ts'

export interface AwayApp {
  readonly id: string
  readonly app: AppFace
  readonly since: number
  readonly lastUsedAt: number
}

/** Removes by posting to /account/apps/<id>/remove. Nothing at all for whom no app has any, unless there is something to say. */
export function awayPart(
  apps: readonly AwayApp[],
  csrf: string,
  now: number,
  note: Html | undefined,
): Html | undefined {
  if (apps.length === 0 && note === undefined) return undefined
  return html`<section class="part" id="away" aria-labelledby="away-title">
<div class="part-head"><div><h2 id="away-title">Apps with access while you are away</h2><p class="part-sub">Signing out does not end it: remove it here.</p></div></div>${note}
${
  apps.length === 0
    ? html`<p class="part-empty">No app has access while you are away.</p>`
    : html`<ul class="rows">${apps.map((away) => awayRow(away, csrf, now))}</ul>`
}
</section>`
}

function awayRow({ id, app, since, lastUsedAt }: AwayApp, csrf: string, now: number): Html {
  return html`<li class="row">
<span class="row-icon">${appMark(app, 'medium')}</span>
<div class="row-words"><h3>${app.name}</h3>
<p>Allowed ${agoTime(since, now)} · last used ${agoTime(lastUsedAt, now)}</p></div>
<div class="row-acts">
<details class="act"><summary>Remove<span class="visually-hidden"> ${app.name}</span></summary>
<form class="act-form" method="post" action="/account/apps/${encodeURIComponent(id)}/remove">${csrfField(csrf)}
<p>${app.name} can then do nothing in your name while you are away. Where you are signed in to it now, you stay signed in.</p>
<button class="button-danger button-small" type="submit">Remove access</button></form></details>
</div></li>`
}

const dayMs = 86_400_000

export const sampleAway: readonly AwayApp[] = [
  {
    id: 'photo-frame',
    app: { name: 'Photo Frame' },
    since: sampleNow - 41 * dayMs,
    lastUsedAt: sampleNow - 1_800_000,
  },
  {
    id: 'calendar',
    app: { name: 'Calendar for the whole team and everybody else who asks' },
    since: sampleNow - 2 * dayMs,
    lastUsedAt: sampleNow - 2 * dayMs,
  },
]
