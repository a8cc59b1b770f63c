/**
 * Ends everything: 100,000 sessions that have three apps open each, while people go on signing in (FAILURES R-10).
 *
 * Prints how long the command took to answer, when the last of the sessions it ended was refused, how fast their records and apps
 * follow, and what signing in cost before and meanwhile. About 90 seconds.
 */
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { digest } from '#gateway/kernel/digest.ts'
import { Visitor } from '#test/portal/visitor.ts'
import { codeFor, exchange, userinfoStatus } from '#test/support/oauth.ts'
import { type RaceGateway, startRaceGateway } from '#test/support/race-gateway.ts'

const appIds = ['wiki', 'board', 'mail']
const baselineMs = 15_000
/** What has not followed by then is left; the figures are rates. */
const watchedMs = 45_000
/** Cookies of random sessions that are tried again and again until they are refused. */
const tried = 100
const person = { email: 'ada@example.com', password: 'correct horse battery' }

export interface EndedEverything {
  readonly sessions: number
  /** From the command to its answer, and to the moment at which the last of the tried sessions was refused. */
  readonly answeredMs: number
  readonly effectiveMs: number
  readonly settledPerSecond: number
  readonly deliveredPerSecond: number
  readonly signIn: { readonly before: Latency; readonly meanwhile: Latency }
}

interface Latency {
  readonly count: number
  readonly p50: number
  readonly p99: number
}

/** Runs it and says what it found. */
export async function endEverything(
  say: (line: string) => void,
  sessions = 100_000,
): Promise<EndedEverything> {
  await using target = await startRaceGateway({
    appIds,
    realTime: true,
    background: true,
    settings: { sessions: { max_per_account: 0 } },
  })
  fill(target, sessions)
  const live = await target.signIn()
  const [client] = target.clients
  if (client === undefined) throw new Error('no app')
  const { body } = await exchange(client, await codeFor(live.browser, client))
  const token = body.access_token ?? ''
  if ((await userinfoStatus(client, token)) !== 200) throw new Error('the token was not good to begin with')
  if (!(await opens(target, secretOf(0)))) throw new Error('the sessions were not good to begin with')

  const before = await signInUntil(target, sleep(baselineMs))
  const began = performance.now()
  const counts = await target.gateway.commands.sessions.countWhere({}, { kind: 'command-line' })
  const countedMs = performance.now() - began
  const commanded = performance.now()
  const ended = await target.gateway.commands.sessions.endWhere({}, { kind: 'command-line' })
  const answeredMs = performance.now() - commanded
  const { logoutId } = ended
  if (logoutId === undefined) throw new Error('nothing was ended')
  const watching = watch(target, logoutId)
  const during = signInUntil(target, watching)
  const effectiveMs = Math.max(answeredMs, (await lastOpened(target, sessions)) - commanded)
  if ((await userinfoStatus(client, token)) === 200) throw new Error('a token outlived its session')
  const { settledPerSecond, deliveredPerSecond } = await watching
  const result: EndedEverything = {
    sessions: counts.ssoSessions,
    answeredMs,
    effectiveMs,
    settledPerSecond,
    deliveredPerSecond,
    signIn: { before, meanwhile: await during },
  }
  say(
    `R-10  ${counts.ssoSessions} sessions, ${counts.appSessions} at ${counts.apps} apps, counted in ${ms(countedMs)}`,
  )
  say(`R-10  the command answered in ${ms(answeredMs)} (goal: 1,000 ms)`)
  say(
    `R-10  ${tried} of them and a token were refused from ${ms(effectiveMs)} after it was given (goal: 5,000 ms)`,
  )
  say(
    `R-10  ${Math.round(settledPerSecond)} sessions marked per second, ${Math.round(deliveredPerSecond)} apps told per second`,
  )
  say(`R-10  signing in: p50 ${ms(before.p50)}, p99 ${ms(before.p99)} before (${before.count} times)`)
  const { p50, p99, count } = result.signIn.meanwhile
  say(
    `R-10  signing in: p50 ${ms(p50)}, p99 ${ms(p99)} meanwhile (${count} times, ${(p99 / before.p99).toFixed(1)} times, goal: 2)`,
  )
  return result
}

/** Sessions as the gateway would have stored them, in one go: signing so many people in would take hours. */
function fill(target: RaceGateway, sessions: number): void {
  const sqlite = new Sqlite(join(target.folder, 'data', 'gatehouse.db'))
  const now = Date.now()
  const sso =
    sqlite.prepare(`insert into sso_sessions (tenant, id, account_id, started_at, authenticated_at, last_seen_at, remembered,
    acr, amr, credential_ids, address, user_agent, check_at) values ('default', ?, ?, ?, ?, ?, 0, 'urn:gatehouse:acr:1', '["pwd"]', '[]', ?, 'chaos', ?)`)
  const secret =
    sqlite.prepare(`insert into session_secrets (tenant, hash, sso_session_id, state, issued_at, seen)
    values ('default', ?, ?, 'current', ?, 1)`)
  const app =
    sqlite.prepare(`insert into app_sessions (tenant, id, sso_session_id, account_id, app_id, sid, started_at, last_seen_at)
    values ('default', ?, ?, ?, ?, ?, ?, ?)`)
  sqlite.transaction(() => {
    for (let at = 0; at < sessions; at++) {
      const startedAt = now - sessions + at
      // Those that are tried are of somebody whom the gateway knows.
      const accountId = at % Math.floor(sessions / tried) === 0 ? 'ada' : `person-${at % 50_000}`
      const id = `ses_chaos${at}`
      sso.run(
        id,
        accountId,
        startedAt,
        startedAt,
        startedAt,
        `10.${at % 200}.${at % 251}.7`,
        startedAt + 28_800_000,
      )
      secret.run(digest(secretOf(at)), id, now)
      for (const appId of appIds)
        app.run(`aps_chaos${at}${appId}`, id, accountId, appId, `sid-${at}-${appId}`, startedAt, startedAt)
    }
  })()
  sqlite.close()
}

const secretOf = (at: number): string => `chaos-${at}`.padEnd(43, '-')

async function opens({ issuer, gateway }: RaceGateway, secret: string): Promise<boolean> {
  const response = await fetch(`${issuer}/account`, {
    redirect: 'manual',
    headers: { Cookie: `${gateway.cookieNames.session}=${secret}`, Accept: 'text/html' },
  })
  await response.text()
  return response.status === 200
}

/** When the last of many sessions was seen to open something, each tried until it is refused. */
async function lastOpened(target: RaceGateway, sessions: number): Promise<number> {
  let last = 0
  for (let turn = 0; turn < tried; turn++) {
    const secret = secretOf(turn * Math.floor(sessions / tried))
    for (;;) {
      const asked = performance.now()
      if (!(await opens(target, secret))) break
      last = asked
    }
  }
  return last
}

async function watch(
  { gateway, receiver }: RaceGateway,
  logoutId: Parameters<typeof gateway.reports.find>[0],
) {
  const began = performance.now()
  let settledMs = 0
  let settled = 0
  for (;;) {
    const [job] = await gateway.stores.endJobs.of([logoutId])
    const elapsed = performance.now() - began
    if (settledMs === 0) settled = job?.ended ?? 0
    if (job?.finishedAt !== undefined && settledMs === 0) settledMs = elapsed
    if (elapsed > watchedMs) {
      return {
        settledPerSecond: (settled * 1_000) / (settledMs === 0 ? elapsed : settledMs),
        deliveredPerSecond: (receiver.received.length * 1_000) / elapsed,
      }
    }
    await sleep(250)
  }
}

/** Signs a person in by the page, one after the other, until `done`. */
async function signInUntil({ issuer }: RaceGateway, done: Promise<unknown>): Promise<Latency> {
  const took: number[] = []
  let goesOn = true
  void done.finally(() => {
    goesOn = false
  })
  while (goesOn) {
    const visitor = new Visitor(issuer)
    const began = performance.now()
    const { status } = await visitor.signIn(person.email, person.password)
    if (status !== 303) throw new Error(`a sign-in was answered with ${status}`)
    took.push(performance.now() - began)
  }
  took.sort((one, other) => one - other)
  const at = (share: number): number => took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0
  return { count: took.length, p50: at(0.5), p99: at(0.99) }
}

function sleep(forMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, forMs))
}

function ms(of: number): string {
  return `${of.toFixed(of < 10 ? 1 : 0)} ms`
}

if (import.meta.main)
  await endEverything((line) => process.stdout.write(`${line}\n`), Number(process.argv[2] ?? 100_000))
