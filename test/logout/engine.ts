/**
 * The logout engine over a real database, with apps that are real servers: everything between `endSession` and what an app received,
 * without the protocol that `oidc/` puts on top.
 */
import { HttpEgress } from '#adapters/egress-http.ts'
import { SqlChanges } from '#adapters/sql/changes.ts'
import type { SqlDatabase } from '#adapters/sql/open.ts'
import { createStores } from '#adapters/sql/stores.ts'
import { createAuditTrail } from '#gateway/audit/trail.ts'
import { dayMs, hourMs } from '#gateway/kernel/clock.ts'
import { type AccountId, type AppId, type LogoutId, newId, type SsoSessionId } from '#gateway/kernel/ids.ts'
import type { Log } from '#gateway/kernel/log.ts'
import type { AppDirectory, ToldApp } from '#gateway/logout/app-directory.ts'
import type { Way } from '#gateway/logout/delivery.ts'
import { Dispatcher, type DispatcherLimits } from '#gateway/logout/dispatcher.ts'
import { createBeginEnding, createEndSession, type EndSessionDeps } from '#gateway/logout/end-session.ts'
import { EndingJobs } from '#gateway/logout/ending-jobs.ts'
import { createHealthReports } from '#gateway/logout/health-report.ts'
import { createJourneys } from '#gateway/logout/journey.ts'
import type { Messenger } from '#gateway/logout/messenger.ts'
import { openKnownEndings } from '#gateway/logout/open-endings.ts'
import { createPacer } from '#gateway/logout/pace.ts'
import { createLogoutReports } from '#gateway/logout/report.ts'
import type { LogoutStore } from '#gateway/logout/store.ts'
import { Sweeper } from '#gateway/logout/sweeper.ts'
import { createCoveredArtifacts } from '#gateway/oidc/covered-artifacts.ts'
import type { AppSession } from '#gateway/sessions/app-session.ts'
import { oneFactor } from '#gateway/sessions/assurance.ts'
import { createCoveredSessionStore } from '#gateway/sessions/covered.ts'
import type { EndSession } from '#gateway/sessions/ending.ts'
import { appEndsAt, endsAt, type LifetimePolicy } from '#gateway/sessions/lifetime.ts'
import type { SsoSession } from '#gateway/sessions/sso-session.ts'
import { openTestDatabase } from '#test/support/database.ts'
import { createManualClock, type ManualClock } from '#test/support/manual-clock.ts'
import { createSeededRandom } from '#test/support/seeded-random.ts'
import { silentLog } from '#test/support/silent-log.ts'

export type TestApp = Partial<ToldApp> & { readonly url?: string; readonly ways?: readonly Way[] }

export const policy: LifetimePolicy = {
  idleMs: 8 * hourMs,
  absoluteMs: 24 * hourMs,
  rememberedAbsoluteMs: 30 * dayMs,
}
export const limits: DispatcherLimits = { timeoutMs: 2_000, perApp: 4, atOnce: 64 }
export const retryForMs = 72 * hourMs
export const keepHistoryMs = 90 * dayMs

export interface NodeOptions {
  readonly limits?: Partial<DispatcherLimits>
  readonly heartbeatMs?: number
  readonly messenger?: Partial<Messenger>
  /** Stands in front of the real store, to fail on command. */
  readonly logouts?: (real: LogoutStore) => LogoutStore
  readonly log?: Log
  /** The database as this process opened it; by default the engine's own. */
  readonly database?: SqlDatabase
}

export type Engine = Awaited<ReturnType<typeof openEngine>>

/** A database, a clock, a way out and apps, over which any number of gateway processes ("nodes") may run. */
export async function openEngine(
  options: { readonly seed?: number; readonly apps?: Readonly<Record<string, TestApp>> } = {},
) {
  const database = await openTestDatabase(options.seed === undefined ? {} : { seed: options.seed })
  const clock = createManualClock()
  const random = createSeededRandom('engine')
  const stores = createStores(database, 'default')
  const egress = new HttpEgress({ allow: [], allowLoopback: true })
  const apps = new Map<string, TestApp>(Object.entries(options.apps ?? {}))
  const directory: AppDirectory = {
    find: (id) => {
      const app = apps.get(id)
      return app === undefined
        ? undefined
        : { name: `The ${id}`, sessions: {}, logout: { causes: 'all' }, ...app }
    },
  }
  const messenger: Messenger = {
    waysOf: ({ appId }) => {
      const app = apps.get(appId)
      return app?.ways ?? (app?.url === undefined ? [] : ['back-channel'])
    },
    send: async ({ appId, sid }, timeoutMs) => {
      const url = apps.get(appId)?.url
      if (url === undefined) return { kind: 'no-channel' }
      const outcome = await egress.send({
        method: 'POST',
        url,
        headers: {},
        body: sid,
        timeoutMs,
        maxBytes: 1_000,
        poolKey: appId,
      })
      if (outcome.kind === 'unreachable') return outcome
      const retryAfter = outcome.headers['retry-after']
      return { ...outcome, ...(retryAfter === undefined ? {} : { retryAfterMs: Number(retryAfter) * 1_000 }) }
    },
  }
  const nodes: AsyncDisposable[] = []

  /** One more gateway process on the same database. */
  const openNode = async (node: NodeOptions = {}) => {
    const own = node.database ?? database
    const ownStores = node.database === undefined ? stores : createStores(own, 'default')
    const logouts = node.logouts?.(ownStores.logouts) ?? ownStores.logouts
    const audit = createAuditTrail({ store: ownStores.audit, clock })
    const changes = await SqlChanges.open(own, silentLog)
    changes.start()
    const log = node.log ?? silentLog
    const { health } = ownStores
    const common = { audit, changes, clock, random, log, logouts, health, transaction: own.transaction }
    const dispatcher = new Dispatcher({
      ...common,
      messenger: { ...messenger, ...node.messenger },
      apps: directory,
      limits: { ...limits, ...node.limits },
      ...(node.heartbeatMs === undefined ? {} : { heartbeatMs: node.heartbeatMs }),
    })
    const endings = await openKnownEndings({ jobs: ownStores.endJobs, changes, log })
    const journeys = createJourneys({
      ...common,
      journeys: ownStores.journeys,
      browserMessenger: { frameOf: ({ appId, sid }) => `https://${appId}.test/logout?sid=${sid}` },
    })
    const doorDeps = {
      ...common,
      jobs: ownStores.endJobs,
      endings,
      pacer: createPacer(20),
      sessions: ownStores.sessions,
      tokens: ownStores.artifacts,
      journeys: ownStores.journeys,
      apps: directory,
      messenger: { ...messenger, ...node.messenger },
      retryForMs,
      wake: () => dispatcher.wake(),
    } satisfies EndSessionDeps
    const endSession = createEndSession(doorDeps)
    const beginEnding = createBeginEnding(doorDeps)
    const endingJobs = new EndingJobs({ ...doorDeps, endings })
    const sweeper = new Sweeper({
      ...common,
      sessions: ownStores.sessions,
      webhooks: ownStores.webhooks,
      tokens: ownStores.artifacts,
      journeyStore: ownStores.journeys,
      journeys,
      endSession,
      apps: {
        ...directory,
        list: () => [...apps].map(([id, app]) => ({ id: id as AppId, sessions: app.sessions ?? {} })),
      },
      policy,
      keepHistoryMs,
    })
    const opened = {
      dispatcher,
      endSession,
      beginEnding,
      endings,
      endingJobs,
      /** Sessions and tokens as this process reads them. */
      sessions: createCoveredSessionStore(ownStores.sessions, endings),
      artifacts: createCoveredArtifacts(ownStores.artifacts, ownStores.sessions, endings),
      changes,
      doorDeps,
      sweeper,
      journeys,
      stop: async () => {
        await sweeper[Symbol.asyncDispose]()
        await endingJobs[Symbol.asyncDispose]()
        endings[Symbol.dispose]()
        await dispatcher[Symbol.asyncDispose]()
        changes[Symbol.dispose]()
      },
    }
    nodes.push({ [Symbol.asyncDispose]: opened.stop })
    return opened
  }

  let signedIn = 0
  /** A session of `account` that has joined these apps. */
  const signIn = async (
    account: string,
    joins: readonly string[],
    more: Partial<SsoSession> = {},
  ): Promise<{ readonly session: SsoSession; readonly appSessions: readonly AppSession[] }> => {
    const now = clock.now()
    const accountId = account as AccountId
    const session: SsoSession = {
      id: newId('ssoSession', random),
      accountId,
      startedAt: now,
      authenticatedAt: now,
      lastSeenAt: now,
      remembered: false,
      acr: oneFactor,
      amr: ['pwd'],
      credentialIds: [],
      address: '127.0.0.1',
      userAgent: 'test',
      ...more,
    }
    await stores.sessions.insert(session, `secret-${signedIn++}`, endsAt(session, policy))
    const appSessions: AppSession[] = []
    for (const app of joins) appSessions.push(await join(session, app))
    return { session, appSessions }
  }
  const join = async (session: SsoSession, app: string): Promise<AppSession> => {
    const id = newId('appSession', random)
    const { id: ssoSessionId, accountId } = session
    const now = clock.now()
    const wanted: AppSession = {
      id,
      ssoSessionId,
      accountId,
      appId: app as AppId,
      sid: `sid-${id}`,
      startedAt: now,
      lastSeenAt: now,
    }
    const joined = await stores.sessions.join(
      wanted,
      appEndsAt(wanted, directory.find(wanted.appId)?.sessions ?? {}),
    )
    if (joined === undefined) throw new Error('the session had ended')
    return joined
  }

  return {
    database,
    clock,
    random,
    stores,
    apps,
    messenger,
    directory,
    reports: createLogoutReports({
      logouts: stores.logouts,
      jobs: stores.endJobs,
      health: stores.health,
      apps: directory,
    }),
    health: createHealthReports({ health: stores.health, apps: directory }),
    openNode,
    signIn,
    join,
    isActive: async (id: SsoSessionId) => (await stores.sessions.find(id))?.ended === undefined,
    [Symbol.asyncDispose]: async () => {
      for (const node of nodes) await node[Symbol.asyncDispose]()
      await egress[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
      clock[Symbol.dispose]()
    },
  }
}

/** Runs the dispatcher and moves the clock from one due instant to the next until nothing is pending. Returns the attempts made. */
export async function tellUntilSettled(
  engine: { readonly stores: { readonly logouts: LogoutStore }; readonly clock: ManualClock },
  dispatcher: Dispatcher,
): Promise<number> {
  let attempts = 0
  for (;;) {
    attempts += await dispatcher.runDue()
    const next = await engine.stores.logouts.nextDueAfter(engine.clock.now())
    if (next === undefined) return attempts
    engine.clock.advance({ ms: next - engine.clock.now() })
  }
}

/** Signs ada in to these apps and out again. */
export async function signOut(
  engine: Pick<Engine, 'signIn'>,
  endSession: EndSession,
  apps: readonly string[],
): Promise<LogoutId> {
  const { session } = await engine.signIn('ada', apps)
  const { logoutId } = await endSession({ kind: 'sso-sessions', ids: [session.id] }, 'account', {
    kind: 'account',
    accountId: 'ada' as AccountId,
  })
  if (logoutId === undefined) throw new Error('nothing was ended')
  return logoutId
}

/** Resolves once `holds` is true; asked again with each turn of the event loop, so it needs no time of its own. */
export async function eventually(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await new Promise<void>((next) => setImmediate(next))
}
