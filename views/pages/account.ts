/** A person's own account: passkeys, sessions, apps with access while they are away, password, and what has ended. */
import { type Html, html } from '../html.ts'
import { type FormPageModel, signedInPage } from '../layout.ts'
import { doneNote, plainNote, problemNote } from '../parts.ts'
import { sampleAppearance, sampleNow } from '../sample-appearance.ts'
import { type AwayApp, awayPart, sampleAway } from './account-away.ts'
import { type EndedSession, historyPart, sampleEnded } from './account-history.ts'
import { type AccountPasskey, passkeysPart, samplePasskeys } from './account-passkeys.ts'
import { type AccountPassword, passwordPart } from './account-password.ts'
import { type AccountSession, sampleSessions, sessionsPart } from './account-sessions.ts'

export interface AccountModel extends FormPageModel {
  readonly now: number
  readonly account: { readonly email: string; readonly name?: string | undefined }
  readonly isOperator: boolean
  readonly passkeys: readonly AccountPasskey[]
  /** This device's session first. */
  readonly sessions: readonly AccountSession[]
  /** The one used last first. */
  readonly away: readonly AwayApp[]
  readonly password: AccountPassword
  /** Newest first, as many as the caller thinks a person reads. */
  readonly ended: readonly EndedSession[]
  /** Present when the last proof is too old for changes: own path that asks for a fresh one and comes back. */
  readonly confirmPath?: string | undefined
  readonly done?: AccountDone | undefined
  readonly problem?: AccountProblem | undefined
}

export type AccountDone =
  | 'passkey-added'
  | 'passkey-renamed'
  | 'passkey-removed'
  | 'password-changed'
  | 'session-ended'
  | 'others-ended'
  | 'away-removed'

export type AccountProblem =
  | 'password-wrong'
  | 'password-too-short'
  | 'password-too-long'
  | 'password-breached'
  | 'password-unchanged'
  | 'password-is-email'
  | 'passkey-name-invalid'
  | 'last-way-in'
  | 'throttled'

/** The whole page. */
export function accountPage(model: AccountModel): Html {
  const { account } = model
  const note = noteOf(model)
  const noteIn = (part: AccountPart): Html | undefined => (note?.part === part ? note.words : undefined)
  return signedInPage({
    appearance: model.appearance,
    title: 'Your account',
    csrf: model.csrf,
    script: 'passkey.js',
    personName: account.name ?? account.email,
    here: 'account',
    isOperator: model.isOperator,
    main: html`<div class="page-head"><h1>Your account</h1><p class="page-sub">${account.name !== undefined && html`${account.name} · `}${account.email}</p></div>
${
  model.confirmPath !== undefined &&
  plainNote(html`<p>It has been a while since you proved that it is you. Do so before you change anything here.</p>
<a class="button-secondary button-small" href="${model.confirmPath}">Confirm it’s you</a>`)
}
${passkeysPart(model.passkeys, model.csrf, model.now, noteIn('passkeys'))}
${sessionsPart(model.sessions, model.csrf, model.now, noteIn('sessions'))}
${awayPart(model.away, model.csrf, model.now, noteIn('away'))}
${passwordPart(model.password, account.email, model.csrf, noteIn('security'))}
${historyPart(model.ended, model.now)}`,
  })
}

type AccountPart = 'passkeys' | 'sessions' | 'away' | 'security'

/** What was just done is said in the part it was done in: after a form that is where the page is scrolled to. */
function noteOf({ done, problem, password }: AccountModel): { part: AccountPart; words: Html } | undefined {
  if (problem !== undefined) {
    return { part: problemPart(problem), words: problemNote(problemWords(problem, password.minLength)) }
  }
  return done === undefined ? undefined : { part: doneParts[done], words: doneNote(doneWords[done]) }
}

const doneParts: Readonly<Record<AccountDone, AccountPart>> = {
  'passkey-added': 'passkeys',
  'passkey-renamed': 'passkeys',
  'passkey-removed': 'passkeys',
  'password-changed': 'security',
  'session-ended': 'sessions',
  'others-ended': 'sessions',
  'away-removed': 'away',
}

function problemPart(problem: AccountProblem): AccountPart {
  return problem === 'passkey-name-invalid' || problem === 'last-way-in' ? 'passkeys' : 'security'
}

const doneWords: Readonly<Record<AccountDone, string>> = {
  'passkey-added': 'Your passkey was added.',
  'passkey-renamed': 'Your passkey was renamed.',
  'passkey-removed': 'Your passkey was removed, and the sessions it opened have ended.',
  'password-changed': 'Your password was changed, and all your other sessions have ended.',
  'session-ended': 'That session has ended.',
  'others-ended': 'All your other sessions have ended.',
  'away-removed': 'That app’s access was removed.',
}

function problemWords(problem: AccountProblem, passwordMinLength: number): string {
  switch (problem) {
    case 'password-wrong':
      return 'That is not your current password. Nothing was changed.'
    case 'password-too-short':
      return `That new password is too short. Use at least ${passwordMinLength} characters.`
    case 'password-too-long':
      return 'That new password is too long. Use at most 1024 characters.'
    case 'password-breached':
      return 'That new password is on a list of stolen ones. Choose another.'
    case 'password-unchanged':
      return 'That is the password you have already. Choose another.'
    case 'password-is-email':
      return 'Your password must not be your e-mail address. Choose another.'
    case 'passkey-name-invalid':
      return 'A passkey’s name has between 1 and 60 characters.'
    case 'last-way-in':
      return 'That passkey is your only way to sign in. Add another first.'
    case 'throttled':
      return 'Too many tries. Wait a few minutes and try again.'
    default:
      return problem satisfies never
  }
}

const usual: AccountModel = {
  appearance: sampleAppearance,
  csrf: 'csrf-token',
  now: sampleNow,
  account: { email: 'ada@example.com', name: 'Ada Lovelace' },
  isOperator: false,
  passkeys: samplePasskeys,
  sessions: sampleSessions,
  away: sampleAway,
  password: { kind: 'set', minLength: 15 },
  ended: sampleEnded,
}

export const samples = {
  usual,
  bare: {
    ...usual,
    account: { email: 'ada@example.com' },
    passkeys: [],
    sessions: sampleSessions.slice(0, 1),
    away: [],
    password: { kind: 'from-file', minLength: 15 },
    ended: [],
    confirmPath: '/sign-in?confirm=account',
  },
  removed: { ...usual, away: [], done: 'away-removed' },
  changed: { ...usual, isOperator: true, done: 'password-changed', sessions: sampleSessions.slice(0, 1) },
  wrong: { ...usual, problem: 'password-wrong', password: { kind: 'none', minLength: 15 } },
} satisfies Record<string, AccountModel>
