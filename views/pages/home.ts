/** The apps this person may open. */

import { appMark } from '../app-mark.ts'
import type { AppFace } from '../appearance.ts'
import { type Html, html } from '../html.ts'
import { gateMark } from '../icons.ts'
import { type FormPageModel, signedInPage } from '../layout.ts'
import { doneNote } from '../parts.ts'
import { safeHref } from '../safe-href.ts'
import { sampleAppearance } from '../sample-appearance.ts'

export interface HomeModel extends FormPageModel {
  /** Name, or the address where there is none. */
  readonly personName: string
  readonly apps: readonly HomeApp[]
  readonly isOperator: boolean
  /** The set-up was just completed. */
  readonly welcome?: boolean | undefined
}

export interface HomeApp extends AppFace {
  /** An app without one is shown, but cannot be opened from here. */
  readonly launchUrl?: string | undefined
  /** Whether this session has a live session at the app. */
  readonly live: boolean
}

/** The whole page. */
export function homePage(model: HomeModel): Html {
  return signedInPage({
    appearance: model.appearance,
    title: 'Your apps',
    csrf: model.csrf,
    personName: model.personName,
    here: 'home',
    isOperator: model.isOperator,
    main: html`${model.welcome === true && doneNote('Your account is ready. You are signed in.')}
<h1>Your apps</h1>
${model.apps.length === 0 ? nothingYet(model) : html`<ul class="tiles">${model.apps.map(tile)}</ul>`}`,
  })
}

function tile(app: HomeApp): Html {
  const href = safeHref(app.launchUrl)
  const inside = html`${appMark(app)}<span class="tile-words"><span class="tile-name">${app.name}</span>${
    app.live
      ? html`<span class="tile-live"><span class="dot" aria-hidden="true"></span>Signed in</span>`
      : html`<span class="tile-host">${host(href)}</span>`
  }</span>`
  return html`<li>${href === undefined ? html`<div class="tile">${inside}</div>` : html`<a class="tile" href="${href}">${inside}</a>`}</li>`
}

function host(href: string | undefined): string {
  return href?.startsWith('http') ? new URL(href).host : ''
}

function nothingYet({ isOperator }: HomeModel): Html {
  return html`<div class="empty">${gateMark}<p class="empty-title">No apps yet</p>
<p>${
    isOperator
      ? html`Add one to <code>gatehouse.yaml</code> or with <code>gatehouse app add</code>. It shows up here.`
      : 'When you are given access to an app, it shows up here.'
  }</p></div>`
}

const ada = {
  appearance: sampleAppearance,
  csrf: 'csrf-token',
  personName: 'Ada Lovelace',
  isOperator: false,
}

export const samples = {
  usual: {
    ...ada,
    apps: [
      { name: 'Wiki', launchUrl: 'https://wiki.example.com/', live: true },
      { name: 'Notes', launchUrl: 'https://notes.example.com/', live: true },
      { name: 'HR', launchUrl: 'https://hr.example.com/start', live: false },
      { name: 'Build Server', launchUrl: 'https://ci.example.com/', live: false },
      {
        name: 'Quarterly Planning and Budgets',
        launchUrl: 'https://planning.finance.example.com/',
        live: false,
      },
      { name: 'Phone System', live: false },
    ],
  },
  empty: { ...ada, apps: [] },
  firstOperator: { ...ada, isOperator: true, welcome: true, apps: [] },
} satisfies Record<string, HomeModel>
