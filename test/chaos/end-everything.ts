/**
 * Ends everything: 100,000 sessions that have three of eighteen apps open each, while somebody signs in again and again (FAILURES R-10). An app
 * is told of 20 a second at most, so fewer apps would not show 300 a second.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { digest } from '#gateway/kernel/digest.ts'
import type { LogoutId } from '#gateway/kernel/ids.ts'
import { ada } from '#test/support/two-apps.ts'
import { type GatewayWithApps, startGatewayWithApps } from './gateway-apps.ts'
import { startPersonApart } from './processes.ts'
import { atLeast, atMost, type Figure, quantile, type Scenario } from './scenario.ts'

const sessions = 100_000
const appIds = Array.from({ length: 18 }, (_, at) => `app-${at}`)
const appsEach = 3
const signIn = 'sign-in'
const baselineMs = 10_000
/** What has not followed by then is left; the figures are rates. */
const watchedMs = 40_000
/** An app hears of the first 40 at once: what comes after that is the rate that lasts. */
const burstMs = 5_000
/** Cookies of sessions that are tried again and again until they are refused. */
const tried = 100
const byShell = { kind: 'command-line' } as const

export const endEverything: Scenario = {
  id: 'R-10-all',
  title: `everything ends: ${sessions} sessions at ${appsEach} of ${appIds.length} apps each, while somebody signs in`,
  run: async (): Promise<readonly Figure[]> => {
    await using world = await startGatewayWithApps([...appIds, signIn], {
      realTime: true,
      background: true,
      apart: true,
      settings: { sessions: { max_per_account: 0 } },
    })
    const { commands, stores } = world.gateway
    fill(world)
    if (!(await opens(world, secretOf(0)))) throw new Error('the sessions were not good to begin with')
    const whom = { issuer: world.issuer, appId: signIn, appUrl: world.urlOf(signIn) }
    await using person = await startPersonApart('sign-in', whom)
    person.forget()
    await sleep(baselineMs)
    const before = await person.took()

    person.forget()
    const counts = await commands.sessions.countWhere({}, byShell)
    const commanded = performance.now()
    const { logoutId } = await commands.sessions.endWhere({}, byShell)
    const answeredMs = performance.now() - commanded
    if (logoutId === undefined) throw new Error('nothing was ended')
    const effectiveMs = Math.max(answeredMs, (await lastOpened(world)) - commanded)
    await sleep(Math.max(0, commanded + burstMs - performance.now()))
    const [heardFirst, markedFirst] = [world.heardAt.size, await markedBy(stores, logoutId)]
    const began = performance.now()
    await sleep(watchedMs - burstMs)
    const seconds = (performance.now() - began) / 1_000
    const told = (world.heardAt.size - heardFirst) / seconds
    const marked = ((await markedBy(stores, logoutId)) - markedFirst) / seconds
    const meanwhile = await person.took()
    const [p99, p99Before] = [quantile(meanwhile, 0.99), quantile(before, 0.99)]
    return [
      atLeast('sessions that the command found', counts.ssoSessions, sessions, ''),
      atMost('the command answered', answeredMs / 1_000, 1, 's'),
      atMost(`the last of ${tried} cookies was refused`, effectiveMs / 1_000, 5, 's'),
      atLeast('sessions marked', marked, 100, '/s'),
      atLeast(`told, at 20 a second to each of ${appIds.length} apps`, told, 300, '/s'),
      atMost(
        `signing in, 99th percentile (median ${quantile(meanwhile, 0.5).toFixed(0)} ms)`,
        p99,
        p99Before * 2,
        'ms',
      ),
    ]
  },
}

async function markedBy(stores: GatewayWithApps['gateway']['stores'], logoutId: LogoutId): Promise<number> {
  return (await stores.endJobs.of([logoutId]))[0]?.ended ?? 0
}

/** Sessions as the gateway would have stored them, in one go: signing so many people in would take hours. */
function fill(world: GatewayWithApps): void {
  const sqlite = new Sqlite(join(world.folder, 'data', 'gatehouse.db'))
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
      const accountId = at % Math.floor(sessions / tried) === 0 ? ada.id : `person-${at % 50_000}`
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
      for (let place = 0; place < appsEach; place++) {
        const appId = appIds[(at + place) % appIds.length] ?? ''
        app.run(`aps_chaos${at}${appId}`, id, accountId, appId, `sid-${at}-${appId}`, startedAt, startedAt)
      }
    }
  })()
  sqlite.close()
}

const secretOf = (at: number): string => `chaos-${at}`.padEnd(43, '-')

async function opens({ issuer, gateway }: GatewayWithApps, secret: string): Promise<boolean> {
  const response = await fetch(`${issuer}/account`, {
    redirect: 'manual',
    headers: { Cookie: `${gateway.cookieNames.session}=${secret}`, Accept: 'text/html' },
  })
  await response.text()
  return response.status === 200
}

/** When the last of many sessions was seen to open something, each tried until it is refused. */
async function lastOpened(world: GatewayWithApps): Promise<number> {
  let last = 0
  for (let turn = 0; turn < tried; turn++) {
    const secret = secretOf(turn * Math.floor(sessions / tried))
    for (;;) {
      const asked = performance.now()
      if (!(await opens(world, secret))) break
      last = asked
    }
  }
  return last
}
