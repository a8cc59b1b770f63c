/**
 * One crash: a person is signed in to many apps, signs out, and the gateway is killed at some moment of that. It starts again and must
 * make good whatever it acknowledged.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
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

/** What the gateway was doing when it was killed. */
export type Stage = 'before the end' | 'before the answer' | 'while telling apps' | 'when all were told'

export interface CrashResult {
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
/** A lease lives 15 s and an idle dispatcher looks every 10 s; the rest is for a busy machine. */
const toldDeadlineMs = 60_000
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
export async function crashAt(moment: Moment, random: Random): Promise<CrashResult> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-crash-'))
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const config = join(folder, 'gatehouse.yaml')
  const data = join(folder, 'data')
  await using apps = await startCrashApps(appCount, () => seededFraction(random))
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
    const before = await signInEverywhere(apps, issuer)
    const acknowledged = await signOutAndKill(before, gateway, moment)
    const left = readOnDisk(data)

    gateway = await startGatewayProcess(config)
    const restartedAt = performance.now()
    const broken = [
      ...brokenOnDisk(left, acknowledged),
      ...(await brokenOnline(before, apps, issuer, left.live === 0)),
    ]
    if (left.live === 0) broken.push(...(await waitUntilTold(apps, before.sids, data)))
    const resumedAfterMs = performance.now() - restartedAt
    await gateway.stop()
    broken.push(...brokenAtLast(readOnDisk(data), left), ...misdirected(apps, before.sids))

    const duplicates = left.live === 0 ? heardCount(apps) - appCount : 0
    if (duplicates > left.leased) broken.push(`${duplicates} duplicates, but ${left.leased} were in flight`)
    return {
      moment,
      stage: stageOf(left, acknowledged),
      acknowledged,
      duplicates,
      inFlight: left.leased,
      ...(left.live === 0 && left.pending > 0 ? { resumedAfterMs } : {}),
      broken,
    }
  } catch (error) {
    throw new Error(`the crash point ${moment.after} + ${moment.ms} ms failed:\n${gateway.output()}`, {
      cause: error,
    })
  } finally {
    await gateway.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

interface SignedIn {
  readonly browser: Browser
  /** The page that asks whether to sign out. */
  readonly question: Page
  readonly sids: ReadonlyMap<string, string>
  readonly accessToken: string
  readonly first: Client
}

async function signInEverywhere(apps: CrashApps, issuer: string): Promise<SignedIn> {
  const browser = createBrowser()
  const page = await browser.get(`${issuer}/sign-in`)
  await browser.submit(page, { email: person.email, password: person.password }, { action: '/sign-in' })
  const sids = new Map<string, string>()
  const clients = apps.ids.map((id) => apps.client(issuer, id))
  const [first] = clients
  if (first === undefined) throw new Error('there are no apps')
  let accessToken = ''
  for (const client of clients) {
    const { body } = await exchange(client, await codeFor(browser, client))
    sids.set(client.clientId, String(claimsOf(body.id_token)['sid']))
    if (client === first) accessToken = body.access_token ?? ''
  }
  return { browser, first, accessToken, sids, question: await browser.get(`${issuer}/sign-out`) }
}

/** True when the person was answered: an answer that was on its way when the process died has been read all the same. */
async function signOutAndKill(
  { browser, question }: SignedIn,
  gateway: GatewayProcess,
  moment: Moment,
): Promise<boolean> {
  const answered = browser
    .submit(question, { decision: 'sign-out' }, { action: '/sign-out', follow: false })
    .then(
      ({ status }) => status === 303,
      () => false,
    )
  if (moment.after === 'answer') await answered
  await sleep(moment.ms)
  await gateway.kill()
  return answered
}

function stageOf(left: OnDisk, acknowledged: boolean): Stage {
  if (left.live > 0) return 'before the end'
  if (!acknowledged) return 'before the answer'
  return left.pending > 0 ? 'while telling apps' : 'when all were told'
}

function brokenOnDisk(left: OnDisk, acknowledged: boolean): string[] {
  const broken: string[] = []
  if (left.integrity !== 'ok') broken.push(`the database is damaged: ${left.integrity}`)
  if (acknowledged && left.live > 0) broken.push('an acknowledged end was lost')
  // Invariant 2: the end, its deliveries and the revoked tokens are there together, or none of them is.
  if (left.live === 0 && left.deliveries !== appCount)
    broken.push(`ended, but only ${left.deliveries} deliveries are owed`)
  if (left.live > 0 && left.deliveries > 0) broken.push('deliveries are owed for a session that lives')
  if (left.live === 0 && left.tokens > 0) broken.push(`ended, but ${left.tokens} tokens were not revoked`)
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
async function waitUntilTold(
  apps: CrashApps,
  sids: ReadonlyMap<string, string>,
  dataFolder: string,
): Promise<string[]> {
  const deadline = performance.now() + toldDeadlineMs
  while (countPending(dataFolder) > 0) {
    if (performance.now() > deadline) return [`${countPending(dataFolder)} deliveries are still pending`]
    await sleep(50)
  }
  return apps.ids
    .filter(
      (id) =>
        !apps
          .heard()
          .get(id)
          ?.includes(sids.get(id) ?? ''),
    )
    .map((id) => `${id} was never told`)
}

function brokenAtLast(after: OnDisk, left: OnDisk): string[] {
  const broken: string[] = []
  if (after.integrity !== 'ok') broken.push(`the database is damaged in the end: ${after.integrity}`)
  if (left.live === 0 && after.delivered !== appCount)
    broken.push(`only ${after.delivered} deliveries are booked as delivered`)
  return broken
}

function misdirected(apps: CrashApps, sids: ReadonlyMap<string, string>): string[] {
  return apps.ids
    .filter((id) =>
      apps
        .heard()
        .get(id)
        ?.some((sid) => sid !== sids.get(id)),
    )
    .map((id) => `${id} was told of a session that is not its own`)
}

function heardCount(apps: CrashApps): number {
  return [...apps.heard().values()].reduce((sum, list) => sum + list.length, 0)
}
