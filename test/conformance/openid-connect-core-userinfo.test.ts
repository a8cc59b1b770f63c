import { describe, expect, test } from 'vitest'
import { opened, redeemed } from '#test/oidc/opening.ts'
import { startWorld, type World } from '#test/oidc/world.ts'
import { claimsOf } from '#test/support/oauth.ts'

async function userinfo(
  world: World,
  init: RequestInit,
): Promise<{ status: number; headers: Headers; body: unknown }> {
  const response = await fetch(`${world.issuer}/oauth/userinfo`, init)
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? '' : JSON.parse(text) }
}

const bearer = (token: string | undefined) => ({ headers: { authorization: `Bearer ${token}` } })

async function tokens(world: World, parameters: Record<string, string> = {}) {
  return (await redeemed(await opened(await world.signedIn(), world.client('wiki'), parameters))).body
}

describe('OpenID Connect Core 1.0, section 5.3: userinfo', () => {
  test('gives what the scopes stand for (section 5.4) and nothing else', async () => {
    await using world = await startWorld()
    const only = await tokens(world, { scope: 'openid' })
    expect((await userinfo(world, bearer(only.access_token))).body).toEqual({ sub: 'ada' })
    const all = await tokens(world, { scope: 'openid profile email groups' })
    expect((await userinfo(world, bearer(all.access_token))).body).toEqual({
      sub: 'ada',
      name: 'Ada',
      updated_at: Math.floor(world.clock.now() / 1_000),
      email: 'ada@example.com',
      email_verified: true,
      groups: ['staff'],
    })
  })

  test('answers GET and POST, with the token in the header or in the form (RFC 6750 section 2)', async () => {
    await using world = await startWorld()
    const { access_token: token = '' } = await tokens(world)
    expect((await userinfo(world, { method: 'POST', ...bearer(token) })).status).toBe(200)
    const form = new URLSearchParams({ access_token: token })
    expect((await userinfo(world, { method: 'POST', body: form })).status).toBe(200)
  })

  test('takes no token from the address (RFC 9700 section 4.3.2)', async () => {
    await using world = await startWorld()
    const { access_token: token = '' } = await tokens(world)
    const response = await fetch(`${world.issuer}/oauth/userinfo?access_token=${token}`)
    expect(response.status).toBeGreaterThanOrEqual(400)
  })

  test.for(['', 'Bearer nobody', 'Basic d2lraTp4'])('refuses %j with a challenge', async (authorization) => {
    await using world = await startWorld()
    const { status, headers } = await userinfo(world, {
      headers: authorization === '' ? {} : { authorization },
    })
    expect([400, 401]).toContain(status)
    if (status === 401) expect(headers.get('www-authenticate')).toMatch(/^Bearer /)
  })

  test('is refused to a refresh token and to an ID token', async () => {
    await using world = await startWorld()
    const body = await tokens(world)
    for (const token of [body.refresh_token, body.id_token])
      expect((await userinfo(world, bearer(token))).status).toBe(401)
  })

  test('is refused once the account is disabled', async () => {
    await using world = await startWorld({ settings: { accounts: [] } })
    const account = await world.gateway.commands.accounts.create(
      { email: 'eve@example.com', name: 'Eve', password: 'a long enough password' },
      { kind: 'command-line' },
    )
    const person = { email: 'eve@example.com', password: 'a long enough password' }
    const browser = await world.signedIn(person)
    const { body } = await redeemed(await opened(browser, world.client('wiki')))
    await world.gateway.commands.accounts.disable(account.id, { kind: 'command-line' })
    expect((await userinfo(world, bearer(body.access_token))).status).toBe(401)
  })
})

describe('OpenID Connect Core 1.0, section 5.5: the claims parameter', () => {
  test('puts single claims where they are asked for', async () => {
    await using world = await startWorld()
    const body = await tokens(world, {
      scope: 'openid',
      claims: JSON.stringify({ id_token: { name: null }, userinfo: { groups: null } }),
    })
    expect(claimsOf(body.id_token)).toMatchObject({ name: 'Ada' })
    expect(claimsOf(body.id_token)).not.toHaveProperty('groups')
    expect((await userinfo(world, bearer(body.access_token))).body).toEqual({ sub: 'ada', groups: ['staff'] })
  })

  test('with a claim that nobody knows is answered without it', async () => {
    await using world = await startWorld()
    const body = await tokens(world, {
      claims: JSON.stringify({ userinfo: { shoe_size: { essential: true } } }),
    })
    expect((await userinfo(world, bearer(body.access_token))).body).not.toHaveProperty('shoe_size')
  })

  test('for another subject than the one who is signed in is not answered for this one', async () => {
    await using world = await startWorld()
    const { answer } = await opened(await world.signedIn(), world.client('wiki'), {
      prompt: 'none',
      claims: JSON.stringify({ id_token: { sub: { value: 'bob' } } }),
    })
    expect(answer?.['error']).toBe('login_required')
  })

  test.for(['not json', '[]', '{"id_token":"x"}'])(
    'that is not what it should be (%s) is refused',
    async (claims) => {
      await using world = await startWorld()
      const { answer } = await opened(await world.signedIn(), world.client('wiki'), { claims })
      expect(answer?.['error']).toBe('invalid_request')
    },
  )
})
