import { describe, expect, test } from 'vitest'
import { hourMs, minuteMs } from '#gateway/kernel/clock.ts'
import type { LogoutReport } from '#gateway/logout/report.ts'
import { openReceiver } from '#test/support/receiver.ts'
import { type Engine, openEngine } from './engine.ts'

async function reports(engine: Engine): Promise<readonly LogoutReport[]> {
  return engine.reports.list({ limit: 50 })
}

describe.for([
  ['SQLite', undefined],
  ['SQLite that awaits at random', 51],
] as const)('sessions that run out (%s)', ([, seed]) => {
  const open = (apps: NonNullable<Parameters<typeof openEngine>[0]>['apps'] = {}) =>
    openEngine({ apps, ...(seed === undefined ? {} : { seed }) })

  test('a session that nobody uses ends as idle, and its apps are told', async () => {
    await using app = await openReceiver()
    await using engine = await open({ wiki: { url: app.url } })
    const { sweeper, dispatcher } = await engine.openNode()
    const { session, appSessions } = await engine.signIn('ada', ['wiki'])

    engine.clock.advance({ hours: 8, ms: -1 })
    expect(await sweeper.runOnce()).toEqual({
      ssoSessionsEnded: 0,
      appSessionsEnded: 0,
      givenUp: 0,
      deleted: 0,
    })
    expect(await engine.isActive(session.id)).toBe(true)

    engine.clock.advance({ ms: 1 })
    expect(await sweeper.runOnce()).toMatchObject({ ssoSessionsEnded: 1, appSessionsEnded: 1 })
    await dispatcher.runDue()

    expect(await engine.isActive(session.id)).toBe(false)
    expect(app.received.map(({ body }) => body)).toEqual([appSessions[0]?.sid])
    expect(await reports(engine)).toMatchObject([
      { cause: 'idle', actor: { kind: 'gateway' }, accountId: 'ada', deliveries: [{ state: 'confirmed' }] },
    ])
  })

  test('a session in use ends at its absolute limit', async () => {
    await using engine = await open({ wiki: { url: 'http://127.0.0.1:9/' } })
    const { sweeper } = await engine.openNode()
    const { session } = await engine.signIn('ada', ['wiki'])
    for (let hour = 4; hour < 24; hour += 4) {
      engine.clock.advance({ hours: 4 })
      await engine.stores.sessions.touch(session.id, engine.clock.now())
      expect(await sweeper.runOnce()).toMatchObject({ ssoSessionsEnded: 0 })
    }

    engine.clock.advance({ hours: 4 })
    expect(await sweeper.runOnce()).toMatchObject({ ssoSessionsEnded: 1 })
    expect(await reports(engine)).toMatchObject([{ cause: 'absolute' }])
  })

  test('a remembered session does not idle out', async () => {
    await using engine = await open()
    const { sweeper } = await engine.openNode()
    const { session } = await engine.signIn('ada', [], { remembered: true })
    engine.clock.advance({ days: 29 })
    await sweeper.runOnce()
    expect(await engine.isActive(session.id)).toBe(true)
    engine.clock.advance({ days: 1 })
    await sweeper.runOnce()
    expect(await reports(engine)).toMatchObject([{ cause: 'absolute' }])
  })

  test('ends with the cause by which it ran out first, however late the sweeper comes', async () => {
    await using engine = await open()
    const { sweeper } = await engine.openNode()
    await engine.signIn('ada', [])
    engine.clock.advance({ days: 3 })
    await sweeper.runOnce()
    expect(await reports(engine)).toMatchObject([{ cause: 'idle' }])
  })

  test.for([
    ['idle', { idleMs: hourMs }, hourMs],
    ['absolute', { absoluteMs: 2 * hourMs }, 2 * hourMs],
    ['idle', { idleMs: hourMs, absoluteMs: 2 * hourMs }, hourMs],
  ] as const)(
    'an app with its own %s limit (%o) hears that its session ended; the person stays signed in elsewhere',
    async ([cause, limits, afterMs]) => {
      await using app = await openReceiver()
      await using engine = await open({ hr: { url: app.url, sessions: limits }, wiki: { url: app.url } })
      const { sweeper, dispatcher } = await engine.openNode()
      const { session, appSessions } = await engine.signIn('ada', ['hr', 'wiki'])
      const [hr, wiki] = appSessions
      if (hr === undefined || wiki === undefined) throw new Error('no sessions')

      engine.clock.advance({ ms: afterMs - 1 })
      await sweeper.runOnce()
      expect(await reports(engine)).toEqual([])
      engine.clock.advance({ ms: 1 })
      expect(await sweeper.runOnce()).toMatchObject({ ssoSessionsEnded: 0, appSessionsEnded: 1 })
      await dispatcher.runDue()

      expect(await reports(engine)).toMatchObject([{ cause, ssoSessions: 0, appSessions: 1 }])
      expect(app.received.map(({ body }) => body)).toEqual([hr.sid])
      expect(await engine.isActive(session.id)).toBe(true)
      expect((await engine.stores.sessions.findAppSession(wiki.id))?.ended).toBeUndefined()
    },
  )

  test.for([
    ['is given limits', {}],
    ['is given tighter limits', { sessions: { idleMs: 7 * hourMs } }],
  ] as const)('an app that %s while it is open hears in time that its session ended', async ([, before]) => {
    const reachable = { url: 'http://127.0.0.1:9/' }
    await using engine = await open({ hr: { ...reachable, ...before }, wiki: reachable })
    const { sweeper } = await engine.openNode()
    const { session } = await engine.signIn('ada', ['hr', 'wiki'])
    await sweeper.runOnce()
    engine.clock.advance({ minutes: 30 })
    engine.apps.set('hr', { ...reachable, sessions: { idleMs: hourMs } })
    await sweeper.runOnce()
    expect(await reports(engine)).toEqual([])
    engine.clock.advance({ minutes: 30 })
    expect(await sweeper.runOnce()).toMatchObject({ ssoSessionsEnded: 0, appSessionsEnded: 1 })
    expect(await reports(engine)).toMatchObject([{ cause: 'idle', deliveries: [{ appId: 'hr' }] }])
    expect(await engine.isActive(session.id)).toBe(true)
  })

  test('an app that was given limits while nobody ran hears of sessions that are older than these', async () => {
    const reachable = { url: 'http://127.0.0.1:9/' }
    await using engine = await open({ hr: reachable })
    await engine.signIn('ada', ['hr'])
    engine.clock.advance({ hours: 2 })
    engine.apps.set('hr', { ...reachable, sessions: { absoluteMs: hourMs } })
    const { sweeper } = await engine.openNode()
    await sweeper.runOnce()
    expect(await reports(engine)).toMatchObject([{ cause: 'absolute', ssoSessions: 0, appSessions: 1 }])
  })

  test('an AppSession in use idles out only after its last use', async () => {
    await using engine = await open({ hr: { url: 'http://127.0.0.1:9/', sessions: { idleMs: hourMs } } })
    const { sweeper } = await engine.openNode()
    const { appSessions } = await engine.signIn('ada', ['hr'])
    const [hr] = appSessions
    if (hr === undefined) throw new Error('no session')
    engine.clock.advance({ minutes: 50 })
    await engine.stores.sessions.touchAppSession(hr.id, engine.clock.now())
    engine.clock.advance({ minutes: 59 })
    await sweeper.runOnce()
    expect(await reports(engine)).toEqual([])
    engine.clock.advance({ minutes: 1 })
    await sweeper.runOnce()
    expect(await reports(engine)).toMatchObject([{ cause: 'idle' }])
  })

  test('an AppSession whose app has lost its limits, or is gone, lives as long as its SsoSession', async () => {
    await using engine = await open({
      hr: { sessions: { idleMs: hourMs } },
      gone: { sessions: { idleMs: hourMs } },
    })
    const { sweeper } = await engine.openNode()
    await engine.signIn('ada', ['hr', 'gone'])
    engine.apps.set('hr', {})
    engine.apps.delete('gone')
    engine.clock.advance({ hours: 2 })
    expect(await sweeper.runOnce()).toEqual({
      ssoSessionsEnded: 0,
      appSessionsEnded: 0,
      givenUp: 0,
      deleted: 0,
    })
    engine.clock.advance({ hours: 6 })
    expect(await sweeper.runOnce()).toMatchObject({ ssoSessionsEnded: 1, appSessionsEnded: 2 })
  })

  test('two processes that sweep at once end each session once', async () => {
    await using engine = await open({ wiki: { url: 'http://127.0.0.1:9/' } })
    const nodes = [await engine.openNode(), await engine.openNode()]
    for (let person = 0; person < 60; person++) await engine.signIn(`person-${person}`, ['wiki'])
    engine.clock.advance({ hours: 8 })

    const swept = await Promise.all(nodes.map(({ sweeper }) => sweeper.runOnce()))

    expect(swept.reduce((sum, { ssoSessionsEnded }) => sum + ssoSessionsEnded, 0)).toBe(60)
    const all = await reports(engine)
    expect(all.every(({ deliveries, accountId }) => deliveries.length === 1 && accountId !== undefined)).toBe(
      true,
    )
    expect(await engine.stores.audit.list({ limit: 200, types: ['session.ended'] })).toHaveLength(60)
  })

  test('more sessions than one step takes are all ended, each with a Logout of its own', async () => {
    await using engine = await open()
    const { sweeper } = await engine.openNode()
    for (let person = 0; person < 130; person++) await engine.signIn(`person-${person}`, [])
    engine.clock.advance({ hours: 8 })
    expect(await sweeper.runOnce()).toMatchObject({ ssoSessionsEnded: 130 })
    expect(await engine.stores.logouts.list({ limit: 200 })).toHaveLength(130)
  })
})

describe('what nobody needs any more', () => {
  test('ended sessions and settled Logouts are deleted when their history is over, and not before', async () => {
    await using app = await openReceiver()
    await using engine = await openEngine({ apps: { wiki: { url: app.url } } })
    const { sweeper, dispatcher, endSession } = await engine.openNode()
    const { session } = await engine.signIn('ada', ['wiki'])
    const { logoutId } = await endSession({ kind: 'sso-sessions', ids: [session.id] }, 'account', {
      kind: 'gateway',
    })
    await dispatcher.runDue()
    if (logoutId === undefined) throw new Error('no Logout')

    engine.clock.advance({ days: 90 })
    await sweeper.runOnce()
    expect(await engine.reports.find(logoutId)).toBeDefined()
    expect(await engine.stores.sessions.find(session.id)).toBeDefined()

    engine.clock.advance({ ms: 1 })
    expect((await sweeper.runOnce()).deleted).toBe(2)
    expect(await engine.reports.find(logoutId)).toBeUndefined()
    expect(await engine.stores.sessions.find(session.id)).toBeUndefined()
  })

  test('a Logout that still owes the news is kept, however old', async () => {
    await using engine = await openEngine({ apps: { wiki: { url: 'http://127.0.0.1:9/' } } })
    const { sweeper, endSession } = await engine.openNode()
    const { session } = await engine.signIn('ada', ['wiki'])
    const { logoutId } = await endSession({ kind: 'sso-sessions', ids: [session.id] }, 'account', {
      kind: 'gateway',
    })
    engine.clock.advance({ days: 200 })
    await sweeper.runOnce()
    expect(logoutId === undefined ? undefined : await engine.reports.find(logoutId)).toMatchObject({
      deliveries: [{ state: 'waiting' }],
    })
  })

  test('tokens that expired are deleted', async () => {
    await using engine = await openEngine({ apps: { wiki: {} } })
    const { sweeper } = await engine.openNode()
    const { appSessions } = await engine.signIn('ada', ['wiki'], { remembered: true })
    const [appSession] = appSessions
    if (appSession === undefined) throw new Error('no AppSession')
    const token = { kind: 'AccessToken', grantId: 'grant', appSessionId: appSession.id, payload: {} } as const
    await engine.stores.artifacts.insert({ ...token, id: 'short', expiresAt: engine.clock.now() + minuteMs })
    await engine.stores.artifacts.insert({ ...token, id: 'long', expiresAt: engine.clock.now() + hourMs })

    engine.clock.advance({ minutes: 2 })
    expect((await sweeper.runOnce()).deleted).toBeGreaterThan(0)
    expect(await engine.stores.artifacts.find('AccessToken', 'short')).toBeUndefined()
    expect(await engine.stores.artifacts.find('AccessToken', 'long')).toBeDefined()
  })
})

describe('many sessions that run out at once', () => {
  test('R-10: end a few at a time, and others have their turn in between', async () => {
    await using engine = await openEngine({ apps: { wiki: { url: 'http://127.0.0.1:9/' } } })
    const { sweeper } = await engine.openNode()
    for (let person = 0; person < 100; person++) await engine.signIn('ada', ['wiki'])
    engine.clock.advance({ hours: 8 })
    // Somebody else who wants to read and write: each turn of theirs sees how many have ended since the last.
    let most = 0
    let before = 0
    let goesOn = true
    const look = async (): Promise<void> => {
      while (goesOn) {
        const ended = (await engine.stores.logouts.list({ limit: 200 })).length
        most = Math.max(most, ended - before)
        before = ended
        await new Promise<void>((next) => setImmediate(next))
      }
    }
    const looking = look()

    expect(await sweeper.runOnce()).toMatchObject({ ssoSessionsEnded: 100 })
    goesOn = false
    await looking

    expect(most).toBeLessThanOrEqual(5)
  })
})

describe('the life of a sweeper', () => {
  test('it sweeps by itself once started, until disposed', async () => {
    await using engine = await openEngine()
    const { sweeper } = await engine.openNode()
    const { session } = await engine.signIn('ada', [])
    engine.clock.advance({ hours: 8 })
    sweeper.start()
    while (await engine.isActive(session.id)) await new Promise<void>((next) => setImmediate(next))
    await sweeper[Symbol.asyncDispose]()
    expect(await reports(engine)).toMatchObject([{ cause: 'idle' }])
  })
})
