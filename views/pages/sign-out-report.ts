/**
 * What is known about a sign-out, in words. The page renders it and `/sign-out/<id>/events` sends it, so that the
 * script only copies: there is one place that decides what may be claimed.
 *
 * Never: says more than is known. "Signed out" stands only beside an app that confirmed it.
 */
import { count } from '../parts.ts'
import { clockWords, durationWords } from '../time.ts'

export type SignOutState =
  /** The app answered that its session is gone. */
  | 'confirmed'
  /** Its page was loaded in this browser, which proves nothing. */
  | 'sent'
  /** Not asked yet, or asked and not answered yet. */
  | 'waiting'
  /** Asked without success: it did not answer, or did not confirm. Asked again at `nextAttemptAt`. */
  | 'retrying'
  /** Answered that it will not; `detail` says why. */
  | 'refused'
  /** Asked until there was no time left. */
  | 'given-up'
  /** Has no way to be told. */
  | 'cannot-be-told'

export interface SignOutRow {
  readonly appName: string
  /** How it is told; absent on rows that are about telling it by the gateway. */
  readonly channel?: 'back-channel' | 'front-channel' | 'none' | undefined
  readonly state: SignOutState
  /** Why, as the end of a sentence of ours: "it does not know this session". */
  readonly detail?: string | undefined
  readonly nextAttemptAt?: number | undefined
  /** Until when the app's own session may last; absent when nobody knows. */
  readonly mayLastUntil?: number | undefined
}

/** What has ended: the whole session, one app's part of it, or the session of whoever was here before. */
export type SignOutScope =
  | { readonly kind: 'whole' }
  | { readonly kind: 'app'; readonly appName: string }
  | { readonly kind: 'switched' }

/** The JSON of the server-sent event `report`. */
export interface SignOutReport {
  readonly heading: string
  readonly summary: string
  /** Nothing more will change: the script closes the stream. */
  readonly settled: boolean
  readonly rows: readonly SignOutReportRow[]
}

export interface SignOutReportRow {
  readonly appName: string
  readonly state: SignOutState
  readonly words: string
  /** A moment that ends the sentence; `at` lets the script show it in the reader's time zone. */
  readonly until?: { readonly at: number; readonly words: string }
}

/** The whole report at this moment. */
export function signOutReport(
  rows: readonly SignOutRow[],
  now: number,
  scope: SignOutScope = { kind: 'whole' },
): SignOutReport {
  const waiting = rows.some((row) => row.state === 'waiting')
  const retrying = rows.some((row) => row.state === 'retrying')
  return {
    heading: heading(rows, waiting, scope),
    summary: summary(rows, waiting, scope),
    settled: !waiting && !retrying,
    rows: rows.map((row) => reportRow(row, now)),
  }
}

function heading(rows: readonly SignOutRow[], waiting: boolean, scope: SignOutScope): string {
  const confirmed = rows.every((row) => row.state === 'confirmed')
  switch (scope.kind) {
    case 'whole':
      if (waiting) return `Signing you out of ${count(rows.length, 'app', 'apps')}`
      return confirmed ? 'You are signed out' : 'You are signed out here'
    case 'app':
      if (waiting) return `Signing you out of ${scope.appName}`
      return confirmed
        ? `You are signed out of ${scope.appName}`
        : `You are signed out of ${scope.appName} here`
    case 'switched':
      return waiting ? 'Signing the previous account out' : 'The previous account is signed out here'
    default:
      return scope satisfies never
  }
}

function summary(rows: readonly SignOutRow[], waiting: boolean, scope: SignOutScope): string {
  const counted = (...states: readonly SignOutState[]): number =>
    rows.filter((row) => states.includes(row.state)).length
  const confirmed = counted('confirmed')
  const failed = counted('refused', 'given-up', 'cannot-be-told')
  const retrying = counted('retrying')
  const sent = counted('sent')
  if (rows.length === 0) return 'No app had a session.'
  if (waiting) return waitingWords(rows, scope)
  if (confirmed === rows.length) return `${everyApp(rows.length)} confirmed it.`
  const parts = [
    confirmed > 0 && `${confirmed} of ${count(rows.length, 'app', 'apps')} confirmed.`,
    sent > 0 &&
      `${count(sent, 'app was', 'apps were')} asked through this browser, which cannot know whether it worked.`,
    retrying > 0 &&
      `${count(retrying, 'app has', 'apps have')} not confirmed yet and will be told again, even if you close this page.`,
    failed > 0 && `In ${count(failed, 'app', 'apps')} you may still be signed in.`,
  ]
  return parts.filter((part) => part !== false).join(' ')
}

/** Whether the page may be closed depends on whether anything still needs it. */
function waitingWords(rows: readonly SignOutRow[], scope: SignOutScope): string {
  const ended =
    scope.kind === 'app'
      ? 'You stay signed in here and in your other apps.'
      : scope.kind === 'switched'
        ? 'Its session here has ended already.'
        : 'Your session here has ended already.'
  const browserNeeded = rows.some((row) => row.state === 'waiting' && row.channel === 'front-channel')
  return `${ended} ${browserNeeded ? 'Keep this page open for a moment: some apps are told through it.' : 'You can close this page.'}`
}

function everyApp(apps: number): string {
  if (apps === 1) return 'The app has'
  return apps === 2 ? 'Both apps have' : `All ${apps} apps have`
}

function reportRow(row: SignOutRow, now: number): SignOutReportRow {
  const base = { appName: row.appName, state: row.state }
  switch (row.state) {
    case 'confirmed':
      return { ...base, words: 'Signed out' }
    case 'sent':
      return { ...base, ...lasting('Asked through this browser, not confirmed.', row.mayLastUntil, now) }
    case 'waiting':
      return {
        ...base,
        words: row.channel === 'front-channel' ? 'Asking through this browser' : 'Waiting for its answer',
      }
    case 'retrying':
      return { ...base, words: `Not confirmed yet. Will keep trying${nextTry(row.nextAttemptAt, now)}` }
    case 'refused':
      return { ...base, ...lasting(`Refused${because(row.detail)}.`, row.mayLastUntil, now) }
    case 'given-up':
      return { ...base, ...lasting(`Never confirmed${because(row.detail)}.`, row.mayLastUntil, now) }
    case 'cannot-be-told':
      return { ...base, ...lasting(`Could not be told${because(row.detail)}.`, row.mayLastUntil, now) }
    default:
      return row.state satisfies never
  }
}

const noBreakSpace = '\u00a0'

function nextTry(at: number | undefined, now: number): string {
  if (at === undefined) return ''
  // Kept on one line: "(next in 1" and "s)" below it is hard to read.
  return at <= now ? ' (now)' : ` ${`(next in ${durationWords(at - now)})`.replaceAll(' ', noBreakSpace)}`
}

function because(detail: string | undefined): string {
  return detail === undefined ? '' : `: ${detail}`
}

function lasting(
  words: string,
  until: number | undefined,
  now: number,
): Pick<SignOutReportRow, 'words' | 'until'> {
  if (until === undefined) return { words: `${words} We do not know how long its session lasts.` }
  if (until <= now) return { words: `${words} Its session has run out by itself.` }
  return { words: `${words} Its session may last until`, until: { at: until, words: clockWords(until, now) } }
}
