/**
 * Which sessions an operator means, read from what was typed.
 *
 * Never: lets a condition through that it does not understand. One that is left out by mistake would end more than was meant.
 */
import { parseNetwork } from '#config/networks.ts'
import { GatewayError } from '../kernel/errors.ts'
import { parseAccountId, parseAppId, parseId } from '../kernel/ids.ts'
import type { SessionWhere } from '../sessions/ending.ts'

/** The conditions as text; absent and empty ones are none. */
export type GivenSessionWhere = { readonly [Condition in keyof SessionWhere]?: string }

const aaguid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** A date, or an instant with its offset: a time of day without one is another instant for whoever reads it. */
const dateOrInstant = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/

/** The conditions. Throws GatewayError `input_invalid` that says which one is wrong and how it is written. */
export function readSessionWhere(given: GivenSessionWhere): SessionWhere {
  const read = <Value>(
    name: keyof SessionWhere,
    parse: (text: string) => Value | undefined,
    expected: string,
  ): Value | undefined => {
    const text = given[name]?.trim() ?? ''
    if (text === '') return undefined
    const value = parse(text)
    if (value === undefined) throw new GatewayError('input_invalid', `${text} is not ${expected}.`)
    return value
  }
  const account = read('account', parseAccountId, 'the id of an account')
  const app = read('app', parseAppId, 'the id of an app')
  const network = read('network', asNetwork, 'a network such as 192.0.2.0/24 or 2001:db8::/32, or an address')
  const credential = read('credential', (text) => parseId('credential', text), 'the id of a passkey (crd_…)')
  const model = read('aaguid', asAaguid, 'an AAGUID such as ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4')
  const startedBefore = read('startedBefore', asInstant, 'a date or an instant such as 2026-03-02T12:00:00Z')
  const method = read('method', asMethod, 'a way to sign in: passkey or password')
  return {
    ...(account === undefined ? {} : { account }),
    ...(app === undefined ? {} : { app }),
    ...(network === undefined ? {} : { network }),
    ...(credential === undefined ? {} : { credential }),
    ...(model === undefined ? {} : { aaguid: model }),
    ...(startedBefore === undefined ? {} : { startedBefore }),
    ...(method === undefined ? {} : { method }),
  }
}

function asNetwork(text: string): string | undefined {
  return parseNetwork(text) === undefined ? undefined : text
}

function asAaguid(text: string): string | undefined {
  const folded = text.toLowerCase()
  return aaguid.test(folded) ? folded : undefined
}

function asInstant(text: string): number | undefined {
  const at = dateOrInstant.test(text) && isDay(text.slice(0, 10)) ? Date.parse(text) : Number.NaN
  return Number.isNaN(at) ? undefined : at
}

/** Not 31 February, which the engine takes for a day in March: later than was meant, so more would end. */
function isDay(date: string): boolean {
  const at = Date.parse(date)
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(date)
}

function asMethod(text: string): NonNullable<SessionWhere['method']> | undefined {
  return text === 'passkey' || text === 'password' ? text : undefined
}

/** The same check of conditions that come from a program: none may be wider than what it says. */
export function requireReadable({ startedBefore, ...where }: SessionWhere): void {
  readSessionWhere({
    ...where,
    ...(startedBefore === undefined ? {} : { startedBefore: new Date(startedBefore).toISOString() }),
  })
}
