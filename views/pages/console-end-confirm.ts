/** How many sessions a selection finds, and the last word before they end. */
import { type ConsolePageModel, consolePage } from '../console-page.ts'
import { type Html, html } from '../html.ts'
import { csrfField } from '../layout.ts'
import { count } from '../parts.ts'
import { sampleAppearance, sampleNow } from '../sample-appearance.ts'
import { numberWords } from './console-words.ts'

export interface ConsoleEndConfirmModel extends ConsolePageModel {
  readonly found: { readonly sessions: number; readonly people: number; readonly apps: number }
  /** The selection, each condition as a line; empty for everyone. */
  readonly conditions: readonly string[]
  /** The same as the form sent it, to be sent again. */
  readonly fields: readonly { readonly name: string; readonly value: string }[]
  /** Back to the form with what was typed. */
  readonly changePath: string
  /** Whether the operator's own session is certainly or possibly among them. */
  readonly mayEndOwn: boolean
}

/** What has to be typed before everyone is signed out. */
export const everyoneWord = 'everyone'

/** The whole page. */
export function consoleEndConfirmPage(model: ConsoleEndConfirmModel): Html {
  const { found, conditions } = model
  const everyone = conditions.length === 0
  return consolePage(model, {
    title: found.sessions === 0 ? 'No session matches' : `End ${sessionsOf(found.sessions)}?`,
    back: { href: model.changePath, words: 'Change the selection' },
    main: html`<section class="part part-text" aria-labelledby="found-title"><h2 id="found-title">${foundWords(found)}</h2>
${
  everyone
    ? html`<p>This is everyone: every session there is.</p>`
    : html`<p>All of these hold:</p><ul class="conditions">${conditions.map((condition) => html`<li>${condition}</li>`)}</ul>`
}
${
  found.sessions > 0 &&
  html`<p>They stop working at once. Their apps are told one after the other; you see how far that has come.${
    model.mayEndOwn && html` <strong>Your own session may be among them.</strong>`
  }</p>`
}
</section>
${found.sessions > 0 && endForm(model, everyone)}`,
  })
}

function endForm({ csrf, fields, changePath, found }: ConsoleEndConfirmModel, everyone: boolean): Html {
  return html`<form class="stack confirm-form" method="post" action="/console/sessions/end">${csrfField(csrf)}${fields.map(
    ({ name, value }) => html`<input type="hidden" name="${name}" value="${value}">`,
  )}${
    everyone &&
    html`<div class="field"><label for="typed">Type <strong>${everyoneWord}</strong> to go on</label><input id="typed" name="typed" type="text" autocomplete="off" autocapitalize="none" spellcheck="false" required></div>`
  }<div class="confirm-acts"><button class="button-danger button-small" type="submit">End ${sessionsOf(found.sessions)}</button><a class="button-quiet button-small" href="${changePath}">Cancel</a></div></form>`
}

function sessionsOf(number: number): string {
  return `${numberWords(number)} ${number === 1 ? 'session' : 'sessions'}`
}

/** "412 sessions of 96 people at 5 apps". */
function foundWords({ sessions, people, apps }: ConsoleEndConfirmModel['found']): string {
  if (sessions === 0) return 'Nobody is signed in that way'
  const of = people === 1 ? '1 person' : `${numberWords(people)} people`
  return `${sessionsOf(sessions)} of ${of} at ${count(apps, 'app', 'apps')}`
}

const base = {
  appearance: sampleAppearance,
  csrf: 'csrf-token',
  now: sampleNow,
  personName: 'Grace Hopper',
  changePath: '/console/sessions/end?network=198.51.100.0%2F24&method=password',
  mayEndOwn: false,
}

export const samples = {
  some: {
    ...base,
    found: { sessions: 412, people: 96, apps: 5 },
    conditions: ['Signed in from 198.51.100.0/24', 'Signed in by password'],
    fields: [
      { name: 'network', value: '198.51.100.0/24' },
      { name: 'method', value: 'password' },
    ],
  },
  everyone: {
    ...base,
    found: { sessions: 103_120, people: 88_004, apps: 31 },
    conditions: [],
    fields: [{ name: 'everyone', value: '1' }],
    mayEndOwn: true,
    said: { kind: 'problem', words: 'Type the word “everyone” to go on. Nothing has ended.' },
  },
  nobody: {
    ...base,
    found: { sessions: 0, people: 0, apps: 0 },
    conditions: ['Of charles@example.com'],
    fields: [{ name: 'person', value: 'charles@example.com' }],
  },
} satisfies Record<string, ConsoleEndConfirmModel>
