/**
 * What became of a Logout, in words for operators. The page renders it and `/console/logouts/<id>/events` sends it, so that the
 * script only copies: there is one place that decides what may be claimed.
 *
 * Never: calls confirmed what was only sent.
 */
import { clockWords, exactWords } from '../time.ts'
import {
  type BarPiece,
  barPieces,
  type ConsoleState,
  countsWords,
  nextTryWords,
  numberWords,
  openOf,
  type StateCounts,
} from './console-words.ts'

export interface ConsoleReport {
  readonly settledAt?: number | undefined
  readonly counts: StateCounts
  /** Of those that are worked off little by little. */
  readonly progress?: ConsoleProgress | undefined
  readonly deliveries: readonly ConsoleDelivery[]
}

export interface ConsoleProgress {
  readonly sessions: number
  readonly ended: number
  readonly finishedAt?: number | undefined
}

export interface ConsoleDelivery {
  readonly id: string
  readonly appName: string
  readonly channel: 'back-channel' | 'front-channel' | 'none'
  readonly state: ConsoleState
  /** Why it stands so, as the end of a sentence. */
  readonly reason?: string | undefined
  readonly nextAttemptAt?: number | undefined
  readonly mayLastUntil?: number | undefined
  /** Oldest first, as many as are shown. */
  readonly attempts: readonly ConsoleAttempt[]
  /** Attempts before those. */
  readonly earlier: number
}

export interface ConsoleAttempt {
  readonly number: number
  readonly startedAt: number
  readonly durationMs: number
  readonly status?: number | undefined
  readonly error?: string | undefined
}

/** The JSON of the event `report`: what sign-out.js puts in place. */
export interface ConsoleReportWords {
  readonly heading: string
  readonly summary: string
  readonly settled: boolean
  readonly rows: readonly DeliveryWords[]
  /** Texts by the name of their place. */
  readonly puts: Readonly<Record<string, string>>
  readonly bar: readonly BarPiece[]
  readonly progress?: { readonly value: number; readonly max: number }
}

export interface DeliveryWords {
  readonly key: string
  readonly appName: string
  readonly state: ConsoleState
  readonly words: string
  readonly until?: Moment
  readonly attempts: readonly AttemptWords[]
  /** Those that are not shown too. */
  readonly attemptCount: number
}

export interface AttemptWords {
  readonly number: number
  readonly at: Moment
  /** How long it took, the answer, and what was wrong. */
  readonly cells: readonly [took: string, answer: string, error: string]
}

export interface Moment {
  readonly at: number
  readonly words: string
}

/** The whole report at this moment. */
export function consoleReport(report: ConsoleReport, heading: string, now: number): ConsoleReportWords {
  const { counts, progress } = report
  const working = progress !== undefined && progress.finishedAt === undefined
  return {
    heading,
    summary: countsWords(counts),
    settled: report.settledAt !== undefined && openOf(counts) === 0 && !working,
    rows: report.deliveries.map((delivery) => deliveryWords(delivery, now)),
    puts: {
      settled: report.settledAt === undefined || working ? 'Not yet' : clockWords(report.settledAt, now),
      ...(progress === undefined ? {} : { progress: progressWords(progress) }),
    },
    bar: barPieces(counts),
    ...(progress === undefined
      ? {}
      : { progress: { value: progress.ended, max: Math.max(1, progress.sessions) } }),
  }
}

function progressWords({ sessions, ended, finishedAt }: ConsoleProgress): string {
  const words = `${numberWords(ended)} of ${numberWords(sessions)} sessions worked off`
  return finishedAt === undefined ? `${words}. All of them stopped working at once.` : `${words}.`
}

function deliveryWords(delivery: ConsoleDelivery, now: number): DeliveryWords {
  const { id, appName, state } = delivery
  return {
    key: id,
    appName,
    state,
    ...standing(delivery, now),
    attempts: delivery.attempts.map((attempt) => attemptWords(attempt, now)),
    attemptCount: delivery.attempts.length + delivery.earlier,
  }
}

function standing(delivery: ConsoleDelivery, now: number): Pick<DeliveryWords, 'words' | 'until'> {
  const { state, nextAttemptAt } = delivery
  switch (state) {
    case 'confirmed':
      return { words: 'Confirmed.' }
    case 'sent':
      return lasting('Sent to the browser; nobody can confirm it.', delivery, now)
    case 'waiting':
      return {
        words: delivery.channel === 'front-channel' ? 'Waiting for the browser.' : 'Waiting for its answer.',
      }
    case 'retrying':
      return {
        words: `Not confirmed yet${because(delivery)}. ${nextAttemptAt === undefined ? 'Being tried now.' : nextTryWords(nextAttemptAt, now)}`,
      }
    case 'refused':
      return lasting(`Refused${because(delivery)}.`, delivery, now)
    case 'given-up':
      return lasting(`Given up${because(delivery)}.`, delivery, now)
    case 'cannot-be-told':
      return lasting(`Cannot be told${because(delivery)}.`, delivery, now)
    default:
      return state satisfies never
  }
}

function because({ reason, attempts }: ConsoleDelivery): string {
  const last = attempts.at(-1)
  const words = reason ?? (last?.status === undefined ? last?.error : `it answered ${last.status}`)
  return words === undefined ? '' : `: ${words}`
}

function lasting(
  words: string,
  { mayLastUntil: until }: ConsoleDelivery,
  now: number,
): Pick<DeliveryWords, 'words' | 'until'> {
  if (until === undefined) return { words: `${words} How long its own session lasts is not known.` }
  if (until <= now) return { words: `${words} Its own session has run out by itself.` }
  return {
    words: `${words} Its own session may last until`,
    until: { at: until, words: clockWords(until, now) },
  }
}

function attemptWords(attempt: ConsoleAttempt, now: number): AttemptWords {
  return {
    number: attempt.number,
    at: { at: attempt.startedAt, words: exactWords(attempt.startedAt, now) },
    cells: [
      `${numberWords(Math.round(attempt.durationMs))} ms`,
      attempt.status === undefined ? 'No answer' : String(attempt.status),
      attempt.error ?? '',
    ],
  }
}
