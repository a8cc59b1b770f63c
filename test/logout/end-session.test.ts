import { describe, expect, test } from 'vitest'
import type { AuditEventType } from '#gateway/audit/event.ts'
import { hourMs, minuteMs } from '#gateway/kernel/clock.ts'
import type { AccountId, AppId, LogoutId, SsoSessionId } from '#gateway/kernel/ids.ts'
import { createEndSession } from '#gateway/logout/end-session.ts'
import type { Actor } from '#gateway/sessions/cause.ts'
import type { SessionSelector } from '#gateway/sessions/ending.ts'
import { openReceiver } from '#test/support/receiver.ts'
import { type Engine, openEngine, signOut } from './engine.ts'

const ada = 'ada' as AccountId
const byAda: Actor = { kind: 'account', accountId: ada }
const reachable = { url: 'http://127.0.0.1:9/logout' }

async function auditTypes(engine: Engine): Promise<readonly AuditEventType[]> {
  return (await engine.stores.audit.list({ limit: 200 })).map(({ type }) => type).reverse()
}

describe('ending a session', () => {
  test('what is owed by one ending lies together in the order of ids, and apart from what another owes', async () => {
    await using engine = await openEngine({ apps: { wiki: reachable, mail: reachable } })
    const { endSession } = await engine.openNode()
    const idsOf = async (logoutId: LogoutId) =>
      (await engine.stores.logouts.deliveriesOf([logoutId])).map(({ id }) => id)

    const first = await idsOf(await signOut(engine, endSession, ['wiki', 'mail']))
    const second = await idsOf(await signOut(engine, endSession, ['wiki', 'mail']))

    // The number of its own is in the last six of 26 characters.
    const common = (id: string): string => id.slice(0, -6)
    expect(new Set([...first, ...second]).size).toBe(4)
    expect(new Set(first.map(common)).size).toBe(1)
    expect(new Set([...first, ...second].map(common)).size).toBe(2)
  })

  test('ends it and its AppSessions, owes each app the news, and writes it down', async () => {
    await using engine = await openEngine({ apps: { wiki: reachable, mail: reachable } })
    const { endSession } = await engine.openNode()
    const { session, appSessions } = await engine.signIn('ada', ['wiki', 'mail'])
    const now = engine.clock.now()

    const ended = await endSession({ kind: 'sso-sessions', ids: [session.id] }, 'account', byAda)

    expect(ended.ssoSessionIds).toEqual([session.id])
    expect([...ended.appSessionIds].sort()).toEqual(appSessions.map(({ id }) => id).sort())
    const logoutId = ended.logoutId
    if (logoutId === undefined) throw new Error('no Logout')
    expect((await engine.stores.sessions.find(session.id))?.ended).toEqual({
      at: now,
      cause: 'account',
      actor: byAda,
      logoutId,
    })
    expect(await engine.stores.logouts.find(logoutId)).toEqual({
      id: logoutId,
      cause: 'account',
      actor: byAda,
      accountId: ada,
      startedAt: now,
      ssoSessions: 1,
      appSessions: 2,
      notWanted: 0,
    })
    const owed = await engine.stores.logouts.deliveriesOf([logoutId])
    expect(owed.map(({ appId, sid, channel, attempts }) => ({ appId, sid, channel, attempts }))).toEqual(
      [...appSessions]
        .reverse()
        .map(({ appId, sid }) => ({ appId, sid, channel: 'back-channel', attempts: 0 })),
    )
    expect(owed[0]?.progress).toEqual({
      state: 'pending',
      dueAt: now,
      giveUpAt: now + 72 * hourMs,
      refusals: 0,
    })
    expect(await auditTypes(engine)).toEqual(['session.ended', 'app-session.ended', 'app-session.ended'])
  })

  test('of one app only leaves the SsoSession and the other apps alive', async () => {
    await using engine = await openEngine({ apps: { wiki: reachable, mail: reachable } })
    const { endSession } = await engine.openNode()
    const { session, appSessions } = await engine.signIn('ada', ['wiki', 'mail'])
    const [wiki, mail] = appSessions
    if (wiki === undefined || mail === undefined) throw new Error('no sessions')

    const ended = await endSession({ kind: 'app-sessions', ids: [wiki.id] }, 'app', {
      kind: 'app',
      appId: wiki.appId,
    })

    expect(ended).toMatchObject({ ssoSessionIds: [], appSessionIds: [wiki.id] })
    expect(await engine.isActive(session.id)).toBe(true)
    expect((await engine.stores.sessions.findAppSession(mail.id))?.ended).toBeUndefined()
    expect(await auditTypes(engine)).toEqual(['app-session.ended'])
  })

  test('that is not active writes nothing and names no Logout', async () => {
    await using engine = await openEngine({ apps: { wiki: reachable } })
    const { endSession } = await engine.openNode()
    const { session } = await engine.signIn('ada', ['wiki'])
    const selector: SessionSelector = { kind: 'sso-sessions', ids: [session.id] }
    await endSession(selector, 'account', byAda)

    expect(await endSession(selector, 'admin', { kind: 'command-line' })).toEqual({
      ssoSessionIds: [],
      appSessionIds: [],
    })
    expect(await endSession({ kind: 'sso-sessions', ids: [] }, 'admin', byAda)).toEqual({
      ssoSessionIds: [],
      appSessionIds: [],
    })
    expect(await endSession({ kind: 'account', accountId: 'grace' as AccountId }, 'admin', byAda)).toEqual({
      ssoSessionIds: [],
      appSessionIds: [],
    })
    expect(await engine.stores.logouts.list({ limit: 10 })).toHaveLength(1)
    expect((await engine.stores.sessions.find(session.id))?.ended?.cause).toBe('account')
  })

  test('invariant 6: never talks to an app, so one that hangs holds nobody', async () => {
    await using app = await openReceiver()
    app.behave('hang')
    await using engine = await openEngine({ apps: { wiki: { url: app.url } } })
    const { endSession } = await engine.openNode()
    const { session } = await engine.signIn('ada', ['wiki'])

    await endSession({ kind: 'sso-sessions', ids: [session.id] }, 'account', byAda)

    expect(await engine.isActive(session.id)).toBe(false)
    expect(app.connections).toBe(0)
  })

  test('invariant 4: is never promised inside a transaction that a power cut could take back', async () => {
    await using engine = await openEngine({ apps: { wiki: reachable } })
    const { endSession } = await engine.openNode()
    const { session } = await engine.signIn('ada', ['wiki'])

    const end = engine.database.transaction.run(() =>
      endSession({ kind: 'sso-sessions', ids: [session.id] }, 'account', byAda),
    )

    await expect(end).rejects.toThrow('durable')
    expect(await engine.isActive(session.id)).toBe(true)
  })

  test('wakes the dispatcher after the commit, and not when it rolls back', async () => {
    await using engine = await openEngine({ apps: { wiki: reachable } })
    const { doorDeps } = await engine.openNode()
    const { session } = await engine.signIn('ada', ['wiki'])
    let woken = 0
    const endSession = createEndSession({ ...doorDeps, wake: () => woken++ })
    const end = () => endSession({ kind: 'sso-sessions', ids: [session.id] }, 'account', byAda)

    const failure = engine.database.transaction.run(
      async () => {
        await end()
        throw new Error('the command failed later')
      },
      { durable: true },
    )
    await expect(failure).rejects.toThrow('the command failed later')
    expect(woken).toBe(0)

    await engine.database.transaction.run(
      async () => {
        await end()
        expect(woken).toBe(0)
      },
      { durable: true },
    )
    expect(woken).toBe(1)
  })
})

describe.for([
  ['SQLite', undefined],
  ['SQLite that awaits at random', 31],
] as const)('ending sessions at the same time (%s)', ([, seed]) => {
  const open = (apps: Parameters<typeof openEngine>[0] = {}) =>
    openEngine({ ...apps, ...(seed === undefined ? {} : { seed }) })

  test('invariant 3: of many who end one session at once, one does, and its apps are owed the news once', async () => {
    await using engine = await open({ apps: { wiki: reachable, mail: reachable } })
    const { endSession } = await engine.openNode()
    const { session } = await engine.signIn('ada', ['wiki', 'mail'])

    const results = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        endSession(
          at % 2 === 0 ? { kind: 'sso-sessions', ids: [session.id] } : { kind: 'account', accountId: ada },
          'account',
          byAda,
        ),
      ),
    )

    expect(results.filter(({ logoutId }) => logoutId !== undefined)).toHaveLength(1)
    const logouts = await engine.stores.logouts.list({ limit: 50 })
    expect(logouts).toHaveLength(1)
    expect(await engine.stores.logouts.deliveriesOf(logouts.map(({ id }) => id))).toHaveLength(2)
    expect(await auditTypes(engine)).toEqual(['session.ended', 'app-session.ended', 'app-session.ended'])
  })

  test('a join that races an end is refused, or its app is told: never neither (DECISIONS 14)', async () => {
    await using engine = await open({ apps: { wiki: reachable } })
    const { endSession } = await engine.openNode()
    for (let round = 0; round < 30; round++) {
      const { session } = await engine.signIn('ada', [])
      const [joined, ended] = await Promise.allSettled([
        engine.join(session, 'wiki'),
        endSession({ kind: 'sso-sessions', ids: [session.id] }, 'account', byAda),
      ])
      if (ended.status === 'rejected') throw ended.reason
      const told = ended.value.appSessionIds.length
      expect(joined.status === 'fulfilled' ? told : told === 0).toBe(joined.status === 'fulfilled' ? 1 : true)
    }
  })

  test.for(['markEnded', 'revokeOfAppSessions', 'insert', 'appendAll', 'announce'] as const)(
    'invariant 2: when %s fails, nothing of it has happened',
    async (failing) => {
      await using engine = await open({ apps: { wiki: reachable } })
      const { doorDeps } = await engine.openNode()
      const { session, appSessions } = await engine.signIn('ada', ['wiki'])
      const fail = () => Promise.reject(new Error('the disk is gone'))
      const failsAt = <T extends object>(part: T): T =>
        failing in part ? { ...part, [failing]: fail } : part
      const endSession = createEndSession({
        ...doorDeps,
        sessions: failsAt(doorDeps.sessions),
        tokens: failsAt(doorDeps.tokens),
        logouts: failsAt(doorDeps.logouts),
        audit: failsAt(doorDeps.audit),
        changes: failing === 'announce' ? { announce: fail } : doorDeps.changes,
      })

      const end = endSession({ kind: 'sso-sessions', ids: [session.id] }, 'account', byAda)

      await expect(end).rejects.toThrow('the disk is gone')
      expect(await engine.isActive(session.id)).toBe(true)
      expect(await engine.stores.sessions.appSessionsOf([session.id], 'active')).toEqual(appSessions)
      expect(await engine.stores.logouts.list({ limit: 10 })).toEqual([])
      expect(await auditTypes(engine)).toEqual([])
    },
  )
})

describe('what an app is owed', () => {
  test('nothing for a cause that it does not want to hear of, and the report says so', async () => {
    await using engine = await openEngine({
      apps: { wiki: { ...reachable, logout: { causes: ['admin'] } }, mail: reachable },
    })
    const { endSession } = await engine.openNode()
    const { session } = await engine.signIn('ada', ['wiki', 'mail'])
    const { logoutId } = await endSession({ kind: 'sso-sessions', ids: [session.id] }, 'idle', {
      kind: 'gateway',
    })
    if (logoutId === undefined) throw new Error('no Logout')

    const report = await engine.reports.find(logoutId)
    expect(report).toMatchObject({
      appSessions: 2,
      notWanted: 1,
      deliveries: [{ appId: 'mail', state: 'waiting' }],
    })

    const again = await engine.signIn('ada', ['wiki'])
    const byAdmin = await endSession({ kind: 'sso-sessions', ids: [again.session.id] }, 'admin', {
      kind: 'command-line',
    })
    expect((await engine.reports.find(byAdmin.logoutId ?? logoutId))?.deliveries).toMatchObject([
      { appId: 'wiki' },
    ])
  })

  test('without a channel it cannot be told, and the record says until when its own session may last', async () => {
    await using engine = await openEngine({
      apps: { hr: { logout: { causes: 'all', localSessionMs: 40 * minuteMs } }, old: {} },
    })
    const { endSession } = await engine.openNode()
    const { session } = await engine.signIn('ada', ['hr', 'old'])
    const now = engine.clock.now()
    const { logoutId } = await endSession({ kind: 'sso-sessions', ids: [session.id] }, 'account', byAda)
    if (logoutId === undefined) throw new Error('no Logout')

    const report = await engine.reports.find(logoutId)
    expect(report?.settledAt).toBe(now)
    const reason = 'it offers no way to tell it'
    expect(report?.deliveries).toMatchObject([
      { appId: 'hr', state: 'cannot-be-told', mayLastUntil: now + 40 * minuteMs, reason },
      { appId: 'old', state: 'cannot-be-told', reason },
    ])
    expect(report?.deliveries[1]?.mayLastUntil).toBeUndefined()
  })

  test('an app that was deleted is listed as one that cannot be told', async () => {
    await using engine = await openEngine({ apps: { wiki: reachable } })
    const { endSession } = await engine.openNode()
    const { session } = await engine.signIn('ada', ['wiki'])
    engine.apps.delete('wiki')
    const { logoutId } = await endSession({ kind: 'sso-sessions', ids: [session.id] }, 'account', byAda)
    if (logoutId === undefined) throw new Error('no Logout')

    expect((await engine.reports.find(logoutId))?.deliveries).toMatchObject([
      { appId: 'wiki', appName: 'wiki', state: 'cannot-be-told' },
    ])
  })

  test('an app whose record makes no sense keeps nobody signed in: its delivery is owed all the same', async () => {
    await using engine = await openEngine({ apps: { wiki: reachable } })
    const { endSession } = await engine.openNode({
      messenger: {
        waysOf: () => {
          throw new TypeError('not a URL')
        },
      },
    })
    const { session } = await engine.signIn('ada', ['wiki'])
    const { logoutId } = await endSession({ kind: 'sso-sessions', ids: [session.id] }, 'account', byAda)
    if (logoutId === undefined) throw new Error('no Logout')

    expect(await engine.isActive(session.id)).toBe(false)
    expect((await engine.reports.find(logoutId))?.deliveries).toMatchObject([{ state: 'waiting' }])
  })
})

describe('ending by selector', () => {
  test('of an account spares the session it is asked to spare, and other accounts', async () => {
    await using engine = await openEngine({ apps: { wiki: reachable } })
    const { endSession } = await engine.openNode()
    const [here, there] = [await engine.signIn('ada', ['wiki']), await engine.signIn('ada', ['wiki'])]
    const grace = await engine.signIn('grace', ['wiki'])

    const ended = await endSession(
      { kind: 'account', accountId: ada, except: here.session.id },
      'password-changed',
      byAda,
    )

    expect(ended.ssoSessionIds).toEqual([there.session.id])
    expect(await engine.isActive(here.session.id)).toBe(true)
    expect(await engine.isActive(grace.session.id)).toBe(true)
  })

  test('of several accounts belongs to none of them', async () => {
    await using engine = await openEngine({ apps: { wiki: reachable } })
    const { endSession } = await engine.openNode()
    await engine.signIn('ada', ['wiki'])
    await engine.signIn('grace', ['wiki'])

    const { logoutId } = await endSession({ kind: 'app', appId: 'wiki' as AppId }, 'app-removed', {
      kind: 'command-line',
    })

    expect(await engine.stores.logouts.find(logoutId ?? ('' as never))).not.toHaveProperty('accountId')
  })

  test('that finds more than 200 sessions ends them all under one Logout', async () => {
    await using engine = await openEngine({ apps: { wiki: reachable } })
    const node = await engine.openNode()
    const ids: SsoSessionId[] = []
    for (let session = 0; session < 450; session++)
      ids.push((await engine.signIn('ada', ['wiki'])).session.id)

    const ended = await node.endSession({ kind: 'account', accountId: ada }, 'account-disabled', {
      kind: 'command-line',
    })

    expect(ended).toMatchObject({ continues: true })
    expect(ended.ssoSessionIds).toHaveLength(200)
    for (const id of ids) expect((await node.sessions.find(id))?.ended?.logoutId).toBe(ended.logoutId)
    await node.endingJobs.runAll()
    expect(await engine.stores.logouts.list({ limit: 10 })).toMatchObject([
      { id: ended.logoutId, accountId: ada, ssoSessions: 450, appSessions: 450 },
    ])
    expect(
      await engine.stores.logouts.deliveriesOf(ended.logoutId === undefined ? [] : [ended.logoutId]),
    ).toHaveLength(450)
    expect(await engine.stores.sessions.countActive(10)).toBe(0)
  })

  test('that finds more than 200 sessions inside a command is all or nothing with it', async () => {
    await using engine = await openEngine({ apps: { wiki: reachable } })
    const { endSession } = await engine.openNode()
    const ids: SsoSessionId[] = []
    for (let session = 0; session < 250; session++) ids.push((await engine.signIn('ada', [])).session.id)
    const command = (fails: boolean) =>
      engine.database.transaction.run(
        async () => {
          const ended = await endSession({ kind: 'sso-sessions', ids }, 'bulk', { kind: 'command-line' })
          if (fails) throw new Error('the command failed later')
          return ended
        },
        { durable: true },
      )

    await expect(command(true)).rejects.toThrow('the command failed later')
    expect(await engine.stores.sessions.countActive(1_000)).toBe(250)
    expect((await command(false)).ssoSessionIds).toHaveLength(250)
    expect(await engine.stores.sessions.countActive(1_000)).toBe(0)
  })

  test('that finds more than 200 sessions by their ids is all or nothing by itself', async () => {
    await using engine = await openEngine({ apps: { wiki: reachable } })
    const { doorDeps } = await engine.openNode()
    const ids: SsoSessionId[] = []
    for (let session = 0; session < 201; session++) ids.push((await engine.signIn('ada', [])).session.id)
    let part = 0
    const insert: typeof doorDeps.logouts.insert = (...of) =>
      ++part === 2 ? Promise.reject(new Error('the disk is gone')) : doorDeps.logouts.insert(...of)
    const endSession = createEndSession({ ...doorDeps, logouts: { ...doorDeps.logouts, insert } })

    const end = endSession({ kind: 'sso-sessions', ids }, 'bulk', { kind: 'command-line' })

    await expect(end).rejects.toThrow('the disk is gone')
    expect(await engine.stores.sessions.countActive(1_000)).toBe(201)
    expect(await engine.stores.logouts.list({ limit: 10 })).toEqual([])
  })
})

describe('what a power cut may take back', () => {
  test('is what ran out, which ends again by itself, and nothing that anybody was told', async () => {
    await using engine = await openEngine({ apps: { wiki: reachable } })
    const { doorDeps } = await engine.openNode()
    const flushed: (boolean | undefined)[] = []
    const transaction: typeof doorDeps.transaction = {
      ...doorDeps.transaction,
      run: (work, options) => {
        flushed.push(options?.durable)
        return doorDeps.transaction.run(work, options)
      },
    }
    const endSession = createEndSession({ ...doorDeps, transaction })
    for (const cause of ['idle', 'absolute', 'account', 'bulk', 'risk'] as const) {
      const { session } = await engine.signIn('ada', ['wiki'])
      await endSession({ kind: 'sso-sessions', ids: [session.id] }, cause, { kind: 'gateway' })
    }
    expect(flushed).toEqual([false, false, true, true, true])
  })
})

describe('tokens of what has ended', () => {
  test('are revoked in the same transaction, and those of other sessions are not', async () => {
    await using engine = await openEngine({ apps: { wiki: reachable } })
    const { endSession } = await engine.openNode()
    const [ended, living] = [await engine.signIn('ada', ['wiki']), await engine.signIn('ada', ['wiki'])]
    const tokens = await Promise.all(
      [ended, living].map(async ({ appSessions }, at) => {
        const [appSession] = appSessions
        if (appSession === undefined) throw new Error('no AppSession')
        await engine.stores.artifacts.insert({
          kind: 'RefreshToken',
          id: `token-${at}`,
          grantId: `grant-${at}`,
          appSessionId: appSession.id,
          payload: {},
          expiresAt: engine.clock.now() + hourMs,
        })
        return `token-${at}`
      }),
    )

    await endSession({ kind: 'sso-sessions', ids: [ended.session.id] }, 'account', byAda)

    const usable = await Promise.all(
      tokens.map(async (id) => {
        const found = await engine.stores.artifacts.find('RefreshToken', id)
        return found !== undefined && !found.grantRevoked && !found.ended
      }),
    )
    expect(usable).toEqual([false, true])
  })
})
