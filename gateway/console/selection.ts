/**
 * Which sessions an operator means: what was typed, as conditions, as words, and as part of an address.
 *
 * Owns: that an empty form means nobody, and that everyone is said and not left out. Relies on: administration/session-where for what each
 * condition may be.
 */
import type { EndField, EndSelection } from '#views/pages/console-end.ts'
import { clockWords, dateWords } from '#views/time.ts'
import { authenticatorName } from '../accounts/authenticator-names.ts'
import { type GivenSessionWhere, readSessionWhere } from '../administration/session-where.ts'
import { GatewayError } from '../kernel/errors.ts'
import type { SessionWhere } from '../sessions/ending.ts'
import type { ConsoleDeps } from './deps.ts'
import { findAccountId, findApp } from './names.ts'

export type Selected =
  /** `words` has each condition; none for everyone. */
  | { readonly kind: 'where'; readonly where: SessionWhere; readonly words: readonly string[] }
  | { readonly kind: 'refused'; readonly field?: EndField; readonly words: string }

/** Longer than anything that is typed here. */
const typedMaxLength = 254

/** What was typed, from a query or a form. */
export function typedSelection(value: (name: string) => string | undefined): EndSelection {
  const typed = (name: string): string => (value(name) ?? '').trim().slice(0, typedMaxLength)
  return {
    person: typed('person'),
    app: typed('app'),
    network: typed('network'),
    passkey: typed('passkey'),
    before: typed('before'),
    method: typed('method'),
    everyone: typed('everyone') === '1',
  }
}

/** The same as fields of a form, and as a query: only what was filled in. */
export function fieldsOf({ everyone, ...typed }: EndSelection): readonly { name: string; value: string }[] {
  return [...Object.entries(typed), ['everyone', everyone ? '1' : ''] as const]
    .filter(([, value]) => value !== '')
    .map(([name, value]) => ({ name, value }))
}

export function queryFor(selection: EndSelection): string {
  const query = new URLSearchParams(fieldsOf(selection).map(({ name, value }) => [name, value]))
  return query.size === 0 ? '' : `?${query}`
}

/** The conditions, or why they are not understood: then nothing is counted and nothing ends. */
export async function select(
  deps: Pick<ConsoleDeps, 'accounts' | 'apps' | 'clock'>,
  typed: EndSelection,
): Promise<Selected> {
  const filled = queryFor({ ...typed, everyone: false }) !== ''
  if (typed.everyone && filled) {
    return { kind: 'refused', words: 'Everyone, or those for whom something holds: not both.' }
  }
  if (!typed.everyone && !filled) {
    return { kind: 'refused', words: 'Say which sessions, or that you mean everyone.' }
  }
  const account = typed.person === '' ? undefined : await findAccountId(deps.accounts, typed.person)
  if (typed.person !== '' && account === undefined) {
    return { kind: 'refused', field: 'person', words: `There is no account ${typed.person}.` }
  }
  const app = typed.app === '' ? undefined : findApp(deps.apps, typed.app)
  if (typed.app !== '' && app === undefined) {
    return { kind: 'refused', field: 'app', words: `There is no app ${typed.app}.` }
  }
  let where: SessionWhere = {
    ...(account === undefined ? {} : { account }),
    ...(app === undefined ? {} : { app: app.id }),
  }
  for (const [field, given] of Object.entries(conditionsOf(typed)) as [
    EndField | 'method',
    GivenSessionWhere,
  ][]) {
    try {
      where = { ...where, ...readSessionWhere(given) }
    } catch (error) {
      if (!(error instanceof GatewayError && error.code === 'input_invalid')) throw error
      return { kind: 'refused', ...(isTyped(field) ? { field } : {}), words: error.message }
    }
  }
  return {
    kind: 'where',
    where,
    words: wordsOf(where, typed, app?.name, deps.clock.now()),
  }
}

/** The way of signing in is chosen: only a link that nobody made here has another. */
function isTyped(field: EndField | 'method'): field is EndField {
  return field !== 'method'
}

/** What is typed into one field may mean one of several conditions. */
function conditionsOf({
  network,
  passkey,
  before,
  method,
}: EndSelection): Partial<Record<EndField | 'method', GivenSessionWhere>> {
  return {
    network: { network },
    passkey: passkey.startsWith('crd_') ? { credential: passkey } : { aaguid: passkey },
    before: { startedBefore: inUtc(before) },
    method: { method },
  }
}

/** A time of day without an offset is in UTC, as the field says. */
function inUtc(text: string): string {
  const [, date, time] = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2})$/.exec(text) ?? []
  return date === undefined ? text : `${date}T${time}Z`
}

function wordsOf(
  { credential, aaguid, startedBefore, network }: SessionWhere,
  { person, method }: EndSelection,
  appName: string | undefined,
  now: number,
): readonly string[] {
  return [
    person !== '' && `Of ${person}`,
    appName !== undefined && `With ${appName} open`,
    network !== undefined && `Signed in from ${network}`,
    credential !== undefined && `Opened or strengthened by the passkey ${credential}`,
    aaguid !== undefined && `Opened or strengthened by a passkey of this model: ${modelName(aaguid)}`,
    startedBefore !== undefined && `Started before ${instantWords(startedBefore, now)}`,
    method !== '' && `Signed in by ${method}`,
  ].filter((words) => words !== false)
}

function modelName(aaguid: string): string {
  const name = authenticatorName(aaguid)
  return name === 'Passkey' ? aaguid : `${name} (${aaguid})`
}

function instantWords(at: number, now: number): string {
  const words = clockWords(at, now)
  return words.includes(',') ? words : `${dateWords(at)}, ${words}`
}
