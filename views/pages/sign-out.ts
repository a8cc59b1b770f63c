/** A sign-out on its way to the apps, and afterwards what became of it. Can be closed at any time. */
import { appMark } from '../app-mark.ts'
import { type Html, html } from '../html.ts'
import { stateSymbols } from '../icons.ts'
import { cardPage, type FormPageModel } from '../layout.ts'
import { safeHref } from '../safe-href.ts'
import { sampleAppearance, sampleNow } from '../sample-appearance.ts'
import { timeOf } from '../time.ts'
import { type SignOutFrame, signOutFrames } from './sign-out-frames.ts'
import {
  type SignOutReportRow,
  type SignOutRow,
  type SignOutScope,
  signOutReport,
} from './sign-out-report.ts'

export interface SignOutModel extends FormPageModel {
  /** The journey: this page is /sign-out/<id>, its events are at /sign-out/<id>/events. */
  readonly id: string
  readonly scope: SignOutScope
  /** Somebody is signed in here: the person as ever, or the next one. */
  readonly signedIn: boolean
  /** Apps that this browser has still to tell; the page goes on by itself when they have loaded, or after `waitMs`. */
  readonly frames: readonly SignOutFrame[]
  readonly waitMs: number
  readonly startedAt: number
  readonly now: number
  readonly rows: readonly SignOutRow[]
  /** Where to go afterwards: a path of ours, or where the app asked to continue: a registered address, checked by the caller. */
  readonly continueTo?: { readonly href: string; readonly appName?: string | undefined } | undefined
}

/** Without JavaScript the page asks again this often, */
const reloadSeconds = 3
/** and not for longer than this: who still waits then can reload. */
const reloadForMs = 60_000

/** The whole page. */
export function signOutPage(model: SignOutModel): Html {
  const report = signOutReport(model.rows, model.now, model.scope)
  const carries = model.frames.length > 0
  const reloads = !report.settled && model.now - model.startedAt < reloadForMs
  const path = `/sign-out/${encodeURIComponent(model.id)}`
  return cardPage({
    appearance: model.appearance,
    title: report.heading,
    ...(report.settled ? {} : { script: 'sign-out.js' as const }),
    csrf: model.csrf,
    // With frames it comes due once they have loaded: that is what the address says of them.
    ...(carries
      ? { reload: { seconds: Math.ceil(model.waitMs / 1_000), to: `${path}/on?loaded=${model.csrf}` } }
      : reloads
        ? { reload: { seconds: reloadSeconds } }
        : {}),
    main: html`<div data-sign-out="${report.settled ? 'settled' : 'open'}" data-events="${path}/events"${carries && model.continueTo !== undefined && html` data-go-on="${path}/on"`}>
<div class="card-head"><h1 data-heading>${report.heading}</h1><p class="lead" role="status" data-summary>${report.summary}</p></div>
${report.rows.length > 0 && html`${stateSymbols}<ul class="report">${report.rows.map(reportRow)}</ul>`}
<p class="visually-hidden" aria-live="polite" data-news></p>
${signOutFrames(model.frames, model.waitMs)}
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

function wayOn({ continueTo, signedIn }: SignOutModel): Html {
  const href = safeHref(continueTo?.href)
  if (href !== undefined) {
    const to = continueTo?.appName
    return html`<p class="stack"><a class="button-primary" href="${href}">${to === undefined ? 'Continue' : `Continue to ${to}`}</a></p>`
  }
  return signedIn
    ? html`<p class="stack"><a class="button-secondary" href="/">Back to your apps</a></p>`
    : html`<p class="stack"><a class="button-secondary" href="/sign-in">Sign in again</a></p>`
}

const base = {
  appearance: sampleAppearance,
  csrf: 'csrf-token',
  id: 'journey-1',
  startedAt: sampleNow - 2_000,
  now: sampleNow,
  scope: { kind: 'whole' },
  signedIn: false,
  frames: [],
  waitMs: 3_000,
} as const
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
  /** No sample has a frame: samples are looked at without the apps that would be framed. */
  throughBrowser: {
    ...base,
    rows: [
      { appName: 'Wiki', state: 'confirmed', channel: 'back-channel' },
      { appName: 'Old Intranet', state: 'waiting', channel: 'front-channel' },
    ],
    continueTo: { href: 'https://wiki.example.com/goodbye', appName: 'Wiki' },
  },
  sent: {
    ...base,
    rows: [
      { appName: 'Wiki', state: 'confirmed' },
      { appName: 'Old Intranet', state: 'sent', mayLastUntil: sampleNow + 8 * 3_600_000 },
    ],
  },
  oneApp: {
    ...base,
    scope: { kind: 'app', appName: 'Wiki' },
    signedIn: true,
    rows: [{ appName: 'Wiki', state: 'confirmed' }],
  },
  switched: {
    ...base,
    scope: { kind: 'switched' },
    signedIn: true,
    rows: [{ appName: 'Old Intranet', state: 'waiting', channel: 'front-channel' }],
    continueTo: { href: '/oauth/interaction/abc/finish' },
  },
} satisfies Record<string, SignOutModel>
