import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import type { AccountId } from '#gateway/kernel/ids.ts'
import { opened, redeemed } from '#test/oidc/opening.ts'
import { startWorld, type World } from '#test/oidc/world.ts'
import { claimsOf } from '#test/support/oauth.ts'

const operator = { kind: 'command-line' } as const

async function signedOut(world: World): Promise<{ sid: unknown }> {
  const { body } = await redeemed(await opened(await world.signedIn(), world.client('wiki')))
  await world.gateway.endSession({ kind: 'account', accountId: 'ada' as AccountId }, 'admin', operator)
  return { sid: claimsOf(body.id_token)['sid'] }
}

const requests = (world: World) =>
  world.receiver.received.filter(({ path }) => path === '/wiki/backchannel-logout')
const tokenIn = (body: string | undefined): string => new URLSearchParams(body).get('logout_token') ?? ''

describe('OpenID Connect Back-Channel Logout 1.0', () => {
  test('section 2.5: the app is sent one form field by POST', async () => {
    await using world = await startWorld()
    await signedOut(world)
    await world.gateway.dispatcher.runDue()
    const [sent] = requests(world)
    expect(sent?.method).toBe('POST')
    expect(sent?.headers['content-type']).toBe('application/x-www-form-urlencoded')
    expect([...new URLSearchParams(sent?.body).keys()]).toEqual(['logout_token'])
    expect(sent?.headers['cookie']).toBeUndefined()
  })

  test.for(['ES256', 'RS256'] as const)(
    'section 2.4: the token is what it must be, signed with the %s key',
    async (alg) => {
      await using world = await startWorld({
        apps: { wiki: { oidc: { id_token_signed_response_alg: alg } } },
      })
      const { sid } = await signedOut(world)
      await world.gateway.dispatcher.runDue()
      const token = tokenIn(requests(world)[0]?.body)
      const keys = (await (await fetch(`${world.issuer}/oauth/jwks`)).json()) as JSONWebKeySet
      const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(keys), {
        issuer: world.issuer,
        audience: 'wiki',
        typ: 'logout+jwt',
        algorithms: [alg],
      })
      const now = Math.floor(world.clock.now() / 1_000)
      expect(payload).toEqual({
        iss: world.issuer,
        aud: 'wiki',
        sub: 'ada',
        sid,
        iat: now,
        exp: now + 120,
        jti: expect.stringMatching(/^[\w-]{22}$/),
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      })
      expect(payload).not.toHaveProperty('nonce')
      expect(protectedHeader.kid).toBeDefined()
    },
  )

  test('section 2.4: each attempt has a token of its own, with the key of that moment', async () => {
    await using world = await startWorld()
    world.receiver.behave({ answer: 503 })
    await signedOut(world)
    await world.gateway.dispatcher.runDue()
    await world.gateway.keys.rotate({ publishAheadMs: 0, actor: operator })
    world.clock.advance({ hours: 1 })
    world.receiver.behave({ answer: 200 })
    await world.gateway.dispatcher.runDue()
    const [first, second] = requests(world).map(({ body }) => tokenIn(body))
    expect(decodeJwt(first ?? '').jti).not.toBe(decodeJwt(second ?? '').jti)
    expect(decodeJwt(first ?? '')['sid']).toBe(decodeJwt(second ?? '')['sid'])
    expect(decodeProtectedHeader(first ?? '').kid).not.toBe(decodeProtectedHeader(second ?? '').kid)
  })

  test.for([
    [200, 'delivered'],
    [204, 'delivered'],
    [400, 'pending'],
    [503, 'pending'],
    [302, 'pending'],
  ] as const)('section 2.8: %i leaves it %s', async ([answer, state]) => {
    await using world = await startWorld()
    const elsewhere = { location: `http://127.0.0.1:${world.receiver.port}/elsewhere` }
    await signedOut(world)
    world.receiver.behave({ answer, ...(answer === 302 ? { headers: elsewhere } : {}) })
    await world.gateway.dispatcher.runDue()
    const { stores } = world.gateway
    const logouts = await stores.logouts.list({ limit: 1 })
    const [delivery] = await stores.logouts.deliveriesOf(logouts.map(({ id }) => id))
    expect(delivery?.progress.state).toBe(state)
    // A redirect is an answer, not an address to send a token to.
    expect(world.receiver.received.some(({ path }) => path === '/elsewhere')).toBe(false)
  })
})
