/**
 * Checks how an app takes logout tokens (OpenID Connect Back-Channel Logout 1.0), without ending any session.
 *
 * Owns: what an answer means for a case. Relies on: `logout-check-cases` for the tokens, Egress for where they may go.
 * Never: touches a session or a delivery, and never names an account or session that exists: what it sends is about nobody.
 */
import type { App } from '../apps/app.ts'
import type { AppRegistry } from '../apps/registry.ts'
import { minuteMs } from '../kernel/clock.ts'
import type { Egress, EgressOutcome } from '../kernel/egress.ts'
import { GatewayError } from '../kernel/errors.ts'
import type {
  AppCheck,
  AppCheckCase,
  AppCheckReport,
  AppCheckVerdict,
  AppConnection,
} from '../logout/app-check.ts'
import { unreachableWords } from '../logout/delivery.ts'
import { type CheckCase, checkCases, type Due } from './logout-check-cases.ts'
import { errorOf, type LogoutTokenDeps, logoutRequest } from './logout-token.ts'

export interface LogoutCheckDeps extends Pick<LogoutTokenDeps, 'issuer' | 'keys' | 'clock' | 'random'> {
  readonly apps: Pick<AppRegistry, 'find'>
  readonly egress: Egress
  /** One case, unless the app has a timeout of its own. */
  readonly timeoutMs: number
}

/** All cases together; what is left by then is not tried. Somebody is waiting for the report. */
const totalMs = minuteMs

/** Creates the check. */
export function createLogoutCheck(deps: LogoutCheckDeps): AppCheck {
  return async (appId) => {
    const app = deps.apps.find(appId)
    if (app === undefined || app.removedAt !== undefined)
      throw new GatewayError('app_not_found', 'There is no such app.')
    const url = app.oidc.metadata.backchannel_logout_uri
    const report = { appId, appName: app.name, checkedAt: deps.clock.now() }
    if (url === undefined || app.logout.channel === 'front-channel')
      return { ...report, ...withoutBackChannel(app) }
    return { ...report, url, ...(await tryOut(deps, app, url)) }
  }
}

type Findings = Pick<AppCheckReport, 'outcome' | 'summary' | 'connection' | 'cases'>

function withoutBackChannel({ logout, oidc: { metadata } }: App): Findings {
  const byBrowser = metadata.frontchannel_logout_uri !== undefined && logout.channel !== 'back-channel'
  const unused = metadata.backchannel_logout_uri !== undefined
  return {
    outcome: 'no-back-channel',
    summary: byBrowser
      ? "The app is told through the person's browser alone, so there is nothing that the gateway could check by itself. A frame that loaded " +
        'is shown as sent and never as confirmed, and where no browser is there (an operator, a disabled account, a session that ran out) ' +
        `it cannot be told: its own session lasts as long as the app likes. ${unused ? 'It has a back-channel logout address too; its logout.channel says not to use it.' : 'Give it a backchannel_logout_uri if it can have one.'}`
      : 'The app has no back-channel logout address, so there is nothing to check and the gateway cannot tell it when a session ends: ' +
        'its own session lasts as long as the app likes. Give it a backchannel_logout_uri if it can have one.',
    cases: [],
  }
}

/** One request at a time: an app that is checked is one that people use. */
async function tryOut(deps: LogoutCheckDeps, app: App, url: string): Promise<Findings> {
  const began = performance.now()
  const timeoutMs = app.logout.timeoutMs ?? deps.timeoutMs
  const ask = async (of: CheckCase): Promise<EgressOutcome | undefined> => {
    const leftMs = totalMs - (performance.now() - began)
    if (leftMs <= 0) return undefined
    const form = await of.form()
    return deps.egress.send(logoutRequest(app, url, form, Math.min(timeoutMs, leftMs)))
  }

  const [good, ...others] = checkCases(deps, app)
  const first = await ask(good)
  if (first === undefined || first.kind === 'unreachable') return unreachable(first)
  const judgedGood = judged(good, first)
  const cases = [judgedGood]
  const answers = [first]
  for (const each of others) {
    const outcome = await ask(each)
    if (outcome?.kind === 'answered') answers.push(outcome)
    const found = judged(each, outcome)
    cases.push(wantsNo(each.due) ? inLightOf(judgedGood, found) : found)
  }
  cases.push(notStored(answers))
  return {
    ...totalOf(cases),
    connection: { kind: 'reached', durationMs: first.durationMs },
    cases,
  }
}

type Answered = Extract<EgressOutcome, { kind: 'answered' }>
type Unreachable = Extract<EgressOutcome, { kind: 'unreachable' }>

function unreachable(outcome: Unreachable | undefined): Findings {
  const connection: AppConnection =
    outcome === undefined
      ? {
          kind: 'unreachable',
          reason: sentence(unreachableWords('timeout')),
          remedy: remedyOf('timeout'),
          detail: '',
          durationMs: totalMs,
        }
      : {
          kind: 'unreachable',
          reason: sentence(unreachableWords(outcome.reason)),
          remedy: remedyOf(outcome.reason),
          detail: outcome.detail,
          durationMs: outcome.durationMs,
        }
  return {
    outcome: 'unreachable',
    summary: `The app could not be told anything. ${connection.reason} ${connection.remedy}`,
    connection,
    cases: [],
  }
}

function remedyOf(reason: Unreachable['reason']): string {
  switch (reason) {
    case 'address-refused':
      return 'Addresses of this machine and of private networks, and plain http, need an entry in egress.allow.'
    case 'connect-failed':
      return 'Does the app run, and may this machine connect to it?'
    case 'name-not-found':
      return 'Is the name in the address right, and can this machine look it up?'
    case 'timeout':
      return 'Does the app run, and does nothing on the way swallow the connection? logout.timeout says how long is waited.'
    case 'tls-failed':
      return 'The certificate must be for this name, valid now, and of an authority that this machine trusts.'
    case 'too-large':
    case 'broken':
      return 'Does an HTTP server answer at this address?'
    default:
      return reason satisfies never
  }
}

function judged(of: CheckCase, outcome: EgressOutcome | undefined): AppCheckCase {
  const { id, title, clause, due, otherwise } = of
  const base = { id, title, clause, expected: expectedWords(due) }
  if (outcome === undefined) {
    return {
      ...base,
      verdict: 'not-tried',
      answered: 'not tried',
      advice: 'The cases before it took too long.',
    }
  }
  const { durationMs } = outcome
  if (outcome.kind === 'unreachable') {
    const advice = `It answered before. ${remedyOf(outcome.reason)}`
    return { ...base, verdict: 'failed', answered: unreachableWords(outcome.reason), durationMs, advice }
  }
  const { status } = outcome
  const error = errorOf(status, outcome.body)
  const verdict = verdictOf(due, status)
  const advice = adviceOf(due, status, otherwise)
  return {
    ...base,
    verdict,
    answered: error === undefined ? String(status) : `${status}, ${error}`,
    status,
    durationMs,
    ...(verdict === 'passed' ? {} : { advice }),
  }
}

function expectedWords(due: Due): string {
  switch (due) {
    case 'accept':
      return '200 or 204'
    case 'refuse':
      return '400'
    case 'better-refuse':
      return '400, or 200'
    case 'better-accept':
      return '200 or 204, or 400'
    default:
      return due satisfies never
  }
}

const isAccepted = (status: number): boolean => status === 200 || status === 204
const wantsNo = (due: Due): boolean => due === 'refuse' || due === 'better-refuse'
const isNo = (status: number): boolean => status >= 400 && status < 500

function verdictOf(due: Due, status: number): Exclude<AppCheckVerdict, 'not-tried'> {
  switch (due) {
    case 'accept':
      return isAccepted(status) ? 'passed' : 'failed'
    case 'better-accept':
      return isAccepted(status) ? 'passed' : isNo(status) ? 'advice' : 'failed'
    case 'refuse':
      return status === 400 ? 'passed' : isNo(status) ? 'advice' : 'failed'
    case 'better-refuse':
      return status === 400 ? 'passed' : isNo(status) || isAccepted(status) ? 'advice' : 'failed'
    default:
      return due satisfies never
  }
}

/** An answer that is neither yes nor no means the same for every case. */
function adviceOf(due: Due, status: number, otherwise: string): string {
  if (status >= 300 && status < 400)
    return 'It leads elsewhere, perhaps to a sign-in page. We follow nothing: the address must answer by itself.'
  if (status >= 500) return 'The app failed over it. A delivery that is answered so is tried again for days.'
  if (wantsNo(due) && isNo(status)) return 'A no, and not the 400 that section 2.8 asks for.'
  return otherwise
}

/** Where a good token is refused, a no to a bad one says nothing. */
function inLightOf(good: AppCheckCase, of: AppCheckCase): AppCheckCase {
  if (good.verdict === 'passed' || of.verdict !== 'passed') return of
  return { ...of, verdict: 'advice', advice: 'It refuses a good token too, so this proves nothing yet.' }
}

/** Section 2.8: of all answers, as one case. */
function notStored(answers: readonly Answered[]): AppCheckCase {
  const storable = answers.filter(
    ({ headers }) => !/(^|[\s,])no-store\b/i.test(headers['cache-control'] ?? ''),
  )
  const base = {
    id: 'no-store',
    title: 'its answers are not to be stored',
    clause: 'section 2.8 (recommended)',
    expected: 'Cache-Control: no-store',
  }
  if (storable.length === 0) return { ...base, verdict: 'passed', answered: 'in every answer' }
  return {
    ...base,
    verdict: 'advice',
    answered: `missing in ${storable.length} of ${answers.length} answers`,
    advice: 'A cache on the way could answer the next logout in place of the app.',
  }
}

function totalOf(cases: readonly AppCheckCase[]): Pick<AppCheckReport, 'outcome' | 'summary'> {
  const count = (verdict: AppCheckVerdict): number => cases.filter((each) => each.verdict === verdict).length
  const [failed, advice, notTried] = [count('failed'), count('advice'), count('not-tried')]
  const counts = [
    `${count('passed')} passed`,
    `${failed} failed`,
    `${advice} with advice`,
    ...(notTried === 0 ? [] : [`${notTried} not tried`]),
  ].join(', ')
  return {
    outcome: failed > 0 ? 'failed' : advice + notTried > 0 ? 'advice' : 'passed',
    summary: `The app was reached and asked about a session that does not exist: ${counts}.`,
  }
}

/** `it did not answer in time` as a sentence. */
function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`
}
