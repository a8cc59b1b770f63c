/** A sign-out on its way to the apps, and afterwards what became of it. Can be closed at any time. */
import { appMark } from '../app-mark.ts'
import { type Html, html } from '../html.ts'
import { stateSymbols } from '../icons.ts'
import { cardPage, type PageModel } from '../layout.ts'
import { safeHref } from '../safe-href.ts'
import { sampleAppearance, sampleNow } from '../sample-appearance.ts'
import { timeOf } from '../time.ts'
import { type SignOutReportRow, type SignOutRow, signOutReport } from './sign-out-report.ts'

export interface SignOutModel extends PageModel {
  /** The journey: this page is /sign-out/<id>, its events are at /sign-out/<id>/events. */
  readonly id: string
  readonly startedAt: number
  readonly now: number
  readonly rows: readonly SignOutRow[]
  /** Where the app asked to continue: a registered address, checked by the caller. */
  readonly continueTo?: { readonly href: string; readonly appName: string } | undefined
}

/** Without JavaScript the page asks again this often, */
const reloadSeconds = 3
/** and not for longer than this: who still waits then can reload. */
const reloadForMs = 60_000

/** The whole page. */
export function signOutPage(model: SignOutModel): Html {
  const report = signOutReport(model.rows, model.now)
  const reloads = !report.settled && model.now - model.startedAt < reloadForMs
  const path = `/sign-out/${encodeURIComponent(model.id)}`
  return cardPage({
    appearance: model.appearance,
    title: report.heading,
    ...(report.settled ? {} : { script: 'sign-out.js' as const }),
    reloadSeconds: reloads ? reloadSeconds : undefined,
    main: html`<div data-sign-out="${report.settled ? 'settled' : 'open'}" data-events="${path}/events">
<div class="card-head"><h1 data-heading>${report.heading}</h1><p class="lead" role="status" data-summary>${report.summary}</p></div>
${report.rows.length > 0 && html`${stateSymbols}<ul class="report">${report.rows.map(reportRow)}</ul>`}
<p class="visually-hidden" aria-live="polite" data-news></p>
</div>
${wayOn(model)}`,
  })
}

function reportRow(row: SignOutReportRow, index: number): Html {
  const { until } = row
  return html`<li class="report-row" data-row="${index}" data-state="${row.state}">${appMark({ name: row.appName }, 'small')}
<span class="report-words"><span class="report-app">${row.appName}</span><span class="report-state"><span data-words>${row.words}</span> <span data-until>${
    until !== undefined && timeOf(until.at, until.words)
  }</span></span></span>
<svg class="icon report-icon" aria-hidden="true" focusable="false"><use href="#state-${row.state}"></use></svg></li>`
}

function wayOn({ continueTo }: SignOutModel): Html {
  const href = safeHref(continueTo?.href)
  return href === undefined
    ? html`<p class="stack"><a class="button-secondary" href="/sign-in">Sign in again</a></p>`
    : html`<p class="stack"><a class="button-primary" href="${href}">Continue to ${continueTo?.appName}</a></p>`
}

const base = { appearance: sampleAppearance, id: 'journey-1', startedAt: sampleNow - 2_000, now: sampleNow }
const allStates: readonly SignOutRow[] = [
  { appName: 'Wiki', state: 'confirmed' },
  { appName: 'Notes', state: 'waiting' },
  { appName: 'Build Server', state: 'retrying', nextAttemptAt: sampleNow + 20_000 },
  { appName: 'HR', state: 'cannot-be-told', mayLastUntil: sampleNow + 40 * 60_000 },
]

export const samples = {
  underWay: { ...base, rows: allStates },
  retrying: {
    ...base,
    rows: allStates.filter((row) => row.state === 'confirmed' || row.state === 'retrying'),
  },
  partly: {
    ...base,
    rows: [
      { appName: 'Wiki', state: 'confirmed' },
      {
        appName: 'Quarterly Planning and Budgets',
        state: 'refused',
        detail: 'it does not accept our key',
        mayLastUntil: sampleNow + 9 * 3_600_000,
      },
      { appName: 'Build Server', state: 'given-up', detail: 'tried for 72 h' },
      { appName: 'HR', state: 'cannot-be-told' },
    ],
  },
  done: {
    ...base,
    rows: [
      { appName: 'Wiki', state: 'confirmed' },
      { appName: 'Notes', state: 'confirmed' },
    ],
  },
  goingOn: {
    ...base,
    rows: [{ appName: 'Wiki', state: 'confirmed' }],
    continueTo: { href: 'https://wiki.example.com/goodbye', appName: 'Wiki' },
  },
  noApps: { ...base, rows: [] },
} satisfies Record<string, SignOutModel>
