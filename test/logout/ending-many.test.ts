import { describe, expect, test } from 'vitest'
import { openSqlite } from '#adapters/sql/open.ts'
import { createStores } from '#adapters/sql/stores.ts'
import { hourMs } from '#gateway/kernel/clock.ts'
import type { AccountId, AppId, LogoutId, SsoSessionId } from '#gateway/kernel/ids.ts'
import { countSessions } from '#gateway/sessions/counts.ts'
import type { SessionWhere } from '#gateway/sessions/ending.ts'
import type { SsoSession } from '#gateway/sessions/sso-session.ts'
import { type Engine, openEngine } from './engine.ts'

const ada = 'ada' as AccountId
const byShell = { kind: 'command-line' } as const
const reachable = { url: 'http://127.0.0.1:9/logout' }
const everyone: SessionWhere = {}

type Node = Awaited<ReturnType<Engine['openNode']>>

/** So many sessions, each of a person of its own, which have opened these apps. Some time passes afterwards. */
async function signInMany(
  engine: Engine,
  count: number,
  apps: readonly string[] = ['wiki'],
  of: (at: number) => Partial<SsoSession> = () => ({}),
): Promise<readonly SsoSessionId[]> {
  const ids: SsoSessionId[] = []
  for (let at = 0; at < count; at++) ids.push((await engine.signIn(`person-${at}`, apps, of(at))).session.id)
  engine.clock.advance({ ms: 1 })
  return ids
}

async function beginEnding(node: Node, where: SessionWhere = everyone): Promise<LogoutId> {
  const counts = await countSessions(node.doorDeps.sessions, where, node.doorDeps.clock.now())
  return node.beginEnding(where, counts, 'bulk', byShell)
}

describe.for([
  ['SQLite', undefined],
  ['SQLite that awaits at random', 51],
] as const)('ending everyone at once (%s)', ([, seed]) => {
  const open = () =>
    openEngine({ apps: { wiki: reachable, mail: reachable }, ...(seed === undefined ? {} : { seed }) })

  test('has ended every session when it answers, although none is marked', async () => {
    await using engine = await open()
    const node = await engine.openNode()
    const ids = await signInMany(engine, 3, ['wiki', 'mail'])
    const now = engine.clock.now()

    const logoutId = await beginEnding(node)

    const ended = { at: now, cause: 'bulk', actor: byShell, logoutId }
    for (const [at, id] of ids.entries()) {
      expect((await engine.stores.sessions.find(id))?.ended).toBeUndefined()
      expect((await node.sessions.find(id))?.ended).toEqual(ended)
      expect((await node.sessions.findBySecret(`secret-${at}`))?.session.ended).toEqual(ended)
      expect(await node.sessions.appSessionsOf([id], 'active')).toEqual([])
      const apps = await node.sessions.appSessionsOf([id], 'any')
      expect(apps.map((app) => app.ended)).toEqual([ended, ended])
      for (const app of apps) {
        expect((await node.sessions.findAppSession(app.id))?.ended).toEqual(ended)
        expect((await node.sessions.findAppSessionBySid(app.appId, app.sid))?.ended).toEqual(ended)
      }
      const accountId = `person-${at}` as AccountId
      expect(await node.sessions.listByAccount(accountId, { state: 'active', limit: 9 })).toEqual([])
      expect(await node.sessions.leastRecentlyUsed(accountId, 9)).toEqual([])
    }
    expect(await node.sessions.list({ state: 'active', limit: 9 })).toEqual([])
    expect((await node.sessions.list({ limit: 9 })).map((session) => session.ended)).toEqual([
      ended,
      ended,
      ended,
    ])
    expect((await node.sessions.page({ state: 'active', limit: 9 })).items).toEqual([])
    expect((await node.sessions.countAppSessions(ids)).get(ids[0] as SsoSessionId)).toEqual({
      all: 2,
      active: 0,
    })
  })

  test('refuses whoever joins, changes its secret, is strengthened or stores a token', async () => {
    await using engine = await open()
    const node = await engine.openNode()
    const { session, appSessions } = await engine.signIn('ada', ['wiki'])
    const [wiki] = appSessions
    if (wiki === undefined) throw new Error('no AppSession')
    const token = {
      kind: 'RefreshToken',
      id: 'token',
      grantId: 'grant',
      appSessionId: wiki.id,
      payload: {},
      expiresAt: engine.clock.now() + hourMs,
    } as const
    expect(await node.artifacts.insert(token)).toBe(true)
    engine.clock.advance({ ms: 1 })

    await beginEnding(node)

    const now = engine.clock.now()
    const wanted = {
      ...wiki,
      id: 'aps_new' as typeof wiki.id,
      appId: 'mail' as AppId,
      sid: 'new',
      startedAt: now,
    }
    expect(await node.sessions.join(wanted, undefined)).toBeUndefined()
    expect(
      await node.sessions.changeSecret(session.id, { hash: 'new', issuedAt: now, kind: 'replaced' }),
    ).toBe(false)
    expect(await node.sessions.strengthen(session.id, session)).toBe(false)
    expect((await node.artifacts.find('RefreshToken', 'token'))?.ended).toBe(true)
    expect(await node.artifacts.insert({ ...token, id: 'late' })).toBe(false)
    expect(await node.artifacts.beginOffline({ ...token, at: now })).toBe(false)
  })

  test('does not end a session that begins after that instant, by the job or by its batches', async () => {
    await using engine = await open()
    const node = await engine.openNode()
    const ids = await signInMany(engine, 2)
    await beginEnding(node)
    engine.clock.advance({ ms: 1 })
    const late = await engine.signIn('ada', ['wiki'])

    expect((await node.sessions.find(late.session.id))?.ended).toBeUndefined()
    await node.endingJobs.runAll()

    expect(await engine.isActive(late.session.id)).toBe(true)
    expect(await engine.stores.sessions.appSessionsOf([late.session.id], 'active')).toHaveLength(1)
    for (const id of ids) expect(await engine.isActive(id)).toBe(false)
  })

  test('tells an app that joined between that instant and the batch, in a process that had not heard of it', async () => {
    await using engine = await open()
    const node = await engine.openNode()
    const [id] = await signInMany(engine, 1, [])
    const logoutId = await beginEnding(node)
    const session = id === undefined ? undefined : await engine.stores.sessions.find(id)
    if (session === undefined) throw new Error('no session')
    engine.clock.advance({ ms: 1 })
    const joined = await engine.join(session, 'wiki')

    await node.endingJobs.runAll()

    expect((await engine.stores.sessions.findAppSession(joined.id))?.ended?.logoutId).toBe(logoutId)
    expect(await engine.stores.logouts.deliveriesOf([logoutId])).toMatchObject([{ sid: joined.sid }])
  })

  test('is worked off by two processes together: each session once, one Logout, every app owed the news once', async () => {
    await using engine = await open()
    const nodes = [await engine.openNode(), await engine.openNode()] as const
    const ids = await signInMany(engine, 250, ['wiki', 'mail'])
    const logoutId = await beginEnding(nodes[0])

    await Promise.all(nodes.map(({ endingJobs }) => endingJobs.runAll()))

    expect(await engine.stores.sessions.countActive(1)).toBe(0)
    expect(await engine.stores.endJobs.open()).toEqual([])
    expect(await engine.stores.logouts.find(logoutId)).toMatchObject({ ssoSessions: 250, appSessions: 500 })
    const owed = await engine.stores.logouts.deliveriesOf([logoutId])
    expect(new Set(owed.map(({ sid }) => sid)).size).toBe(500)
    expect(owed).toHaveLength(500)
    expect(await engine.stores.endJobs.of([logoutId])).toMatchObject([{ found: 250, ended: 250 }])
    const events = await engine.stores.audit.list({ limit: 1_000, types: ['session.ended'] })
    expect(events).toHaveLength(ids.length)
  })
})

describe('ending many sessions', () => {
  test('asks the store nothing more at a read while no ending is open, nor for what began after one', async () => {
    let asked = 0
    await using engine = await openEngine({ apps: { wiki: reachable } })
    const node = await engine.openNode()
    const covered = engine.stores.sessions.covered
    const { createCoveredSessionStore } = await import('#gateway/sessions/covered.ts')
    const counting = {
      ...engine.stores.sessions,
      covered: (...of: Parameters<typeof covered>) => {
        asked++
        return covered(...of)
      },
    }
    const sessions = createCoveredSessionStore(counting, node.endings)
    const { session } = await engine.signIn('ada', ['wiki'])
    await sessions.find(session.id)
    await sessions.findBySecret('secret-0')
    expect(asked).toBe(0)

    await beginEnding(node, { account: 'grace' as AccountId })
    await sessions.find(session.id)
    expect(asked).toBe(1)
    engine.clock.advance({ ms: 1 })
    const late = await engine.signIn('bob', [])
    await sessions.find(late.session.id)
    expect(asked).toBe(1)
  })

  test('is heard of by another process, which finds them ended as well', async () => {
    await using engine = await openEngine({ apps: { wiki: reachable } })
    const node = await engine.openNode()
    const database = await openSqlite({ file: engine.database.file })
    const other = await engine.openNode({ database })
    const [id] = await signInMany(engine, 1)
    if (id === undefined) throw new Error('no session')
    const heard = new Promise<void>((resolve) => {
      other.endings.onChange(resolve)
    })
    await beginEnding(node)
    await heard
    expect((await other.sessions.find(id))?.ended?.cause).toBe('bulk')
    await other.stop()
    await database.close()
  })

  test('goes on after a crash between its commit and its batches, in the process that comes next', async () => {
    await using engine = await openEngine({ apps: { wiki: reachable } })
    const ids = await signInMany(engine, 120)
    const first = await engine.openNode()
    const logoutId = await beginEnding(first)
    expect(await first.endingJobs.runOnce()).toBe(10)
    await first.stop()

    // What the process that died had open is gone; the rows are there.
    const database = await openSqlite({ file: engine.database.file })
    const second = await engine.openNode({ database })
    for (const id of ids) expect((await second.sessions.find(id))?.ended?.logoutId).toBe(logoutId)
    const finished = new Promise<void>((resolve) => {
      second.endings.onChange(() => {
        if (second.endings.open.length === 0) resolve()
      })
    })
    second.endingJobs.start()
    await finished
    await second.stop()
    expect(await createStores(database, 'default').sessions.countActive(1)).toBe(0)
    await database.close()
  })

  test('writes down what was asked for and how many it found, before any session has its own line', async () => {
    await using engine = await openEngine({ apps: { wiki: reachable, mail: reachable } })
    const node = await engine.openNode()
    await signInMany(engine, 3, ['wiki', 'mail'])
    const where: SessionWhere = { network: '127.0.0.0/8' }
    const logoutId = await beginEnding(node, where)

    const [line, ...others] = await engine.stores.audit.list({ limit: 10 })
    expect(others).toEqual([])
    expect(line?.type).toBe('sessions.ending')
    expect(JSON.parse(line?.detail ?? '')).toEqual({
      logoutId,
      cause: 'bulk',
      selector: { kind: 'where', where },
      sessions: 3,
      appSessions: 6,
      accounts: 3,
      apps: 2,
    })
  })

  test('shows how far it has come, and counts what its apps are owed where there is too much to list', async () => {
    await using engine = await openEngine({ apps: { wiki: reachable, mail: {} } })
    const node = await engine.openNode()
    await signInMany(engine, 150, ['wiki', 'mail'])
    const logoutId = await beginEnding(node)
    expect(await engine.reports.find(logoutId)).toMatchObject({
      progress: { sessions: 150, ended: 0 },
      ssoSessions: 0,
      deliveries: [],
    })

    await node.endingJobs.runOnce()
    expect(await engine.reports.find(logoutId)).toMatchObject({ progress: { sessions: 150, ended: 10 } })
    expect((await engine.reports.find(logoutId))?.settledAt).toBeUndefined()

    await node.endingJobs.runAll()
    const report = await engine.reports.find(logoutId)
    expect(report).toMatchObject({
      progress: { sessions: 150, ended: 150, finishedAt: engine.clock.now() },
      notWanted: 0,
      summary: [
        { appId: 'mail', appName: 'The mail', state: 'cannot-be-told', count: 150 },
        { appId: 'wiki', appName: 'The wiki', state: 'waiting', count: 150 },
      ],
    })
    expect(report?.deliveries).toHaveLength(200)
    const [listed] = await engine.reports.list({ limit: 1 })
    expect(listed).toMatchObject({ summary: report?.summary, deliveries: [], progress: report?.progress })
  })

  test('is settled when nothing is left to end and nobody is left to tell', async () => {
    await using engine = await openEngine({ apps: { wiki: {} } })
    const node = await engine.openNode()
    await signInMany(engine, 150)
    const logoutId = await beginEnding(node)
    await node.endingJobs.runOnce()
    expect((await engine.stores.logouts.find(logoutId))?.settledAt).toBeUndefined()
    await node.endingJobs.runAll()
    expect((await engine.stores.logouts.find(logoutId))?.settledAt).toBe(engine.clock.now())
  })

  test('that conditions find among many others marks those and no others, however they lie', async () => {
    await using engine = await openEngine({ apps: { wiki: reachable } })
    const node = await engine.openNode()
    const ids = await signInMany(engine, 400, [], (at) => ({
      startedAt: engine.clock.now() - Math.floor(at / 50),
      address: at % 2 === 0 ? '192.0.2.1' : '198.51.100.1',
    }))
    await beginEnding(node, { network: '192.0.2.0/24' })
    await node.endingJobs.runAll()
    for (const [at, id] of ids.entries()) expect(await engine.isActive(id)).toBe(at % 2 === 1)
  })

  test('of one account ends the first 200 in the command and covers the rest from its commit', async () => {
    await using engine = await openEngine({ apps: { wiki: reachable } })
    const node = await engine.openNode()
    for (let session = 0; session < 250; session++) await engine.signIn('ada', ['wiki'])
    engine.clock.advance({ ms: 1 })
    const command = (fails: boolean) =>
      engine.database.transaction.run(
        async () => {
          const ended = await node.endSession(
            { kind: 'account', accountId: ada },
            'account-disabled',
            byShell,
          )
          if (fails) throw new Error('the command failed later')
          return ended
        },
        { durable: true },
      )

    await expect(command(true)).rejects.toThrow('the command failed later')
    expect(node.endings.open).toEqual([])
    expect(await engine.stores.endJobs.open()).toEqual([])
    expect(await node.sessions.listByAccount(ada, { state: 'active', limit: 200 })).toHaveLength(200)

    const ended = await command(false)
    expect(ended.ssoSessionIds).toHaveLength(200)
    expect(ended.continues).toBe(true)
    expect(await engine.stores.sessions.countActive(1_000)).toBe(50)
    expect(await node.sessions.listByAccount(ada, { state: 'active', limit: 200 })).toEqual([])
    // A new session of the same person is a new one.
    engine.clock.advance({ ms: 1 })
    const late = await engine.signIn('ada', [])
    await node.endingJobs.runAll()
    expect(await engine.stores.sessions.list({ state: 'active', limit: 9 })).toMatchObject([
      { id: late.session.id },
    ])
  })

  test('of exactly 200 leaves no job behind', async () => {
    await using engine = await openEngine({ apps: { wiki: reachable } })
    const node = await engine.openNode()
    for (let session = 0; session < 200; session++) await engine.signIn('ada', [])
    const ended = await node.endSession({ kind: 'account', accountId: ada }, 'admin', byShell)
    expect(ended).not.toHaveProperty('continues')
    expect(await engine.stores.endJobs.open()).toEqual([])
  })

  test('of one app ends its part and nothing else, and who opens it again has a new AppSession', async () => {
    await using engine = await openEngine({ apps: { wiki: reachable, mail: reachable } })
    const node = await engine.openNode()
    const ids = await signInMany(engine, 250, ['wiki', 'mail'])
    const ended = await node.endSession({ kind: 'app', appId: 'wiki' as AppId }, 'admin', byShell)

    expect(ended).toMatchObject({ ssoSessionIds: [], continues: true })
    for (const id of ids) {
      expect((await node.sessions.find(id))?.ended).toBeUndefined()
      expect(await node.sessions.appSessionsOf([id], 'active')).toMatchObject([{ appId: 'mail' }])
    }
    await node.endingJobs.runAll()
    for (const id of ids) {
      expect(await engine.isActive(id)).toBe(true)
      expect(await engine.stores.sessions.appSessionsOf([id], 'active')).toMatchObject([{ appId: 'mail' }])
    }
    expect(await engine.reports.list({ limit: 9 })).toMatchObject([
      { ssoSessions: 0, appSessions: 250, progress: { sessions: 250, ended: 250 } },
    ])
  })
})

describe('access that outlives sessions', () => {
  test('is revoked with everyone, of sessions that ended before too, and reads as dead from the instant', async () => {
    await using engine = await openEngine({ apps: { wiki: reachable } })
    const node = await engine.openNode()
    const offline = async (name: string) => {
      const { session, appSessions } = await engine.signIn(name, ['wiki'])
      const [appSession] = appSessions
      if (appSession === undefined) throw new Error('no AppSession')
      const at = engine.clock.now()
      const of = { grantId: `grant-${name}`, appSessionId: appSession.id, expiresAt: at + hourMs }
      await node.artifacts.insert({ kind: 'RefreshToken', id: name, payload: {}, ...of })
      await node.artifacts.beginOffline({ ...of, at })
      return session
    }
    const left = await offline('ada')
    await node.endSession({ kind: 'sso-sessions', ids: [left.id] }, 'account', byShell)
    await offline('bob')
    expect(await node.artifacts.find('RefreshToken', 'ada')).toMatchObject({ ended: true, offline: {} })
    engine.clock.advance({ ms: 1 })
    await beginEnding(node)
    for (const name of ['ada', 'bob']) {
      const found = await node.artifacts.find('RefreshToken', name)
      expect(found).toMatchObject({ ended: true })
      expect(found).not.toHaveProperty('offline')
    }
    engine.clock.advance({ ms: 1 })
    await offline('grace')

    await node.endingJobs.runAll()

    for (const name of ['ada', 'bob'])
      expect(await engine.stores.artifacts.find('RefreshToken', name)).toBeUndefined()
    expect(await engine.stores.artifacts.find('RefreshToken', 'grace')).toMatchObject({ offline: {} })
  })
})
