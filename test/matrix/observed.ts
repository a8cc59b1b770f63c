/**
 * One end, and all that apps, pages and the record made of it: brought about once, looked at twice, and once more after a restart.
 *
 * The first look is when every app has been asked once. Until the last, apps that were slow have begun to answer, those that refuse have
 * been asked as often as it takes, and the browser's time is over.
 */
import { expect, vi } from 'vitest'
import type { LogoutId } from '#gateway/kernel/ids.ts'
import type { LogoutReport } from '#gateway/logout/report.ts'
import type { AppSession } from '#gateway/sessions/app-session.ts'
import type { Cause } from '#gateway/sessions/cause.ts'
import { postJson } from '#test/attacks/attacker.ts'
import type { Page } from '#test/support/browser.ts'
import { type Act, acts } from './acts.ts'
import { type MatrixApp, unwantedId } from './apps.ts'
import { type FrameOnPage, framesOn, type Said, saidToOperators, saidToPerson } from './pages.ts'
import { openStage, type Stage } from './stage.ts'

export interface Look {
  /** By app. */
  readonly reports: ReadonlyMap<string, LogoutReport>
  /** Absent where no browser had a part. */
  readonly toPerson: readonly Said[] | undefined
  readonly toOperators: readonly Said[]
  /** The head of the operators' report of the app that did not want to hear of it. */
  readonly ofUnwanted: Page
  readonly now: number
}

export interface Observed extends AsyncDisposable {
  readonly stage: Stage
  readonly sessions: ReadonlyMap<string, AppSession>
  /** The page at which the browser arrived, before it had loaded anything. */
  readonly arrived: Page | undefined
  readonly frames: readonly FrameOnPage[]
  /** Where the page leads when it is done. */
  readonly ledTo: string | undefined
  readonly first: Look
  readonly last: Look
  readonly restarted: ReadonlyMap<string, LogoutReport>
}

/** Five attempts, which is when a no counts, lie within 10 s of each other. */
const roundsOfRefusing = 4
const roundMs = 10_000

/** Brings the cause about and looks. */
export async function observe(cause: Cause): Promise<Observed> {
  const act: Act = acts[cause]
  const stage = await openStage(cause, act.settings)
  const arrived =
    act.through === 'browser' ? await act.does(stage) : await act.does(stage).then(() => undefined)
  const sessions = new Map<string, AppSession>()
  for (const { id } of stage.apps.all) sessions.set(id, await stage.appSession(id))

  // Read after the act: it may have restarted the gateway.
  const { clock } = stage.world
  const frames = arrived === undefined ? [] : framesOn(arrived)
  await Promise.all([
    stage.world.gateway.dispatcher.runDue(),
    ...(arrived === undefined ? [] : [loadFrames(stage, arrived, frames)]),
  ])
  const first = await look(stage, sessions, arrived)

  stage.apps.wakeUp()
  for (let round = 0; round < roundsOfRefusing; round++) {
    clock.advance({ ms: roundMs })
    await stage.world.gateway.dispatcher.runDue()
  }
  clock.advance({ minutes: 10 })
  await stage.world.gateway.sweeper.runOnce()
  await stage.world.gateway.dispatcher.runDue()
  const last = await look(stage, sessions, arrived)
  const ledTo =
    arrived === undefined
      ? undefined
      : (await stage.browser.get(`${arrived.url}/on`, { follow: false })).location

  await stage.restart()
  const restarted = await reportsOf(stage, sessions)
  return {
    stage,
    sessions,
    arrived,
    frames,
    ledTo,
    first,
    last,
    restarted,
    [Symbol.asyncDispose]: () => stage[Symbol.asyncDispose](),
  }
}

/**
 * What a browser does with the page: it loads each frame, and calls a page loaded that an app refused or that never came. One that
 * hangs it still loads when the person closes the tab.
 */
async function loadFrames({ apps, browser }: Stage, page: Page, frames: readonly FrameOnPage[]) {
  await Promise.all(
    frames.map(async ({ deliveryId, address }) => {
      const app = apps.all.find(({ url }) => address.startsWith(`${url}/`))
      if (app === undefined) throw new Error(`nobody is at ${address}`)
      if (app.id.endsWith('slow')) return closeWhileLoading(app, address)
      const answer = await fetch(address).catch(() => undefined)
      await answer?.arrayBuffer()
      const said = await postJson(browser, page, `${new URL(page.url).pathname}/loaded`, {
        loaded: [deliveryId],
      })
      expect(said.status).toBe(204)
    }),
  )
}

async function closeWhileLoading(app: MatrixApp, address: string): Promise<void> {
  const tab = new AbortController()
  const loading = fetch(address, { signal: tab.signal })
  await vi.waitFor(() => expect(app.framed()).toHaveLength(1), { timeout: 10_000 })
  tab.abort()
  await expect(loading).rejects.toThrow()
}

async function look(
  stage: Stage,
  sessions: ReadonlyMap<string, AppSession>,
  arrived: Page | undefined,
): Promise<Look> {
  const { issuer, clock } = stage.world
  const reports = await reportsOf(stage, sessions)
  const operators = await stage.operatorsBrowser()
  const toOperators: Said[] = []
  let ofUnwanted: Page | undefined
  for (const id of new Set([...reports.values()].map((report) => report.id))) {
    const { first, said } = await saidToOperators(operators, issuer, id)
    toOperators.push(...said)
    if (reports.get(unwantedId)?.id === id) ofUnwanted = first
  }
  if (ofUnwanted === undefined) throw new Error('every end has a report')
  const page = arrived === undefined ? undefined : await stage.browser.get(arrived.url)
  return {
    reports,
    toPerson: page === undefined ? undefined : saidToPerson(page),
    toOperators,
    ofUnwanted,
    now: clock.now(),
  }
}

async function reportsOf(
  { world }: Stage,
  sessions: ReadonlyMap<string, AppSession>,
): Promise<ReadonlyMap<string, LogoutReport>> {
  const byLogout = new Map<LogoutId, LogoutReport>()
  const reports = new Map<string, LogoutReport>()
  for (const [appId, { ended }] of sessions) {
    if (ended === undefined) throw new Error(`the session at ${appId} lives`)
    const report = byLogout.get(ended.logoutId) ?? (await world.gateway.reports.find(ended.logoutId))
    if (report === undefined) throw new Error(`${appId}: no report`)
    byLogout.set(report.id, report)
    reports.set(appId, report)
  }
  return reports
}
