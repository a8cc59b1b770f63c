/**
 * Sessions as everybody reads them: those that an open ending covers have ended, although no batch has marked them yet (DECISIONS 23).
 *
 * Owns: that no reader and no writer finds such a session alive. Relies on: SessionSelection for what an ending covers, so that there is
 * one definition. Never: asks the store anything while no ending is open, and never marks; that is the door's work. The door, its
 * batches and the sweeper work on the records as they are.
 */
import type { AppSessionId, SsoSessionId } from '../kernel/ids.ts'
import type { AppSession } from './app-session.ts'
import type { OpenEnding } from './ending.ts'
import type { Ending, SsoSession } from './sso-session.ts'
import type { SessionStore } from './store.ts'

/** The endings that are not settled, from memory. */
export interface OpenEndings {
  readonly open: readonly OpenEnding[]
}

/** Asks which endings cover what. Take it before reading a record, so that an ending which is settled meanwhile is not missed. */
export interface Coverage {
  of(session: Pick<SsoSession, 'id' | 'startedAt'>): Promise<Ending | undefined>
  /** `ssoStartedAt`: when its SsoSession began, if that is known; what began since costs no question then. */
  ofApp(session: Pick<AppSession, 'id'>, ssoStartedAt?: number): Promise<Ending | undefined>
  ofAll(ids: readonly SsoSessionId[]): Promise<ReadonlyMap<SsoSessionId, Ending>>
  ofAllApps(ids: readonly AppSessionId[]): Promise<ReadonlyMap<AppSessionId, Ending>>
}

/** What covers a session at this instant; undefined while no ending is open. */
export function coverageNow(
  store: Pick<SessionStore, 'covered' | 'coveredApps'>,
  endings: OpenEndings,
): Coverage | undefined {
  const { open } = endings
  if (open.length === 0) return undefined
  const ofAll: Coverage['ofAll'] = async (ids) => {
    const found = new Map<SsoSessionId, Ending>()
    for (const ending of open) {
      for (const id of await store.covered(ending, ids)) if (!found.has(id)) found.set(id, toEnding(ending))
    }
    return found
  }
  const ofAllApps: Coverage['ofAllApps'] = async (ids) => {
    const found = new Map<AppSessionId, Ending>()
    for (const ending of open) {
      for (const id of await store.coveredApps(ending, ids))
        if (!found.has(id)) found.set(id, toEnding(ending))
    }
    return found
  }
  return {
    ofAll,
    ofAllApps,
    of: async ({ id, startedAt }) =>
      open.some(({ epochAt }) => startedAt <= epochAt) ? (await ofAll([id])).get(id) : undefined,
    ofApp: async ({ id }, ssoStartedAt = 0) =>
      open.some(({ epochAt }) => ssoStartedAt <= epochAt) ? (await ofAllApps([id])).get(id) : undefined,
  }
}

function toEnding({ epochAt, cause, actor, logoutId }: OpenEnding): Ending {
  return { at: epochAt, cause, actor, logoutId }
}

/** The same store, in which what an open ending covers has ended. */
export function createCoveredSessionStore(store: SessionStore, endings: OpenEndings): SessionStore {
  const now = (): Coverage | undefined => coverageNow(store, endings)
  const isCovered = async (id: SsoSessionId): Promise<boolean> => {
    const coverage = now()
    return coverage !== undefined && (await coverage.ofAll([id])).has(id)
  }
  const seen = async <Session extends SsoSession | undefined>(
    coverage: Coverage | undefined,
    session: Session,
  ): Promise<Session> => {
    if (coverage === undefined || session === undefined || session.ended !== undefined) return session
    const ended = await coverage.of(session)
    return ended === undefined ? session : { ...session, ended }
  }
  const seenApps = async (
    coverage: Coverage | undefined,
    sessions: readonly AppSession[],
  ): Promise<readonly AppSession[]> => {
    if (coverage === undefined) return sessions
    const ended = await coverage.ofAllApps(
      sessions.filter((each) => each.ended === undefined).map(({ id }) => id),
    )
    return sessions.map((session) => withEnding(session, ended.get(session.id)))
  }
  const seenAll = async (
    coverage: Coverage | undefined,
    sessions: readonly SsoSession[],
  ): Promise<readonly SsoSession[]> => {
    if (coverage === undefined) return sessions
    const ended = await coverage.ofAll(
      sessions.filter((each) => each.ended === undefined).map(({ id }) => id),
    )
    return sessions.map((session) => withEnding(session, ended.get(session.id)))
  }
  const onlyActive = <Session extends { readonly ended?: Ending }>(sessions: readonly Session[]) =>
    sessions.filter(({ ended }) => ended === undefined)

  return {
    ...store,

    find: async (id) => {
      const coverage = now()
      return seen(coverage, await store.find(id))
    },
    findBySecret: async (hash) => {
      const coverage = now()
      const found = await store.findBySecret(hash)
      return found === undefined ? undefined : { ...found, session: await seen(coverage, found.session) }
    },
    listByAccount: async (accountId, filter) => {
      const coverage = now()
      const sessions = await seenAll(coverage, await store.listByAccount(accountId, filter))
      return filter.state === 'active' ? onlyActive(sessions) : sessions
    },
    list: async (filter) => {
      const coverage = now()
      const sessions = await seenAll(coverage, await store.list(filter))
      return filter.state === 'active' ? onlyActive(sessions) : sessions
    },
    page: async (filter) => {
      const coverage = now()
      const { items, ...rest } = await store.page(filter)
      const sessions = await seenAll(coverage, items)
      return { ...rest, items: filter.state === 'active' ? onlyActive(sessions) : sessions }
    },
    countAppSessions: async (ids) => {
      const coverage = now()
      const counts = await store.countAppSessions(ids)
      if (coverage === undefined) return counts
      const ended = await coverage.ofAll(ids)
      return new Map([...counts].map(([id, of]) => [id, ended.has(id) ? { ...of, active: 0 } : of]))
    },
    leastRecentlyUsed: async (accountId, limit) => {
      const coverage = now()
      return onlyActive(await seenAll(coverage, await store.leastRecentlyUsed(accountId, limit)))
    },

    changeSecret: async (id, next) => !(await isCovered(id)) && store.changeSecret(id, next),
    strengthen: async (id, proof) => !(await isCovered(id)) && store.strengthen(id, proof),

    // Under a covered SsoSession nobody joins. An AppSession that an app's ending covers alone is given back as ended: whoever joins
    // has it ended for good and joins anew.
    join: async (wanted, checkAt) => {
      const coverage = now()
      if (coverage !== undefined && (await isCovered(wanted.ssoSessionId))) return undefined
      const joined = await store.join(wanted, checkAt)
      if (coverage === undefined || joined === undefined || joined.id === wanted.id) return joined
      return (await seenApps(coverage, [joined]))[0]
    },
    findAppSession: async (id) => {
      const coverage = now()
      const session = await store.findAppSession(id)
      return session === undefined ? undefined : (await seenApps(coverage, [session]))[0]
    },
    findAppSessionBySid: async (appId, sid) => {
      const coverage = now()
      const session = await store.findAppSessionBySid(appId, sid)
      return session === undefined ? undefined : (await seenApps(coverage, [session]))[0]
    },
    appSessionsOf: async (ids, state) => {
      const coverage = now()
      const sessions = await seenApps(coverage, await store.appSessionsOf(ids, state))
      return state === 'active' ? onlyActive(sessions) : sessions
    },
  }
}

function withEnding<Session extends { readonly ended?: Ending }>(
  session: Session,
  ended: Ending | undefined,
): Session {
  return ended === undefined ? session : { ...session, ended }
}
