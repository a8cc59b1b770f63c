import { describe, expect, test } from 'vitest'
import { isActive, refresh } from '#test/support/oauth.ts'
import { opened, redeemed } from './opening.ts'
import { startWorld, type World } from './world.ts'

async function family(world: World) {
  const client = world.client('wiki')
  const browser = await world.signedIn()
  const { body } = await redeemed(await opened(browser, client))
  return { client, browser, first: body.refresh_token ?? '', access: body.access_token ?? '' }
}

describe('a refresh token', () => {
  test('is exchanged for a new one and new access', async () => {
    await using world = await startWorld()
    const { client, first, access } = await family(world)
    const { status, body } = await refresh(client, first)
    expect(status).toBe(200)
    expect(body.refresh_token).not.toBe(first)
    expect(body.access_token).not.toBe(access)
    expect(await isActive(client, body.access_token ?? '')).toBe(true)
  })

  test('whose answer was lost gives the same successor again, and that is written down', async () => {
    await using world = await startWorld()
    const { client, first } = await family(world)
    const lost = (await refresh(client, first)).body
    world.clock.advance({ seconds: 9 })
    const again = await refresh(client, first)
    expect(again.status).toBe(200)
    expect(again.body.refresh_token).toBe(lost.refresh_token)
    const events = await world.gateway.stores.audit.list({ limit: 50 })
    expect(events.filter(({ type }) => type === 'refresh-token.given-again')).toHaveLength(1)
    expect((await refresh(client, lost.refresh_token ?? '')).status).toBe(200)
  })

  test('shown again after its grace revokes the family', async () => {
    await using world = await startWorld()
    const { client, first, access } = await family(world)
    const second = (await refresh(client, first)).body
    world.clock.advance({ seconds: 10 })
    expect((await refresh(client, first)).body.error).toBe('invalid_grant')
    for (const token of [access, second.access_token ?? '', second.refresh_token ?? ''])
      expect(await isActive(client, token)).toBe(false)
    expect((await refresh(client, second.refresh_token ?? '')).body.error).toBe('invalid_grant')
  })

  test('shown again within its grace, but after the successor was used, revokes the family', async () => {
    await using world = await startWorld()
    const { client, first } = await family(world)
    const second = (await refresh(client, first)).body
    const third = (await refresh(client, second.refresh_token ?? '')).body
    expect((await refresh(client, first)).body.error).toBe('invalid_grant')
    expect(await isActive(client, third.refresh_token ?? '')).toBe(false)
  })

  test('is no use to another app, in its grace or out of it', async () => {
    await using world = await startWorld()
    const { client, first } = await family(world)
    expect((await refresh(world.client('board'), first)).body.error).toBe('invalid_grant')
    await refresh(client, first)
    expect((await refresh(world.client('board'), first)).body.error).toBe('invalid_grant')
  })

  test('lives until the absolute end of its session, however often it rotates', async () => {
    await using world = await startWorld({ settings: { sessions: { idle: '12h', absolute: '24h' } } })
    const { client, first } = await family(world)
    let token = first
    for (let hour = 6; hour <= 18; hour += 6) {
      world.clock.advance({ hours: 6 })
      const { status, body } = await refresh(client, token)
      expect(status).toBe(200)
      token = body.refresh_token ?? ''
    }
    world.clock.advance({ hours: 5, minutes: 59, seconds: 59 })
    expect(await isActive(client, token)).toBe(true)
    world.clock.advance({ seconds: 1 })
    expect(await isActive(client, token)).toBe(false)
    expect((await refresh(client, token)).body.error).toBe('invalid_grant')
  })

  test('keeps the session of a person in use alive', async () => {
    await using world = await startWorld()
    const { client, browser, first } = await family(world)
    world.clock.advance({ hours: 7 })
    expect((await refresh(client, first)).status).toBe(200)
    world.clock.advance({ hours: 7 })
    expect((await opened(browser, client, { prompt: 'none' })).answer?.['code']).toBeDefined()
  })

  test('is refused after its session has idled out, before any sweep', async () => {
    await using world = await startWorld()
    const { client, first } = await family(world)
    world.clock.advance({ hours: 8 })
    expect((await refresh(client, first)).body.error).toBe('invalid_grant')
  })

  test('is given only to apps that said they refresh', async () => {
    await using world = await startWorld({
      apps: { wiki: { oidc: { grant_types: ['authorization_code'] } } },
    })
    const { body } = await redeemed(
      await opened(await world.signedIn(), world.client('wiki'), { scope: 'openid offline_access' }),
    )
    expect(body.access_token).toBeDefined()
    expect(body.refresh_token).toBeUndefined()
  })
})
