import { describe, expect, test } from 'vitest'
import { byShell, startWorld, type World } from './world.ts'

type Shown = Readonly<Record<string, unknown>>

async function list(world: World, query = '', key?: string): Promise<readonly Shown[]> {
  const { body } = await world.ask('GET', `/v1/sessions${query}`, { key: key ?? (await world.key()) })
  return body['data'] as Shown[]
}

describe('GET /api/v1/sessions', () => {
  test('shows each session with its person, its times and how it was proved', async () => {
    await using world = await startWorld()
    const session = await world.begin('wiki', 'mute')
    const at = (ms: number) => new Date(ms).toISOString()
    const { policy } = world.gateway.sessions
    expect(await list(world)).toEqual([
      {
        id: session.id,
        account: { id: world.person.id, email: 'ada@example.com', name: 'Ada' },
        state: 'active',
        started_at: at(session.startedAt),
        authenticated_at: at(session.authenticatedAt),
        last_seen_at: at(session.lastSeenAt),
        expires_at: at(session.lastSeenAt + policy.idleMs),
        expires_at_latest: at(session.startedAt + policy.absoluteMs),
        acr: 'urn:gatehouse:acr:1',
        amr: ['pwd'],
        address: '127.0.0.1',
        user_agent: session.userAgent,
        app_session_count: 2,
        active_app_session_count: 2,
        ended: null,
      },
    ])
  })

  test('shows of an ended one when, why, by whom and in which Logout', async () => {
    await using world = await startWorld()
    const { session, logoutId } = await world.ended('wiki')
    const [shown] = await list(world)
    expect(shown).toMatchObject({
      id: session.id,
      state: 'ended',
      expires_at: null,
      expires_at_latest: null,
      app_session_count: 1,
      active_app_session_count: 0,
      ended: {
        at: new Date(world.clock.now()).toISOString(),
        cause: 'admin',
        actor: { kind: 'command-line' },
        logout_id: logoutId,
      },
    })
  })

  test('calls a session whose time is up expired before anything has swept it', async () => {
    await using world = await startWorld()
    await world.begin()
    world.clock.advance({ hours: 9 })
    expect((await list(world))[0]).toMatchObject({ state: 'expired', ended: null })
  })

  test('goes through all of them in pages, the newest first, each once', async () => {
    await using world = await startWorld()
    const wanted: string[] = []
    for (let count = 0; count < 5; count += 1) {
      wanted.unshift((await world.begin()).id)
      world.clock.advance({ ms: 1 })
    }
    const key = await world.key('sessions:read')
    const found: unknown[] = []
    for (let path = '/v1/sessions?limit=2'; ; ) {
      const { body } = await world.ask('GET', path, { key })
      found.push(...(body['data'] as Shown[]).map(({ id }) => id))
      if (body['next_cursor'] === null) break
      path = `/v1/sessions?limit=2&cursor=${body['next_cursor']}`
    }
    expect(found).toEqual(wanted)
  })

  test('finds by account, by address of the account, by app, by IP address in any spelling, and by state', async () => {
    await using world = await startWorld()
    const { session: ended } = await world.ended('mute')
    world.clock.advance({ ms: 1 })
    const open = await world.begin('wiki')
    world.clock.advance({ ms: 1 })
    await world.cookieOf(world.operator)
    const ids = async (query: string) => (await list(world, query)).map(({ id }) => id)
    expect(await ids(`?account=${world.person.id}`)).toEqual([open.id, ended.id])
    expect(await ids('?account=ADA@example.com')).toEqual([open.id, ended.id])
    expect(await ids('?account=nobody@example.com')).toEqual([])
    expect(await ids('?account=acc_nobody')).toEqual([])
    expect(await ids('?app=wiki')).toEqual([open.id])
    expect(await ids('?app=no-such-app')).toEqual([])
    expect(await ids('?state=ended')).toEqual([ended.id])
    expect(await ids(`?state=active&account=${world.person.id}`)).toEqual([open.id])
    expect(await ids('?ip=::ffff:127.0.0.1')).toHaveLength(3)
    expect(await ids('?ip=192.0.2.1')).toEqual([])
    expect(await ids('?ip=127.0.0.1&app=mute&state=ended&account=ada@example.com')).toEqual([ended.id])
  })

  test('shows sessions of a person who is gone, by the id alone', async () => {
    await using world = await startWorld()
    const session = await world.begin()
    await world.gateway.commands.accounts.delete(world.person.id, byShell)
    expect(await list(world)).toMatchObject([
      { id: session.id, account: { id: world.person.id, email: null, name: null }, state: 'ended' },
    ])
  })
})

describe('GET /api/v1/sessions/{id}', () => {
  test('shows the app sessions that were opened in it', async () => {
    await using world = await startWorld()
    const session = await world.begin('wiki', 'mute')
    await world.gateway.endSession({ kind: 'app', appId: 'mute' as never }, 'admin', byShell)
    const { body } = await world.ask('GET', `/v1/sessions/${session.id}`, { key: await world.key() })
    expect(body).toMatchObject({ id: session.id, app_session_count: 2, active_app_session_count: 1 })
    const byApp = new Map(
      (body['app_sessions'] as Shown[]).map((each) => [(each['app'] as Shown)['id'], each]),
    )
    expect(byApp.get('wiki')).toMatchObject({ app: { name: 'Wiki' }, ended: null })
    expect(byApp.get('mute')).toMatchObject({ ended: { cause: 'admin' } })
  })

  test.for(['ses_unknown', 'lgo_x', 'x', '%27%20or%201%3D1--', '..%2F..%2Fetc', 'ses_%00'])(
    'is 404 for %s',
    async (id) => {
      await using world = await startWorld()
      const { status, body } = await world.ask('GET', `/v1/sessions/${id}`, { key: await world.key() })
      expect([status, body['code']]).toEqual([404, 'session_not_found'])
    },
  )
})

describe('DELETE /api/v1/sessions/{id}', () => {
  test('ends it for good, tells its apps, and says in which Logout', async () => {
    await using world = await startWorld()
    const session = await world.begin('wiki', 'mute')
    const key = await world.key('sessions:end')
    const { status, body } = await world.ask('DELETE', `/v1/sessions/${session.id}`, { key })
    expect([status, body]).toEqual([
      200,
      { logout_id: expect.any(String), sessions: 1, app_sessions: 2, offline_accesses: 0 },
    ])
    await world.gateway.dispatcher.runDue()
    expect(world.wiki.received).toHaveLength(1)
    const [record] = await world.gateway.stores.apiKeys.list()
    expect(await world.gateway.stores.sessions.find(session.id)).toMatchObject({
      ended: {
        cause: 'admin',
        actor: { kind: 'api-key', apiKeyId: record?.id },
        logoutId: body['logout_id'],
      },
    })
    const trail = await world.gateway.stores.audit.list({ types: ['session.ended'], limit: 1 })
    expect(trail[0]?.actor).toBe(JSON.stringify({ kind: 'api-key', apiKeyId: record?.id }))
    expect(trail[0]?.requestId).toMatch(/^[0-9a-z]{16}$/)
  })

  test('answers for one that has ended before with the Logout that ended it, and ends nothing', async () => {
    await using world = await startWorld()
    const { session, logoutId } = await world.ended('wiki')
    const { status, body } = await world.ask('DELETE', `/v1/sessions/${session.id}`, {
      key: await world.key(),
    })
    expect([status, body]).toEqual([
      200,
      { logout_id: logoutId, sessions: 0, app_sessions: 0, offline_accesses: 0 },
    ])
  })

  test('is 404 where there never was one', async () => {
    await using world = await startWorld()
    const { status } = await world.ask('DELETE', '/v1/sessions/ses_unknown', { key: await world.key() })
    expect(status).toBe(404)
  })

  test('names the operator whose browser asked', async () => {
    await using world = await startWorld()
    const session = await world.begin()
    const cookie = await world.cookieOf(world.operator)
    const headers = { origin: world.issuer, 'x-gatehouse': '1' }
    await world.ask('DELETE', `/v1/sessions/${session.id}`, { cookie, headers })
    expect((await world.gateway.stores.sessions.find(session.id))?.ended?.actor).toEqual({
      kind: 'operator',
      accountId: world.operator.id,
    })
  })
})
