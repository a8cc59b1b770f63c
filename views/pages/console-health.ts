/** The apps that do not hear of sign-outs at present: the first thing an operator sees. */
import { appMark } from '../app-mark.ts'
import { type Html, html } from '../html.ts'
import { csrfField } from '../layout.ts'
import { count } from '../parts.ts'
import { sampleNow } from '../sample-appearance.ts'
import { agoTime, durationWords } from '../time.ts'
import { nextTryWords, numberWords } from './console-words.ts'

export interface UnhealthyApp {
  readonly id: string
  readonly name: string
  /** `failing`: it did not confirm the last times. `down`: it is left alone, but for a probe now and then. */
  readonly state: 'failing' | 'down'
  readonly since?: number | undefined
  readonly failures: number
  /** Why, as the end of a sentence: "it could not be reached". */
  readonly reason?: string | undefined
  /** When it is tried next. */
  readonly probeAt?: number | undefined
  readonly lastConfirmedAt?: number | undefined
  /** Deliveries that wait for it. */
  readonly pending: number
}

export interface UnhealthyApps {
  /** Those that are down first, as many as there is room for. */
  readonly unhealthy: readonly UnhealthyApp[]
  readonly moreUnhealthy: number
}

/** Nothing at all while every app answers. */
export function healthPart(
  { unhealthy: apps, moreUnhealthy: more }: UnhealthyApps,
  csrf: string,
  now: number,
): Html | undefined {
  if (apps.length === 0) return undefined
  return html`<section class="part" id="health" aria-labelledby="health-title">
<div class="part-head"><div><h2 id="health-title">${count(apps.length + more, 'app does', 'apps do')} not confirm</h2><p class="part-sub">What they have missed is kept and sent as soon as they answer again.</p></div>${
    apps.length + more > 1 &&
    html`<form method="post" action="/console/apps/retry">${csrfField(csrf)}<button class="button-secondary button-small" type="submit">Retry all</button></form>`
  }</div>
<ul class="rows">${apps.map((app) => appRow(app, csrf, now))}</ul>${more > 0 && html`<p class="part-foot quiet">And ${numberWords(more)} more.</p>`}
</section>`
}

function appRow(app: UnhealthyApp, csrf: string, now: number): Html {
  const path = `/console/apps/${encodeURIComponent(app.id)}`
  const hidden = html`<span class="visually-hidden"> ${app.name}</span>`
  return html`<li class="row" data-health="${app.state}">${appMark({ name: app.name }, 'small')}
<div class="row-words"><h3>${app.name} <span class="badge badge-${app.state}">${app.state === 'down' ? 'Down' : 'Failing'}</span></h3>
<p>${troubleWords(app, now)}</p>
<p>${waitWords(app, now)}</p></div>
<div class="row-acts">${
    app.pending > 0 &&
    html`<form method="post" action="${path}/retry">${csrfField(csrf)}<button class="button-secondary button-small" type="submit">Retry now${hidden}</button></form>`
  }<a class="button-quiet button-small" href="${path}/check">Check${hidden}</a></div></li>`
}

function troubleWords({ state, since, failures, reason }: UnhealthyApp, now: number): string {
  const words = state === 'down' ? 'Has not answered' : 'Has not confirmed'
  const duration = since === undefined ? '' : ` for ${durationWords(now - since)}`
  const because = reason === undefined ? '' : `: ${reason}`
  return `${words}${duration}${because} (${count(failures, 'try', 'tries in a row')}).`
}

function waitWords({ pending, probeAt, lastConfirmedAt }: UnhealthyApp, now: number): Html {
  const waiting =
    pending === 0
      ? 'Nothing waits for it.'
      : `${numberWords(pending)} ${pending === 1 ? 'delivery waits' : 'deliveries wait'} for it.`
  return html`${waiting}${probeAt !== undefined && ` ${nextTryWords(probeAt, now)}`}${
    lastConfirmedAt !== undefined && html` Last confirmed ${agoTime(lastConfirmedAt, now)}.`
  }`
}

export const sampleHealth: readonly UnhealthyApp[] = [
  {
    id: 'build',
    name: 'Build Server',
    state: 'down',
    since: sampleNow - 3 * 3_600_000,
    failures: 14,
    reason: 'it could not be reached',
    probeAt: sampleNow + 40_000,
    lastConfirmedAt: sampleNow - 4 * 3_600_000,
    pending: 1_204,
  },
  {
    id: 'planning',
    name: 'Quarterly Planning and Budgets',
    state: 'failing',
    since: sampleNow - 4 * 60_000,
    failures: 3,
    reason: 'it answered 500',
    pending: 1,
  },
]
