import { describe, expect, test } from 'vitest'
import { isActive, refresh } from '#test/support/oauth.ts'
import {
  agreed,
  agreedAt,
  believed,
  forgetConnections,
  keptOf,
  leave,
  leaving,
  renewed,
  startAway,
  survives,
  taking,
} from './away.ts'
import { opened, redeemed } from './opening.ts'
import { startWorld } from './world.ts'

describe('an app that keeps access while the person is away', () => {
  test.for(leaving)('has it after the end by %s, and its access token and code end', async (cause) => {
    await using world = await startAway()
    const held = await agreed(world)
    const pending = await opened(held.browser, held.client)
    await leave(world, cause)
    expect(await believed(held, held.answer.body)).toEqual({ access: false, renewal: true })
    expect((await redeemed(pending)).body.error).toBe('invalid_grant')
    const next = await renewed(held, held.renewal)
    expect(await believed(held, next)).toEqual({ access: true, renewal: true })
    expect(next).toMatchObject({ scope: 'openid email offline_access', expires_in: 600 })
  })

  test.for(taking)('has nothing left after the end by %s', async (cause) => {
    await using world = await startAway()
    const held = await agreed(world)
    await leave(world, cause)
    expect(await believed(held, held.answer.body)).toEqual({ access: false, renewal: false })
    expect((await refresh(held.client, held.renewal)).body.error).toBe('invalid_grant')
    expect(await keptOf(world)).toEqual([])
  })

  test('keeps what was granted with offline_access, and its other refresh tokens end with the session', async () => {
    await using world = await startAway()
    const held = await agreed(world)
    const usual = (await redeemed(await opened(held.browser, held.client))).body.refresh_token ?? ''
    await leave(world)
    expect((await refresh(held.client, usual)).body.error).toBe('invalid_grant')
    expect((await refresh(held.client, held.renewal)).status).toBe(200)
  })

  test('is one whose record says so: with any other, offline_access ends with the session', async () => {
    await using world = await startAway()
    const held = await agreed(world, 'board')
    await leave(world)
    expect((await refresh(held.client, held.renewal)).body.error).toBe('invalid_grant')
  })

  test('is told of the sign-out as ever: its own session ends', async () => {
    await using world = await startAway()
    await agreed(world)
    const [session] = await world.gateway.stores.sessions.list({ state: 'active', limit: 1 })
    const [joined] = await world.gateway.stores.sessions.appSessionsOf(session ? [session.id] : [], 'active')
    await leave(world)
    expect(await world.told('wiki')).toMatchObject([{ sid: joined?.sid }])
  })

  test('keeps it when only its own session ends, and loses it when the sign-in behind it is taken away', async () => {
    await using world = await startAway({ settings: { sessions: { idle: '8h' } } })
    const held = await agreed(world)
    const [session] = await world.gateway.stores.sessions.list({ state: 'active', limit: 1 })
    const joined = await world.gateway.stores.sessions.appSessionsOf(session ? [session.id] : [], 'active')
    const ids = joined.map(({ id }) => id)
    await world.gateway.endSession({ kind: 'app-sessions', ids }, 'app', { kind: 'gateway' })
    const next = await renewed(held, held.renewal)
    await leave(world, 'risk')
    expect(await believed(held, next)).toEqual({ access: false, renewal: false })
  })

  test('has it over a restart', async () => {
    await using world = await startAway()
    const held = await agreed(world)
    await leave(world)
    const next = await renewed(held, held.renewal)
    await world.stop()
    await using again = await startAway({ folder: world.folder, port: world.port, clock: world.clock })
    await forgetConnections(again)
    expect(await believed(held, next)).toEqual({ access: true, renewal: true })
    expect((await refresh(held.client, next.refresh_token ?? '')).status).toBe(200)
  })
})

describe('a session that ran out, before any sweep', () => {
  test('leaves the app its access: the first refresh takes the session through the door, so that the app hears of it', async () => {
    await using world = await startAway()
    const held = await agreed(world)
    world.clock.advance({ hours: 8 })
    expect((await refresh(held.client, held.renewal)).status).toBe(200)
    const [session] = await world.gateway.stores.sessions.list({ state: 'ended', limit: 1 })
    expect(session?.ended).toMatchObject({ cause: 'idle', actor: { kind: 'gateway' } })
    expect(await world.told('wiki')).toHaveLength(1)
  })

  test('by the limits of the app alone ends there alone', async () => {
    await using world = await startWorld({
      apps: { wiki: { app: { ...survives.app, sessions: { absolute: '1h' } } } },
    })
    const held = await agreed(world)
    world.clock.advance({ hours: 1 })
    expect((await refresh(held.client, held.renewal)).status).toBe(200)
    expect(await world.gateway.stores.sessions.countActive(9)).toBe(1)
  })

  test('has no live access token, whatever the app keeps', async () => {
    await using world = await startAway({ settings: { tokens: { access: '10h' } } })
    const held = await agreed(world)
    world.clock.advance({ hours: 8 })
    expect(await isActive(held.client, held.access)).toBe(false)
    await renewed(held, held.renewal)
    expect(await isActive(held.client, held.access)).toBe(false)
  })
})

describe('access while the person is away', () => {
  test('ends when it is not used for thirty days, and each use is a new start', async () => {
    await using world = await startAway()
    const held = await agreed(world)
    await leave(world)
    world.clock.advance({ days: 29, hours: 23 })
    const next = (await renewed(held, held.renewal)).refresh_token ?? ''
    world.clock.advance({ days: 29, hours: 23 })
    expect(await isActive(held.client, next)).toBe(true)
    world.clock.advance({ hours: 1 })
    expect(await isActive(held.client, next)).toBe(false)
    expect((await refresh(held.client, next)).body.error).toBe('invalid_grant')
  })

  test('N-057 ends 180 days after it was given, however often it is used', async () => {
    await using world = await startAway()
    const held = await agreed(world)
    await leave(world)
    let token = held.renewal
    for (let month = 1; month <= 6; month++) {
      world.clock.advance({ days: 29 })
      token = (await renewed(held, token)).refresh_token ?? ''
      await world.gateway.sweeper.runOnce()
    }
    world.clock.advance({ days: 5, hours: 23 })
    expect(await isActive(held.client, token)).toBe(true)
    world.clock.advance({ hours: 1 })
    expect((await refresh(held.client, token)).body.error).toBe('invalid_grant')
  })

  test('lasts as the configuration says', async () => {
    await using world = await startAway({
      settings: { tokens: { offline_idle: '2h', offline_absolute: '3h' } },
    })
    const held = await agreed(world)
    await leave(world)
    world.clock.advance({ minutes: 119 })
    const next = (await renewed(held, held.renewal)).refresh_token ?? ''
    world.clock.advance({ minutes: 61 })
    expect((await refresh(held.client, next)).body.error).toBe('invalid_grant')
  })

  test('is over where its app was set back, and does not come back with the next change', async () => {
    await using world = await startAway()
    const held = await agreed(world)
    await leave(world)
    await world.stop()
    const beside = { folder: world.folder, port: world.port, clock: world.clock }
    const startedAgain = async (apps: NonNullable<Parameters<typeof startWorld>[0]>['apps']) => {
      const again = await startWorld({ ...beside, ...(apps === undefined ? {} : { apps }) })
      await forgetConnections(again)
      const { status } = await refresh(held.client, held.renewal)
      await again.stop()
      return status
    }
    expect(await startedAgain({ wiki: {}, board: {} })).toBe(400)
    expect(await startedAgain({ wiki: survives, board: {} })).toBe(400)
  })

  test('does not begin with what was granted before its app might keep it', async () => {
    await using world = await startWorld({ apps: { wiki: {} } })
    const held = await agreed(world)
    await world.stop()
    await using again = await startAway({ folder: world.folder, port: world.port, clock: world.clock })
    await forgetConnections(again)
    const next = (await renewed(held, held.renewal)).refresh_token ?? ''
    await leave(again)
    expect((await refresh(held.client, next)).body.error).toBe('invalid_grant')
  })

  test('is begun on the page that says so, and written down', async () => {
    await using world = await startAway()
    const browser = await world.signedIn()
    const asked = await opened(browser, world.client('wiki'), {
      scope: 'openid offline_access',
      prompt: 'consent',
    })
    expect(asked.page.text).toContain('even after you sign out')
    await agreedAt(browser, world.client('wiki'))
    await leave(world, 'admin')
    const types = (await world.gateway.stores.audit.list({ limit: 50 })).map(({ type }) => type)
    expect(types.filter((type) => type === 'offline-access.started')).toHaveLength(1)
    expect(types.filter((type) => type === 'offline-access.revoked')).toHaveLength(1)
    const board = await opened(await world.signedIn(), world.client('board'), {
      scope: 'openid offline_access',
      prompt: 'consent',
    })
    expect(board.page.text).toContain('until you sign out')
  })

  test('is no reason to keep the history of anybody else, or of anybody for longer', async () => {
    await using world = await startAway()
    const { stores, sweeper } = world.gateway
    const held = await agreed(world)
    const [kept] = await stores.sessions.list({ state: 'active', limit: 1 })
    await world.signedIn()
    await leave(world)
    let token = held.renewal
    for (let month = 1; month <= 4; month++) {
      world.clock.advance({ days: 29 })
      token = (await renewed(held, token)).refresh_token ?? ''
    }
    await sweeper.runOnce()
    expect((await stores.sessions.list({ limit: 9 })).map(({ id }) => id)).toEqual([kept?.id])
    world.clock.advance({ days: 30 })
    await sweeper.runOnce()
    world.clock.advance({ days: 1 })
    await sweeper.runOnce()
    expect(await stores.sessions.list({ limit: 9 })).toEqual([])
    expect(await keptOf(world)).toEqual([])
  })
})
