/** Whether an app takes logout messages as its specification asks: tried with messages about a session that does not exist. */
import { type ConsolePageModel, consolePage } from '../console-page.ts'
import { type Html, html } from '../html.ts'
import { alertIcon, confirmedIcon } from '../icons.ts'
import { csrfField } from '../layout.ts'
import { sampleAppearance, sampleNow } from '../sample-appearance.ts'
import { agoTime } from '../time.ts'

export interface ConsoleCheckModel extends ConsolePageModel {
  readonly app: { readonly id: string; readonly name: string }
  /** The latest one of this operator; absent before the first. */
  readonly report?: CheckReport | undefined
}

export interface CheckReport {
  readonly checkedAt: number
  readonly url?: string | undefined
  readonly kind: 'passed' | 'advice' | 'failed' | 'unreachable' | 'no-back-channel'
  /** In whole sentences. */
  readonly summary: string
  readonly connection?:
    | {
        readonly reason: string
        readonly remedy: string
        readonly detail: string
      }
    | undefined
  readonly cases: readonly CheckedCase[]
}

export interface CheckedCase {
  readonly id: string
  readonly title: string
  readonly state: 'passed' | 'failed' | 'advice' | 'not-tried'
  readonly clause: string
  readonly expected: string
  readonly answered: string
  readonly advice?: string | undefined
}

/** The whole page. */
export function consoleCheckPage(model: ConsoleCheckModel): Html {
  const { app, report, csrf } = model
  const path = `/console/apps/${encodeURIComponent(app.id)}/check`
  return consolePage(model, {
    title: `Check ${app.name}`,
    sub: html`Shows its logout endpoint good and bad messages about a session that does not exist. Nobody is signed out.`,
    back: { href: '/console/logouts', words: 'Logouts' },
    main: html`<form class="one-act" method="post" action="${path}">${csrfField(csrf)}<button class="button-primary button-small" type="submit">${
      report === undefined ? 'Check now' : 'Check again'
    }</button><p class="hint">It may take up to a minute when the app is slow.</p></form>
${report !== undefined && reportPart(report, model.now)}`,
  })
}

const outcomeWords: Readonly<Record<CheckReport['kind'], string>> = {
  passed: 'It takes logout messages as it should',
  advice: 'Good, and could be better',
  failed: 'It does not do what is asked of it',
  unreachable: 'It could not be reached',
  'no-back-channel': 'There is nothing to check',
}

function reportPart(report: CheckReport, now: number): Html {
  return html`<section class="part" aria-labelledby="check-title">
<div class="part-head"><div><h2 id="check-title" class="verdict" data-verdict="${report.kind}">${
    report.kind === 'passed' ? confirmedIcon : alertIcon
  }<span>${outcomeWords[report.kind]}</span></h2><p class="part-sub">${report.summary}</p><p class="part-sub">${agoTime(report.checkedAt, now)}${
    report.url !== undefined && html` · <code>${report.url}</code>`
  }${report.cases.length > 0 && ' · Clauses of OpenID Connect Back-Channel Logout 1.0'}</p></div></div>
${report.connection !== undefined && connection(report.connection)}
${
  report.cases.length > 0 &&
  html`<table class="table cases" role="table"><caption class="visually-hidden">Case by case</caption>
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Shown</th><th role="columnheader" scope="col">Verdict</th><th role="columnheader" scope="col">Due</th><th role="columnheader" scope="col">Answered</th></tr></thead>
<tbody role="rowgroup">${report.cases.map(caseRow)}</tbody></table>`
}
</section>`
}

function connection({ reason, remedy, detail }: NonNullable<CheckReport['connection']>): Html {
  return html`<div class="part-text"><p>${reason} ${remedy}</p><p><code>${detail}</code></p></div>`
}

const verdictWords = {
  passed: 'Passed',
  failed: 'Failed',
  advice: 'Could be better',
  'not-tried': 'Not tried',
} as const

function caseRow({ title, state, clause, expected, answered, advice }: CheckedCase): Html {
  return html`<tr role="row"><td role="cell"><span class="cell-text">${title}</span><span class="cell-more">${clause}</span></td>
<td role="cell"><span class="chip" data-verdict="${state}">${verdictWords[state]}</span></td>
<td role="cell"><span class="cell-label">Due: </span>${expected}</td>
<td role="cell"><span class="cell-label">Answered: </span>${answered}${advice !== undefined && html`<span class="cell-more">${advice}</span>`}</td></tr>
`
}

const base = {
  appearance: sampleAppearance,
  csrf: 'csrf-token',
  now: sampleNow,
  personName: 'Grace Hopper',
  app: { id: 'build', name: 'Build Server' },
}

export const samples = {
  before: base,
  failed: {
    ...base,
    report: {
      checkedAt: sampleNow - 4_000,
      url: 'https://ci.example.com/backchannel-logout',
      kind: 'failed',
      summary: '1 of 4 cases failed. It accepts what it must refuse.',
      cases: [
        {
          id: 'good',
          title: 'a good token, for a session that does not exist',
          state: 'passed',
          clause: 'section 2.8',
          expected: '200',
          answered: '200',
        },
        {
          id: 'bad-signature',
          title: 'signed by a key that is not ours',
          state: 'failed',
          clause: 'section 2.6, step 2',
          expected: '400',
          answered: '200',
          advice: 'Anybody who can reach it can sign its people out. Let it verify the signature.',
        },
        {
          id: 'repeated',
          title: 'the first token once more',
          state: 'advice',
          clause: 'section 2.6, step 7',
          expected: '400, better than 200',
          answered: '200',
          advice: 'It may accept a token twice. Remembering each jti for a few minutes is better.',
        },
        {
          id: 'expired',
          title: 'expired an hour ago',
          state: 'not-tried',
          clause: 'section 2.6, step 3',
          expected: '400',
          answered: 'there was no time left',
        },
      ],
    },
  },
  unreachable: {
    ...base,
    said: { kind: 'problem', words: 'A check is running already. Repeat this in a minute.' },
    report: {
      checkedAt: sampleNow - 60_000,
      url: 'https://ci.example.com/backchannel-logout',
      kind: 'unreachable',
      summary: 'Nobody there can hear of a sign-out.',
      connection: {
        reason: 'Nothing answers at that address.',
        remedy: 'See that it runs, and that the gateway may connect to it.',
        detail: 'connect-failed: ci.example.com:443 ECONNREFUSED',
      },
      cases: [],
    },
  },
  passed: {
    ...base,
    report: { kind: 'passed', checkedAt: sampleNow, summary: 'All 11 cases passed.', cases: [] },
  },
} satisfies Record<string, ConsoleCheckModel>
