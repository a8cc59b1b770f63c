/**
 * One crash: a person is signed in to many apps, signs out, and the gateway is killed at some moment of that. It starts again and must
 * make good whatever it acknowledged. Or some of the apps can only be told by the browser; or an operator ends hundreds of sessions beside
 * the running gateway, and both processes are killed.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import Sqlite from 'better-sqlite3'
import { stringify } from 'yaml'
import type { Random } from '#gateway/kernel/random.ts'
import { type Browser, createBrowser, type Page } from '#test/support/browser.ts'
import { freePort } from '#test/support/gateway.ts'
import { type GatewayProcess, startGatewayProcess } from '#test/support/gateway-process.ts'
import { authorize, type Client, claimsOf, codeFor, exchange, isActive } from '#test/support/oauth.ts'
import { seededFraction } from '#test/support/seeded-random.ts'
import { type CrashApps, startCrashApps } from './apps.ts'
import { countPending, type OnDisk, readOnDisk } from './on-disk.ts'

/** When to kill: some ms after the sign-out was sent, or some ms after its answer came. */
export interface Moment {
  readonly after: 'sending' | 'answer'
  readonly ms: number
}

/** What ends: a person's session by the page, the same with apps that the browser tells, or everything by the command line. */
export type Ending = 'page' | 'journey' | 'job'

/** What the gateway was doing when it was killed. */
export type Stage = 'before the end' | 'before the answer' | 'while telling apps' | 'when all were told'

export interface CrashResult {
  readonly ending: Ending
  readonly moment: Moment
  readonly stage: Stage
  /** The person was told that they are signed out. */
  readonly acknowledged: boolean
  /** Times an app heard of the end of a session that it had heard of before. */
  readonly duplicates: number
  /** Deliveries in flight at the kill: as many apps may hear twice. */
  readonly inFlight: number
  /** From the gateway being ready again until the last app had confirmed; undefined when none was left to tell. */
  readonly resumedAfterMs?: number
  /** Everything that must not be, in words. Empty is what we want. */
  readonly broken: readonly string[]
}

export const appCount = 20
const frontCount = 2
/** Beside the person's own: more than end in one transaction, at one app each, and within what an app is told at once. */
const moreSessions = 400
/** A lease lives 15 s and an idle dispatcher looks every 10 s; the rest is for a busy machine. */
const toldDeadlineMs = 60_000
const cli = fileURLToPath(new URL('../../gateway/cli.ts', import.meta.url))
const person = { id: 'ada', email: 'ada@example.com', name: 'Ada', password: 'correct horse battery' }

/** A third of the points lies around the answer, the rest is spread over the time that telling the apps takes. */
export function randomMoment(random: Random): Moment {
  const fraction = seededFraction(random)
  const spread = seededFraction(random)
  if (fraction < 0.25) return { after: 'sending', ms: spread * 20 }
  if (fraction < 0.35) return { after: 'answer', ms: 0 }
  return { after: 'answer', ms: spread * 250 }
}

/** Runs one crash in a folder of its own. */
export async function crashAt(moment: Moment, random: Random, ending: Ending = 'page'): Promise<CrashResult> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-crash-'))
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const config = join(folder, 'gatehouse.yaml')
  const data = join(folder, 'data')
  const fronts = ending === 'journey' ? frontCount : 0
  await using apps = await startCrashApps(appCount, () => seededFraction(random), fronts)
  const owed = { apps: appCount + fronts + (ending === 'job' ? moreSessions : 0), fronts, ending }
  writeFileSync(
    config,
    stringify({
      issuer,
      listen: { port },
      data_dir: data,
      log: { level: 'warn' },
      accounts: [person],
      apps: apps.declared(),
    }),
  )
  let gateway = await startGatewayProcess(config)
  try {
    const signedIn = await signInEverywhere(apps, issuer)
    const before = ending === 'job' ? { ...signedIn, sids: addSessions(data, apps, signedIn.sids) } : signedIn
    const act = ending === 'job' ? endEverything(config) : signOut(before)
    const acknowledged = await killAt(act, gateway, moment)
    const left = readOnDisk(data)
    // Of many, all have ended from the instant of the job, marked or not.
    const ended = left.live === 0 || left.openJobs > 0

    gateway = await startGatewayProcess(config)
    const restartedAt = performance.now()
    const broken = [
      ...brokenOnDisk(left, acknowledged, ended, owed),
      ...(await brokenOnline(before, apps, issuer, ended)),
    ]
    if (ended && fronts > 0) broken.push(...(await brokenJourney(before.browser, issuer, fronts)))
    if (ended) broken.push(...(await waitUntilTold(apps, before.sids, data)))
    const resumedAfterMs = performance.now() - restartedAt
    await gateway.stop()
    broken.push(...brokenAtLast(readOnDisk(data), ended, owed), ...misdirected(apps, before.sids))

    const duplicates = ended ? heardCount(apps) - (owed.apps - owed.fronts) : 0
    if (duplicates > left.leased) broken.push(`${duplicates} duplicates, but ${left.leased} were in flight`)
    return {
      ending,
      moment,
      stage: stageOf(ended, left, acknowledged),
      acknowledged,
      duplicates,
      inFlight: left.leased,
      ...(ended && left.pending + left.openJobs > 0 ? { resumedAfterMs } : {}),
      broken,
    }
  } catch (error) {
    throw new Error(
      `the crash point ${ending}, ${moment.after} + ${moment.ms} ms failed:\n${gateway.output()}`,
      {
        cause: error,
      },
    )
  } finally {
    await gateway.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** By app, the sessions that it is to hear of. */
type Sids = ReadonlyMap<string, readonly string[]>

interface SignedIn {
  readonly browser: Browser
  /** The page that asks whether to sign out. */
  readonly question: Page
  readonly sids: Sids
  readonly accessToken: string
  readonly first: Client
}

async function signInEverywhere(apps: CrashApps, issuer: string): Promise<SignedIn> {
  const browser = createBrowser()
  const page = await browser.get(`${issuer}/sign-in`)
  await browser.submit(page, { email: person.email, password: person.password }, { action: '/sign-in' })
  const sids = new Map<string, readonly string[]>()
  const clients = [...apps.ids, ...apps.frontIds].map((id) => apps.client(issuer, id))
  const [first] = clients
  if (first === undefined) throw new Error('there are no apps')
  let accessToken = ''
  for (const client of clients) {
    const { body } = await exchange(client, await codeFor(browser, client))
    sids.set(client.clientId, [String(claimsOf(body.id_token)['sid'])])
    if (client === first) accessToken = body.access_token ?? ''
  }
  return { browser, first, accessToken, sids, question: await browser.get(`${issuer}/sign-out`) }
}

interface Act extends AsyncDisposable {
  /** True when whoever acted was answered: an answer that was on its way when the process died has been read all the same. */
  readonly answered: Promise<boolean>
}

function signOut({ browser, question }: SignedIn): Act {
  const answered = browser
    .submit(question, { decision: 'sign-out' }, { action: '/sign-out', follow: false })
    .then(
      ({ status }) => status === 303,
      () => false,
    )
  return { answered, [Symbol.asyncDispose]: async () => {} }
}

/** The kill switch, in a process beside the gateway, which is killed with it. */
function endEverything(config: string): Act {
  const child = spawn(process.execPath, [cli, 'session', 'end', '--everyone', '--config', config], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const gone = once(child, 'close')
  let said = ''
  const answered = new Promise<boolean>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (said.includes('All of them have ended')) resolve(true)
    })
    void gone.then(() => resolve(false))
  })
  return {
    answered,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await gone
    },
  }
}

async function killAt(act: Act, gateway: GatewayProcess, moment: Moment): Promise<boolean> {
  await using acting = act
  if (moment.after === 'answer') await acting.answered
  await sleep(moment.ms)
  await gateway.kill()
  await acting[Symbol.asyncDispose]()
  return acting.answered
}

/** Sessions as the gateway would have stored them, at one app each: signing so many people in would take minutes. */
function addSessions(dataFolder: string, apps: CrashApps, sids: Sids): Sids {
  const database = new Sqlite(join(dataFolder, 'gatehouse.db'))
  const more = new Map([...sids].map(([app, known]) => [app, [...known]]))
  const now = Date.now()
  const sso =
    database.prepare(`insert into sso_sessions (tenant, id, account_id, started_at, authenticated_at, last_seen_at, remembered,
    acr, amr, credential_ids, address, user_agent, check_at) values ('default', ?, ?, ?, ?, ?, 0, 'urn:gatehouse:acr:1', '["pwd"]', '[]', '127.0.0.1', 'crash', ?)`)
  const app =
    database.prepare(`insert into app_sessions (tenant, id, sso_session_id, account_id, app_id, sid, started_at, last_seen_at)
    values ('default', ?, ?, ?, ?, ?, ?, ?)`)
  database.transaction(() => {
    for (let at = 0; at < moreSessions; at++) {
      const appId = apps.ids[at % apps.ids.length] ?? ''
      sso.run(`ses_crash${at}`, person.id, now, now, now, now + 28_800_000)
      app.run(`aps_crash${at}`, `ses_crash${at}`, person.id, appId, `sid-${at}`, now, now)
      more.get(appId)?.push(`sid-${at}`)
    }
  })()
  database.close()
  return more
}

/** The browser comes back, is led to its sign-out, tells the apps that only it can tell, and says so. */
async function brokenJourney(browser: Browser, issuer: string, fronts: number): Promise<string[]> {
  const page = await browser.get(`${issuer}/sign-out`)
  const frames = page.text.match(/data-frame="/g)?.length ?? 0
  const on = page.text.match(/\/sign-out\/[^/"]+\/on\?loaded=[\w.~-]+/)?.[0]
  if (frames !== fronts || on === undefined)
    return [`the browser found ${frames} apps to tell, not ${fronts}`]
  await browser.get(`${issuer}${on}`)
  return []
}

function stageOf(ended: boolean, left: OnDisk, acknowledged: boolean): Stage {
  if (!ended) return 'before the end'
  if (!acknowledged) return 'before the answer'
  return left.pending + left.openJobs > 0 ? 'while telling apps' : 'when all were told'
}

interface Owed {
  readonly apps: number
  readonly fronts: number
  readonly ending: Ending
}

function brokenOnDisk(left: OnDisk, acknowledged: boolean, ended: boolean, owed: Owed): string[] {
  const broken: string[] = []
  if (left.integrity !== 'ok') broken.push(`the database is damaged: ${left.integrity}`)
  if (acknowledged && !ended) broken.push('an acknowledged end was lost')
  // Invariant 2: the end, its deliveries and the revoked tokens are there together, or none of them is; or they follow from a job that is.
  if (left.live === 0 && left.deliveries !== owed.apps)
    broken.push(`ended, but only ${left.deliveries} deliveries are owed`)
  if (!ended && left.deliveries > 0) broken.push('deliveries are owed for a session that lives')
  if (left.live === 0 && left.tokens > 0) broken.push(`ended, but ${left.tokens} tokens were not revoked`)
  if (ended && owed.ending !== 'job' && left.journeys !== 1)
    broken.push('ended, but the browser has no way on')
  return broken
}

async function brokenOnline(
  { browser, first, accessToken }: SignedIn,
  apps: CrashApps,
  issuer: string,
  ended: boolean,
): Promise<string[]> {
  const broken: string[] = []
  const silent = await authorize(browser, apps.client(issuer, first.clientId), { prompt: 'none' })
  const active = await isActive(first, accessToken)
  if (ended && silent.kind === 'code') broken.push('the ended session is alive after the restart')
  if (ended && active) broken.push('a token of the ended session is alive after the restart')
  if (!ended && (silent.kind !== 'code' || !active))
    broken.push('the session was not ended, and yet it is not alive after the restart')
  if (!ended && heardCount(apps) > 0) broken.push('apps were told of an end that did not happen')
  return broken
}

/** Until the gateway itself says that every app has confirmed; then every app must have heard. */
async function waitUntilTold(apps: CrashApps, sids: Sids, dataFolder: string): Promise<string[]> {
  const deadline = performance.now() + toldDeadlineMs
  while (countPending(dataFolder) > 0) {
    if (performance.now() > deadline) return [`${countPending(dataFolder)} deliveries are still pending`]
    await sleep(50)
  }
  return apps.ids.flatMap((id) =>
    (sids.get(id) ?? [])
      .filter((sid) => apps.heard().get(id)?.includes(sid) !== true)
      .map((sid) => `${id} was never told of ${sid}`),
  )
}

function brokenAtLast(after: OnDisk, ended: boolean, owed: Owed): string[] {
  const broken: string[] = []
  if (after.integrity !== 'ok') broken.push(`the database is damaged in the end: ${after.integrity}`)
  if (ended && after.live > 0) broken.push(`${after.live} sessions were never marked`)
  if (ended && after.tokens > 0) broken.push(`${after.tokens} tokens were never revoked`)
  if (ended && after.delivered !== owed.apps - owed.fronts)
    broken.push(`only ${after.delivered} deliveries are booked as delivered`)
  return broken
}

function misdirected(apps: CrashApps, sids: Sids): string[] {
  return apps.ids
    .filter((id) =>
      apps
        .heard()
        .get(id)
        ?.some((sid) => sids.get(id)?.includes(sid) !== true),
    )
    .map((id) => `${id} was told of a session that is not its own`)
}

function heardCount(apps: CrashApps): number {
  return [...apps.heard().values()].reduce((sum, list) => sum + list.length, 0)
}
