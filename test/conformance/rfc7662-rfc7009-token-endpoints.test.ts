import { describe, expect, test } from 'vitest'
import { opened, redeemed } from '#test/oidc/opening.ts'
import { startWorld, type World } from '#test/oidc/world.ts'
import { ask, type Client, isActive, refresh, userinfoStatus } from '#test/support/oauth.ts'

async function tokensOf(world: World) {
  const client = world.client('wiki')
  const { body } = await redeemed(await opened(await world.signedIn(), client))
  return { client, access: body.access_token ?? '', refreshToken: body.refresh_token ?? '' }
}

const revoke = (client: Client, token: string, more: Record<string, string> = {}) =>
  ask(client, `${client.issuer}/oauth/revoke`, { token, ...more })

describe('RFC 7662, Token Introspection', () => {
  test('section 2.2: an app learns that its own tokens live, whose they are and until when', async () => {
    await using world = await startWorld()
    const { client, access, refreshToken } = await tokensOf(world)
    const about = async (token: string) => (await ask(client, client.endpoints.introspect, { token })).body
    const now = Math.floor(world.clock.now() / 1_000)
    expect(await about(access)).toMatchObject({ active: true, sub: 'ada', client_id: 'wiki', exp: now + 600 })
    expect(await about(refreshToken)).toMatchObject({ active: true, sub: 'ada', exp: now + 24 * 3_600 })
  })

  test("section 4: about another app's tokens it learns nothing", async () => {
    await using world = await startWorld()
    const { access, refreshToken } = await tokensOf(world)
    const board = world.client('board')
    for (const token of [access, refreshToken, 'never-issued']) {
      expect((await ask(board, board.endpoints.introspect, { token })).body).toEqual({ active: false })
    }
  })

  test('section 2.1: who does not prove to be an app learns nothing', async () => {
    await using world = await startWorld()
    const { client, access } = await tokensOf(world)
    const asked = await ask({ ...client, clientSecret: 'w'.repeat(40) }, client.endpoints.introspect, {
      token: access,
    })
    expect(asked).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
  })

  test('section 2.2: a token is dead in the second in which it expires', async () => {
    await using world = await startWorld()
    const { client, access } = await tokensOf(world)
    world.clock.advance({ seconds: 599 })
    expect(await isActive(client, access)).toBe(true)
    world.clock.advance({ seconds: 1 })
    expect(await isActive(client, access)).toBe(false)
    expect(await userinfoStatus(client, access)).toBe(401)
  })
})

describe('RFC 7009, Token Revocation', () => {
  test('section 2.1: an access token takes nothing with it', async () => {
    await using world = await startWorld()
    const { client, access, refreshToken } = await tokensOf(world)
    expect((await revoke(client, access)).status).toBe(200)
    expect(await isActive(client, access)).toBe(false)
    expect(await userinfoStatus(client, access)).toBe(401)
    expect((await refresh(client, refreshToken)).status).toBe(200)
  })

  test('section 2.1: a refresh token takes its whole family with it', async () => {
    await using world = await startWorld()
    const { client, access, refreshToken } = await tokensOf(world)
    const next = (await refresh(client, refreshToken)).body
    expect((await revoke(client, next.refresh_token ?? '')).status).toBe(200)
    for (const token of [access, next.access_token ?? '', next.refresh_token ?? ''])
      expect(await isActive(client, token)).toBe(false)
    expect((await refresh(client, next.refresh_token ?? '')).body.error).toBe('invalid_grant')
  })

  test('section 2.1: revoking ends no session, and another sign-in of the same app lives', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const client = world.client('wiki')
    const first = (await redeemed(await opened(browser, client))).body
    const second = (await redeemed(await opened(browser, client))).body
    await revoke(client, first.refresh_token ?? '')
    expect(await isActive(client, second.refresh_token ?? '')).toBe(true)
    expect((await opened(browser, client, { prompt: 'none' })).answer?.['code']).toBeDefined()
  })

  test("section 2.1: another app's token is left alone, and the answer tells nothing of it", async () => {
    await using world = await startWorld()
    const { client, access, refreshToken } = await tokensOf(world)
    const board = world.client('board')
    const unknown = await revoke(board, 'never-issued')
    for (const token of [access, refreshToken])
      expect((await revoke(board, token)).status).toBe(unknown.status)
    expect(await isActive(client, access)).toBe(true)
    expect(await isActive(client, refreshToken)).toBe(true)
  })

  test('section 2.2: a token that nobody knows, or a wrong hint, is no error', async () => {
    await using world = await startWorld()
    const { client, refreshToken } = await tokensOf(world)
    expect((await revoke(client, 'never-issued')).status).toBe(200)
    expect((await revoke(client, refreshToken, { token_type_hint: 'access_token' })).status).toBe(200)
    expect(await isActive(client, refreshToken)).toBe(false)
  })
})
