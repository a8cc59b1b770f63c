/** Every Logout, newest first, under the apps that do not answer. */
import { type ConsolePageModel, consolePage } from '../console-page.ts'
import { type Html, html, raw } from '../html.ts'
import { gateMark } from '../icons.ts'
import { problemNote } from '../parts.ts'
import { sampleAppearance, sampleNow } from '../sample-appearance.ts'
import { agoTime } from '../time.ts'
import type { EndCause } from './account-history.ts'
import { healthPart, sampleHealth, type UnhealthyApps } from './console-health.ts'
import {
  actorWords,
  barPieces,
  type ConsoleActor,
  countsBar,
  countsWords,
  numberWords,
  operatorCauseWords,
  type StateCounts,
  totalOf,
} from './console-words.ts'

export interface ConsoleLogoutsModel extends ConsolePageModel, UnhealthyApps {
  readonly filter: LogoutsFilter
  /** Why the filter finds nothing, as a sentence. */
  readonly filterProblem?: string | undefined
  readonly logouts: readonly LogoutLine[]
  /** The page after this one. */
  readonly olderPath?: string | undefined
  /** Present on every page but the first. */
  readonly newestPath?: string | undefined
  /** A filter by app looks through so many at a time: this page looked back to here, and there may be more. */
  readonly lookedBackTo?: number | undefined
}

/** As it was typed. */
export interface LogoutsFilter {
  readonly waiting: boolean
  readonly person: string
  readonly app: string
}

export interface LogoutLine {
  readonly id: string
  readonly startedAt: number
  readonly cause: EndCause
  readonly by: ConsoleActor
  /** Whose sessions they were, as far as they were one person's. */
  readonly whose?: string | undefined
  readonly ssoSessions: number
  readonly appSessions: number
  /** How many deliveries stand how; absent for a Logout too large to be counted in a list. */
  readonly counts?: StateCounts | undefined
  readonly settled: boolean
}

/** The whole page. */
export function consoleLogoutsPage(model: ConsoleLogoutsModel): Html {
  const { logouts } = model
  return consolePage(model, {
    title: 'Logouts',
    sub: 'What ended sessions, and which apps have heard of it.',
    acts: html`<a class="button-danger button-small" href="/console/sessions/end">End sessions</a>`,
    main: html`${healthPart(model, model.csrf, model.now)}
${filterForm(model)}
${
  logouts.length === 0
    ? nothing(model)
    : html`<div class="part"><table class="table logouts" role="table"><caption class="visually-hidden">Logouts, newest first</caption>
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">When</th><th role="columnheader" scope="col">What ended</th><th role="columnheader" scope="col">Whose</th><th role="columnheader" scope="col">Apps told</th></tr></thead>
<tbody role="rowgroup">${logouts.map((logout) => line(logout, model.now))}</tbody></table></div>`
}
${pager(model)}`,
  })
}

function line(logout: LogoutLine, now: number): Html {
  return html`<tr role="row"><td role="cell" class="cell-when">${agoTime(logout.startedAt, now)}</td>
<td role="cell"><a class="cell-main" href="/console/logouts/${encodeURIComponent(logout.id)}">${operatorCauseWords[logout.cause]}</a><span class="cell-more">by ${actorWords(logout.by)}</span></td>
<td role="cell">${
    logout.whose === undefined
      ? html`<span class="cell-more">${numberWords(logout.ssoSessions)} sessions of several people</span>`
      : html`<span class="cell-text">${logout.whose}</span>`
  }</td>
<td role="cell" class="cell-state">${stateOf(logout)}</td></tr>
`
}

function stateOf({ counts, appSessions, settled }: LogoutLine): Html {
  if (counts === undefined) {
    return html`<span class="cell-text">${numberWords(appSessions)} app sessions</span><span class="cell-more">${
      settled ? 'all settled' : 'some still waiting'
    }</span>`
  }
  if (totalOf(counts) === 0) return html`<span class="cell-more">${countsWords(counts)}</span>`
  const pieces = barPieces(counts).filter(({ width }) => width > 0)
  return html`${countsBar(pieces)}<span class="cell-more">${countsWords(counts)}</span>`
}

function filterForm({ filter, filterProblem }: ConsoleLogoutsModel): Html {
  return html`${filterProblem !== undefined && problemNote(filterProblem)}
<form class="filter" method="get" action="/console/logouts" role="search" aria-label="Logouts">
<div class="field"><label for="person">Person</label><input id="person" name="person" type="text" value="${filter.person}" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="254" placeholder="E-mail or account id"></div>
<div class="field"><label for="app">App</label><input id="app" name="app" type="text" value="${filter.app}" autocomplete="off" spellcheck="false" maxlength="200" placeholder="Name or id"></div>
<div class="check"><input id="waiting" name="waiting" type="checkbox" value="1"${filter.waiting && raw(' checked')}><label for="waiting">Still waiting only</label></div>
<button class="button-secondary button-small" type="submit">Show</button>
</form>`
}

function nothing({ filter, lookedBackTo, now }: ConsoleLogoutsModel): Html {
  const filtered = filter.waiting || filter.person !== '' || filter.app !== ''
  return html`<div class="empty">${gateMark}<p class="empty-title">${filtered ? 'Nothing matches' : 'No Logouts yet'}</p>
<p>${
    lookedBackTo !== undefined
      ? html`Looked back to ${agoTime(lookedBackTo, now)}.`
      : filtered
        ? html`<a href="/console/logouts">Show all Logouts</a>`
        : 'When a session ends, it is listed here with what its apps answered.'
  }</p></div>`
}

function pager({ newestPath, olderPath, lookedBackTo, now }: ConsoleLogoutsModel): Html | undefined {
  if (newestPath === undefined && olderPath === undefined) return undefined
  return html`<nav class="pager" aria-label="Pages">${
    newestPath !== undefined && html`<a class="button-quiet button-small" href="${newestPath}">Newest</a>`
  }${
    olderPath !== undefined &&
    html`<a class="button-secondary button-small" href="${olderPath}">${
      lookedBackTo === undefined ? 'Older' : html`Look further back than ${agoTime(lookedBackTo, now)}`
    }</a>`
  }</nav>`
}

const minuteMs = 60_000
const base = {
  appearance: sampleAppearance,
  csrf: 'csrf-token',
  now: sampleNow,
  personName: 'Grace Hopper',
  filter: { waiting: false, person: '', app: '' },
  moreUnhealthy: 0,
}

const sampleLogouts: readonly LogoutLine[] = [
  {
    id: 'lgo_1',
    startedAt: sampleNow - 20_000,
    cause: 'account-everywhere',
    by: { kind: 'account', name: 'Ada Lovelace' },
    whose: 'ada@example.com',
    ssoSessions: 2,
    appSessions: 5,
    counts: { confirmed: 3, waiting: 1, retrying: 1 },
    settled: false,
  },
  {
    id: 'lgo_2',
    startedAt: sampleNow - 4 * minuteMs,
    cause: 'app',
    by: { kind: 'app', name: 'Wiki' },
    whose: 'augusta.ada.king-noel.countess.of.lovelace@analytical-engines.example.com',
    ssoSessions: 1,
    appSessions: 2,
    counts: { confirmed: 2 },
    settled: true,
  },
  {
    id: 'lgo_3',
    startedAt: sampleNow - 52 * minuteMs,
    cause: 'bulk',
    by: { kind: 'operator', name: 'Grace Hopper' },
    ssoSessions: 103_120,
    appSessions: 300_412,
    settled: false,
  },
  {
    id: 'lgo_4',
    startedAt: sampleNow - 7 * 60 * minuteMs,
    cause: 'idle',
    by: { kind: 'gateway' },
    whose: 'charles@example.com',
    ssoSessions: 1,
    appSessions: 4,
    counts: { confirmed: 1, sent: 1, refused: 1, 'given-up': 1, 'cannot-be-told': 1 },
    settled: true,
  },
  {
    id: 'lgo_5',
    startedAt: sampleNow - 3 * 24 * 60 * minuteMs,
    cause: 'account-disabled',
    by: { kind: 'command-line' },
    whose: 'acc_deletedperson',
    ssoSessions: 1,
    appSessions: 0,
    counts: {},
    settled: true,
  },
]

export const samples = {
  usual: { ...base, unhealthy: [], logouts: sampleLogouts, olderPath: '/console/logouts?before=1-lgo_5' },
  unhealthy: {
    ...base,
    unhealthy: sampleHealth,
    moreUnhealthy: 2,
    logouts: sampleLogouts.slice(0, 2),
    said: { kind: 'done', words: '1,204 deliveries to Build Server are being sent again.' },
  },
  filtered: {
    ...base,
    unhealthy: [],
    filter: { waiting: true, person: 'nobody@example.com', app: 'Wiki' },
    filterProblem: 'There is no account nobody@example.com.',
    confirmPath: '/console/confirm?to=%2Fconsole%2Flogouts',
    logouts: [],
    newestPath: '/console/logouts',
  },
  further: {
    ...base,
    unhealthy: [],
    filter: { waiting: false, person: '', app: 'wiki' },
    logouts: sampleLogouts.slice(1, 2),
    olderPath: '/console/logouts?app=wiki&before=1-lgo_5',
    newestPath: '/console/logouts?app=wiki',
    lookedBackTo: sampleNow - 40 * 24 * 60 * minuteMs,
  },
  empty: { ...base, unhealthy: [], logouts: [] },
} satisfies Record<string, ConsoleLogoutsModel>
