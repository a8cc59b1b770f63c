/** The report of one Logout: what ended, by whom, and what each app answered. Kept true while apps answer. */
import { appMark } from '../app-mark.ts'
import { type ConsolePageModel, consolePage } from '../console-page.ts'
import { type Html, html, raw } from '../html.ts'
import { stateSymbols } from '../icons.ts'
import { csrfField } from '../layout.ts'
import { count } from '../parts.ts'
import { sampleAppearance, sampleNow } from '../sample-appearance.ts'
import { clockTime, exactTime, timeOf } from '../time.ts'
import type { EndCause } from './account-history.ts'
import {
  type AttemptWords,
  type ConsoleDelivery,
  type ConsoleReport,
  type ConsoleReportWords,
  consoleReport,
  type DeliveryWords,
} from './console-report.ts'
import {
  actorWords,
  barPieces,
  type ConsoleActor,
  countsBar,
  countsWords,
  numberWords,
  openOf,
  operatorCauseWords,
  type StateCounts,
  totalOf,
} from './console-words.ts'

export interface ConsoleLogoutModel extends ConsolePageModel, ConsoleReport {
  readonly id: string
  readonly cause: EndCause
  readonly by: ConsoleActor
  /** Absent when they were sessions of several people. */
  readonly account?:
    | { readonly id: string; readonly email?: string | undefined; readonly name?: string | undefined }
    | undefined
  readonly startedAt: number
  readonly ssoSessions: number
  readonly appSessions: number
  /** AppSessions whose app does not want to hear of this cause. */
  readonly notWanted: number
  /** Counted by app, where not every delivery is shown; as many as a page has room for. */
  readonly apps?: readonly { readonly name: string; readonly counts: StateCounts }[] | undefined
  /** Apps beside those. */
  readonly moreApps?: number | undefined
  /** Which of the deliveries are shown; absent when all of them are. */
  readonly pages?: DeliveryPages | undefined
}

export interface DeliveryPages {
  /** Counted from 1. */
  readonly page: number
  readonly of: number
  /** How many are on all of them; of a large Logout those are the first that are not confirmed. */
  readonly deliveries: number
}

/** Without JavaScript the page asks again this often, */
const reloadSeconds = 5
/** and not for longer than this: who still waits then can reload. */
const reloadForMs = 10 * 60_000

/** The whole page. */
export function consoleLogoutPage(model: ConsoleLogoutModel): Html {
  const { now, account } = model
  const report = consoleReport(model, operatorCauseWords[model.cause], now)
  const path = `/console/logouts/${encodeURIComponent(model.id)}`
  // Named one by one: as others are confirmed, the first of those not confirmed become other ones.
  const events = `${path}/events?rows=${model.deliveries.map(({ id }) => encodeURIComponent(id)).join('.')}`
  return consolePage(model, {
    title: report.heading,
    sub:
      account === undefined
        ? `${numberWords(model.ssoSessions)} sessions of several people`
        : (account.email ?? account.id),
    back: { href: '/console/logouts', words: 'Logouts' },
    live: !report.settled,
    reload: !report.settled && now - model.startedAt < reloadForMs ? { seconds: reloadSeconds } : undefined,
    main: html`<div data-sign-out="${report.settled ? 'settled' : 'open'}" data-events="${events}">
${stateSymbols}${facts(model, report.puts['settled'] ?? '')}
${toldPart(model, report, path)}
${pager(model.pages, path)}
<p class="visually-hidden" aria-live="polite" data-news></p>
${attemptTemplate}
</div>`,
  })
}

/** One form for all of it: each button says which delivery it means. */
function toldPart(model: ConsoleLogoutModel, report: ConsoleReportWords, path: string): Html {
  const { counts, csrf, deliveries } = model
  const { refused = 0, 'given-up': givenUp = 0 } = counts
  const mayRetry = openOf(counts) + refused + givenUp > 0
  const inside = html`<div class="part-head part-head-acts"><div><h2 id="told-title">Apps told</h2><p class="part-sub" role="status" data-summary>${report.summary}</p></div><div class="head-acts"><a class="button-secondary button-small" href="${path}/receipt" data-when-settled${!report.settled && raw(' hidden')}>Download signed receipt</a>${
    mayRetry && html`<button class="button-secondary button-small" type="submit">Retry all</button>`
  }</div></div>
${totalOf(counts) > 0 && html`<div class="part-meter">${countsBar(report.bar)}</div>`}
${appsTable(model)}
${
  report.rows.length > 0 &&
  html`<ul class="rows">${report.rows.map((row, index) => deliveryRow(row, deliveries[index], path, mayRetry))}</ul>`
}`
  return mayRetry
    ? html`<form class="part" method="post" action="${path}/retry" aria-labelledby="told-title">${csrfField(csrf)}${inside}</form>`
    : html`<section class="part" aria-labelledby="told-title">${inside}</section>`
}

function facts(model: ConsoleLogoutModel, settled: string): Html {
  const { account, now, progress } = model
  return html`<section class="part" aria-label="What happened"><dl class="facts">
<div><dt>Ended by</dt><dd class="sentence">${actorWords(model.by)}</dd></div>
${
  account !== undefined &&
  html`<div><dt>Whose</dt><dd>${account.name ?? account.email ?? account.id} <code>${account.id}</code></dd></div>`
}
<div><dt>Started</dt><dd>${clockTime(model.startedAt, now)}</dd></div>
<div><dt>Settled</dt><dd data-put="settled">${model.settledAt !== undefined && settled !== 'Not yet' ? clockTime(model.settledAt, now) : settled}</dd></div>
<div><dt>Sessions</dt><dd>${numberWords(model.ssoSessions)} here, ${numberWords(model.appSessions)} at apps${
    model.notWanted > 0 &&
    html`<span class="cell-more">${numberWords(model.notWanted)} not told: the app does not want to hear of this</span>`
  }</dd></div>
</dl>${
    progress !== undefined &&
    html`<div class="part-meter"><progress data-progress max="${Math.max(1, progress.sessions)}" value="${progress.ended}" aria-labelledby="progress-words"></progress><p class="part-sub" id="progress-words" data-put="progress">${
      consoleReport(model, '', now).puts['progress']
    }</p></div>`
  }</section>`
}

/** For a Logout with more deliveries than a page can hold. */
function appsTable({ apps, moreApps = 0, pages }: ConsoleLogoutModel): Html | undefined {
  if (apps === undefined) return undefined
  return html`<table class="table" role="table"><caption class="visually-hidden">By app</caption>
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">App</th><th role="columnheader" scope="col">Sessions told</th></tr></thead>
<tbody role="rowgroup">${apps.map(
    (app) =>
      html`<tr role="row"><td role="cell"><span class="cell-text">${app.name}</span></td><td role="cell" class="cell-state">${countsBar(
        barPieces(app.counts).filter(({ width }) => width > 0),
      )}<span class="cell-more">${countsWords(app.counts)}</span></td></tr>`,
  )}</tbody></table>
${moreApps > 0 && html`<p class="part-empty">And ${count(moreApps, 'app more', 'apps more')}: <code>gatehouse logout show</code> lists all.</p>`}
${pages !== undefined && html`<h3 class="part-divider">One by one, those not confirmed first</h3>`}`
}

function pager(pages: DeliveryPages | undefined, path: string): Html | undefined {
  if (pages === undefined || pages.of === 1) return undefined
  const { page, of } = pages
  return html`<nav class="pager" aria-label="Pages"><span class="quiet">Page ${page} of ${of}</span>${
    page > 1 && html`<a class="button-secondary button-small" href="${`${path}?page=${page - 1}`}">Back</a>`
  }${
    page < of && html`<a class="button-secondary button-small" href="${`${path}?page=${page + 1}`}">Next</a>`
  }</nav>`
}

const channelWords = {
  'back-channel': 'told directly',
  'front-channel': 'told through the browser',
  none: 'no way to tell it',
} as const

function deliveryRow(
  row: DeliveryWords,
  delivery: ConsoleDelivery | undefined,
  path: string,
  mayRetry: boolean,
): Html {
  const channel = delivery?.channel ?? 'none'
  // Nobody but the person's own browser can try the front channel again.
  const final = !mayRetry || channel !== 'back-channel' || ['confirmed', 'cannot-be-told'].includes(row.state)
  return html`<li class="row delivery" data-row="${row.key}" data-state="${row.state}">${appMark({ name: row.appName }, 'small')}
<div class="row-words"><h3>${row.appName} <span class="quiet">${channelWords[channel]}</span></h3>
<p class="delivery-state"><svg class="icon report-icon" aria-hidden="true" focusable="false"><use href="#state-${row.state}"></use></svg><span><span data-words>${row.words}</span> <span data-until>${
    row.until !== undefined && timeOf(row.until.at, row.until.words)
  }</span></span></p>
${(row.attemptCount > 0 || channel === 'back-channel') && attemptsPart(row, delivery?.earlier ?? 0, path)}</div>
<div class="row-acts">${
    !final &&
    html`<button class="button-quiet button-small" type="submit" name="delivery" value="${row.key}">Retry<span class="visually-hidden"> ${row.appName}</span></button>`
  }</div></li>`
}

function attemptsPart({ attempts, attemptCount, key }: DeliveryWords, earlier: number, path: string): Html {
  const all = `${path}?delivery=${encodeURIComponent(key)}`
  return html`<details class="apps"><summary>Attempts: <span data-attempt-count>${attemptCount}</span></summary>
<ol class="attempts" data-attempts>${attempts.map(attemptLine)}</ol>${
    earlier > 0 && html`<a href="${all}">${numberWords(earlier)} before these</a>`
  }</details>`
}

function attemptLine({ number, at, cells }: AttemptWords): Html {
  return html`<li data-attempt="${number}"><span>${exactTime(at.at, at.words)}</span>${cells.map((cell) => html` <span>${cell}</span>`)}</li>`
}

/** What console.js makes new lines of. */
const attemptTemplate: Html = html`<template data-attempt-template><li><span></span> <span></span> <span></span> <span></span></li></template>`

const minuteMs = 60_000
const base = {
  appearance: sampleAppearance,
  csrf: 'csrf-token',
  now: sampleNow,
  personName: 'Grace Hopper',
  id: 'lgo_1',
  cause: 'account-everywhere',
  by: { kind: 'account', name: 'Ada Lovelace' },
  account: { id: 'acc_q83vASNFZ4mrze8', email: 'ada@example.com', name: 'Ada Lovelace' },
  startedAt: sampleNow - 2 * minuteMs,
  ssoSessions: 2,
  appSessions: 6,
  notWanted: 1,
} as const

const confirmed: ConsoleDelivery = {
  id: 'dlv_1',
  appName: 'Wiki',
  channel: 'back-channel',
  state: 'confirmed',
  attempts: [{ number: 1, startedAt: sampleNow - 2 * minuteMs, durationMs: 12.4, status: 200 }],
  earlier: 0,
}

const retrying: ConsoleDelivery = {
  id: 'dlv_2',
  appName: 'Build Server',
  channel: 'back-channel',
  state: 'retrying',
  nextAttemptAt: sampleNow + 20_000,
  attempts: [
    {
      number: 1,
      startedAt: sampleNow - 119_000,
      durationMs: 3,
      error: 'connect-failed: ci.example.com:443 ECONNREFUSED',
    },
    {
      number: 2,
      startedAt: sampleNow - 117_000,
      durationMs: 4_021,
      status: 503,
      error: 'Service Unavailable',
    },
  ],
  earlier: 3,
}

const settled: readonly ConsoleDelivery[] = [
  {
    id: 'dlv_4',
    appName: 'Quarterly Planning and Budgets',
    channel: 'back-channel',
    state: 'refused',
    reason: 'it answered 400, invalid_request',
    mayLastUntil: sampleNow + 9 * 60 * minuteMs,
    attempts: [
      { number: 1, startedAt: sampleNow - 119_000, durationMs: 31, status: 400, error: 'invalid_request' },
    ],
    earlier: 0,
  },
  {
    id: 'dlv_5',
    appName: 'HR',
    channel: 'front-channel',
    state: 'sent',
    mayLastUntil: sampleNow + 40 * minuteMs,
    attempts: [],
    earlier: 0,
  },
  {
    id: 'dlv_6',
    appName: 'Phone System',
    channel: 'none',
    state: 'cannot-be-told',
    reason: 'it offers no way to tell it',
    attempts: [],
    earlier: 0,
  },
]

export const samples = {
  underWay: {
    ...base,
    counts: { confirmed: 1, waiting: 1, retrying: 1, refused: 1, sent: 1, 'cannot-be-told': 1 },
    deliveries: [
      retrying,
      { ...confirmed, id: 'dlv_3', appName: 'Notes', state: 'waiting', attempts: [] },
      ...settled,
      confirmed,
    ],
  },
  done: {
    ...base,
    settledAt: sampleNow - 2 * minuteMs + 31,
    appSessions: 1,
    notWanted: 0,
    counts: { confirmed: 1 },
    deliveries: [confirmed],
  },
  partly: {
    ...base,
    cause: 'risk',
    by: { kind: 'gateway' },
    settledAt: sampleNow - minuteMs,
    counts: { confirmed: 1, 'given-up': 1, refused: 1, sent: 1, 'cannot-be-told': 1 },
    deliveries: [
      { ...retrying, state: 'given-up', reason: 'it could not be reached' },
      ...settled,
      confirmed,
    ],
    confirmPath: '/console/confirm?to=%2Fconsole%2Flogouts%2Flgo_1',
  },
  many: {
    ...base,
    cause: 'bulk',
    by: { kind: 'operator', name: 'Grace Hopper' },
    account: undefined,
    ssoSessions: 103_120,
    appSessions: 300_412,
    notWanted: 0,
    progress: { sessions: 103_120, ended: 41_200 },
    counts: { confirmed: 118_040, waiting: 2_100, retrying: 2, 'cannot-be-told': 1_040 },
    apps: [
      { name: 'Build Server', counts: { confirmed: 39_000, waiting: 1_000, retrying: 2 } },
      { name: 'Phone System', counts: { 'cannot-be-told': 1_040 } },
      { name: 'Wiki', counts: { confirmed: 79_040, waiting: 1_100 } },
    ],
    moreApps: 4,
    deliveries: [retrying, { ...retrying, id: 'dlv_9', attempts: [], earlier: 0, state: 'waiting' }],
    pages: { page: 2, of: 20, deliveries: 200 },
  },
  noApps: {
    ...base,
    cause: 'idle',
    by: { kind: 'gateway' },
    account: { id: 'acc_gone' },
    settledAt: base.startedAt,
    appSessions: 0,
    notWanted: 0,
    counts: {},
    deliveries: [],
    said: { kind: 'problem', words: 'There is no receipt while an app waits to be told.' },
  },
} satisfies Record<string, ConsoleLogoutModel>
