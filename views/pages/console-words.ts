/** What operators read of causes, of those who acted, and of how far telling apps has come. Shared by the pages under /console. */
import { type Html, html } from '../html.ts'
import { durationWords } from '../time.ts'
import type { EndCause } from './account-history.ts'
import type { SignOutState } from './sign-out-report.ts'

/** How a delivery may stand. */
export type ConsoleState = SignOutState

/** How many deliveries stand how. */
export type StateCounts = Readonly<Partial<Record<ConsoleState, number>>>

export interface ConsoleActor {
  readonly kind: string
  /** Of the person, the app or the key; absent for those that have none. */
  readonly name?: string | undefined
}

/** What ended the sessions, as an operator looks at it. */
export const operatorCauseWords: Readonly<Record<EndCause, string>> = {
  app: 'Signed out at an app',
  account: 'Signed out',
  'account-everywhere': 'Signed out everywhere',
  admin: 'Ended by an operator',
  bulk: 'Many ended by an operator',
  idle: 'Not used for too long',
  absolute: 'Time was up',
  'password-changed': 'Password changed',
  'credential-changed': 'Passkey removed',
  'access-removed': 'Access removed',
  'app-removed': 'App removed or disabled',
  'account-disabled': 'Account disabled',
  'account-deleted': 'Account deleted',
  'account-switched': 'Someone else signed in on that browser',
  'session-limit': 'Signed in on too many devices',
  upstream: 'Signed out by the organisation',
  risk: 'A copied cookie was shown',
  restore: 'Restored from a backup',
}

/** Who did it, as it stands inside a sentence. */
export function actorWords({ kind, name }: ConsoleActor): string {
  switch (kind) {
    case 'operator':
      return name === undefined ? 'an operator' : `${name}, operator`
    case 'account':
      return name ?? 'the person'
    case 'app':
      return name === undefined ? 'an app' : `${name}, app`
    case 'api-key':
      return name === undefined ? 'an API key' : `${name}, API key`
    case 'command-line':
      return 'the command line'
    case 'configuration':
      return 'the configuration file'
    default:
      return 'the gateway'
  }
}

/** "Confirmed", "Cannot be told": the state alone. */
export const stateWords: Readonly<Record<ConsoleState, string>> = {
  confirmed: 'Confirmed',
  sent: 'Sent',
  waiting: 'Waiting',
  retrying: 'Trying again',
  refused: 'Refused',
  'given-up': 'Given up',
  'cannot-be-told': 'Cannot be told',
}

/** Best news first; the same everywhere, so that the eye finds a state where it was the last time. */
export const stateOrder: readonly ConsoleState[] = [
  'confirmed',
  'sent',
  'waiting',
  'retrying',
  'refused',
  'given-up',
  'cannot-be-told',
]

export function totalOf(counts: StateCounts): number {
  return Object.values(counts).reduce((sum, number) => sum + number, 0)
}

/** Still to be told: what a page that shows this has to wait for. */
export function openOf({ waiting = 0, retrying = 0 }: StateCounts): number {
  return waiting + retrying
}

/** "3 of 5 confirmed · 1 waiting · 1 refused". */
export function countsWords(counts: StateCounts): string {
  const total = totalOf(counts)
  if (total === 0) return 'No app to tell'
  const { confirmed = 0 } = counts
  const others = stateOrder.flatMap((state) => {
    const number = state === 'confirmed' ? undefined : counts[state]
    return number === undefined || number === 0
      ? []
      : [`${numberWords(number)} ${stateWords[state].toLowerCase()}`]
  })
  return [`${numberWords(confirmed)} of ${numberWords(total)} confirmed`, ...others].join(' · ')
}

/** "Next try in 20 s." */
export function nextTryWords(at: number, now: number): string {
  return at <= now ? 'Next try now.' : `Next try in ${durationWords(at - now)}.`
}

/** "300,000". */
export function numberWords(number: number): string {
  return number.toLocaleString('en')
}

/** One piece of the bar, of 1000 in all. */
export interface BarPiece {
  readonly state: ConsoleState
  readonly x: number
  readonly width: number
}

/** Every state has its piece, if only one of no width: the script moves them. */
export function barPieces(counts: StateCounts): readonly BarPiece[] {
  const total = Math.max(1, totalOf(counts))
  let before = 0
  return stateOrder.map((state) => {
    const x = Math.round((1000 * before) / total)
    before += counts[state] ?? 0
    return { state, x, width: Math.round((1000 * before) / total) - x }
  })
}

/** The counts as a bar. Beside the words, never instead of them. */
export function countsBar(pieces: readonly BarPiece[]): Html {
  return html`<svg class="meter" data-bar viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">${pieces.map(
    ({ state, x, width }) => html`<rect data-state="${state}" x="${x}" width="${width}"/>`,
  )}</svg>`
}
