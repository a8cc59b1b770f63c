import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import type { AccountId } from '#gateway/kernel/ids.ts'
import { anApp } from '#test/apps/builders.ts'
import { opened, redeemed } from '#test/oidc/opening.ts'
import { startWorld, type World } from '#test/oidc/world.ts'
import { claimsOf, refresh } from '#test/support/oauth.ts'

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

  test('section 2.1: discovery says that apps are told, and by which session; each ID token names it', async () => {
    await using world = await startWorld()
    const discovery = await (await fetch(`${world.issuer}/.well-known/openid-configuration`)).json()
    expect(discovery).toMatchObject({
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
    })
    const { body } = await redeemed(await opened(await world.signedIn(), world.client('wiki')))
    expect(claimsOf(body.id_token)['sid']).toEqual(expect.stringMatching(/./))
  })

  test('section 2.2: a query of the registered address is kept, and one with a fragment is not registered', async () => {
    const at = (more: string) => ({
      apps: { wiki: { oidc: { backchannel_logout_uri: `https://wiki.example${more}` } } },
    })
    await expect(startWorld(at('/logout#part'))).rejects.toThrow(/backchannel_logout_uri/)
    await using world = await startWorld()
    const id = 'asks'
    const { metadata } = anApp().oidc
    const { id: _i, state: _s, fileOwned: _f, createdAt: _c, updatedAt: _u, ...app } = anApp()
    const address = `http://127.0.0.1:${world.receiver.port}/asks?tenant=a%20b&x=1`
    const oidc = { metadata: { ...metadata, backchannel_logout_uri: address } }
    await world.gateway.commands.apps.add({ ...app, id, oidc }, operator)
    const redirectUri = metadata.redirect_uris[0] ?? ''
    await opened(await world.signedIn(), { ...world.client(id), redirectUri }).catch(() => undefined)
    await world.gateway.endSession({ kind: 'account', accountId: 'ada' as AccountId }, 'admin', operator)
    await world.gateway.dispatcher.runDue()
    expect(world.receiver.received.map(({ path }) => path)).toEqual(['/asks?tenant=a%20b&x=1'])
  })

  test('section 2.4: a pairwise subject is the one that the app knows', async () => {
    await using world = await startWorld({ apps: { wiki: { oidc: { subject_type: 'pairwise' } } } })
    const { body } = await redeemed(await opened(await world.signedIn(), world.client('wiki')))
    await world.gateway.endSession({ kind: 'account', accountId: 'ada' as AccountId }, 'admin', operator)
    const [told] = await world.told('wiki')
    expect(told?.sub).toBe(claimsOf(body.id_token)['sub'])
    expect(told?.sub).not.toBe('ada')
  })

  test('section 2.5: each session that ended is told by its own token, and who was not there is not told', async () => {
    await using world = await startWorld({ apps: { wiki: {}, desk: {} } })
    const sids = []
    for (let browser = 0; browser < 2; browser++) {
      const { body } = await redeemed(await opened(await world.signedIn(), world.client('wiki')))
      sids.push(claimsOf(body.id_token)['sid'])
    }
    await world.gateway.endSession({ kind: 'account', accountId: 'ada' as AccountId }, 'admin', operator)
    expect((await world.told('wiki')).map((token) => token['sid']).toSorted()).toEqual(sids.toSorted())
    expect(await world.told('desk')).toEqual([])
  })

  test('section 2.7: refresh tokens issued without offline_access are revoked', async () => {
    await using world = await startWorld()
    const client = world.client('wiki')
    const { body } = await redeemed(await opened(await world.signedIn(), client))
    await world.gateway.endSession({ kind: 'account', accountId: 'ada' as AccountId }, 'admin', operator)
    expect((await refresh(client, body.refresh_token ?? '')).body.error).toBe('invalid_grant')
  })
})
