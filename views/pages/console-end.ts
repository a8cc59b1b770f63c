/** Which sessions to end: the form of the kill switch. It only looks; what it finds is counted on the next page. */
import { type ConsolePageModel, consolePage } from '../console-page.ts'
import { type Html, html, raw } from '../html.ts'
import { problemNote } from '../parts.ts'
import { sampleAppearance, sampleNow } from '../sample-appearance.ts'

/** As it was typed. */
export interface EndSelection {
  readonly person: string
  readonly app: string
  readonly network: string
  readonly passkey: string
  readonly before: string
  readonly method: string
  readonly everyone: boolean
}

export type EndField = 'person' | 'app' | 'network' | 'passkey' | 'before'

export interface ConsoleEndModel extends ConsolePageModel {
  readonly selection: EndSelection
  readonly refusal?: { readonly field?: EndField | undefined; readonly words: string } | undefined
}

export const noSelection: EndSelection = {
  person: '',
  app: '',
  network: '',
  passkey: '',
  before: '',
  method: '',
  everyone: false,
}

/** The whole page. */
export function consoleEndPage(model: ConsoleEndModel): Html {
  const { selection, refusal } = model
  const field = (of: FieldParts): Html => textField(of, selection[of.name], refusal?.field === of.name)
  return consolePage(model, {
    title: 'End sessions',
    sub: 'Say which. All that you fill in must hold. First you see how many they are.',
    back: { href: '/console/logouts', words: 'Logouts' },
    main: html`${refusal !== undefined && problemNote(refusal.words)}
<form class="part select-form" method="get" action="/console/sessions/end/confirm">
<div class="fields">
${field({ name: 'person', label: 'Person', hint: 'E-mail or account id' })}
${field({ name: 'app', label: 'App', hint: 'Name or id. Ends sessions that have it open' })}
${field({ name: 'network', label: 'Address or range', hint: 'Where they signed in from: 198.51.100.0/24' })}
${field({ name: 'passkey', label: 'Passkey', hint: 'The id of one, or the AAGUID of a whole model' })}
${field({ name: 'before', label: 'Started before', hint: 'A date, or a time in UTC: 2026-03-12 17:20' })}
<fieldset class="field"><legend>Signed in by</legend>
${methodChoice('', 'Anything', selection)}${methodChoice('passkey', 'A passkey', selection)}${methodChoice('password', 'A password', selection)}
</fieldset>
</div>
<div class="part-foot"><div class="check"><input id="everyone" name="everyone" type="checkbox" value="1"${selection.everyone && raw(' checked')}><label for="everyone">Everyone: every session there is</label></div>
<button class="button-primary button-small" type="submit">Count them</button></div>
</form>`,
  })
}

interface FieldParts {
  readonly name: EndField
  readonly label: string
  readonly hint: string
}

function textField({ name, label, hint }: FieldParts, value: string, wrong: boolean): Html {
  return html`<div class="field"><label for="${name}">${label}</label><input id="${name}" name="${name}" type="text" value="${value}" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="254" aria-describedby="${name}-hint"${wrong && raw(' aria-invalid="true"')}><p class="hint" id="${name}-hint">${hint}</p></div>`
}

function methodChoice(value: '' | 'passkey' | 'password', words: string, { method }: EndSelection): Html {
  const id = `method-${value === '' ? 'any' : value}`
  return html`<div class="check"><input id="${id}" name="method" type="radio" value="${value}"${method === value && raw(' checked')}><label for="${id}">${words}</label></div>`
}

const base = {
  appearance: sampleAppearance,
  csrf: 'csrf-token',
  now: sampleNow,
  personName: 'Grace Hopper',
  selection: noSelection,
}

export const samples = {
  empty: base,
  wrong: {
    ...base,
    selection: { ...noSelection, person: 'ada@example.com', network: '198.51.100.0/99', method: 'password' },
    refusal: { field: 'network', words: 'That is no address and no range: 198.51.100.0/99.' },
  },
} satisfies Record<string, ConsoleEndModel>
