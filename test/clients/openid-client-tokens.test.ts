import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose'
import * as oidc from 'openid-client'
import { describe, expect, test } from 'vitest'
import type { TestGateway } from '#test/support/gateway.ts'
import { openReceiver } from '#test/support/receiver.ts'
import { ada, signInAtGateway } from '#test/support/two-apps.ts'
import { discover, signedOutUri, signOut, startGatewayFor, tokensFor } from './relying-party.ts'

const refreshing = { grant_types: ['authorization_code', 'refresh_token'] }
const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'

describe('openid-client uses its tokens', () => {
  test('to ask who the person is', async () => {
    await using gateway = await startGatewayFor({ wiki: {} })
    const config = await discover(gateway, 'wiki')
    const tokens = await tokensFor(await signInAtGateway(gateway), config)
    expect(await oidc.fetchUserInfo(config, tokens.access_token, ada.id)).toMatchObject({
      sub: ada.id,
      email: ada.email,
      email_verified: true,
      name: ada.name,
    })
  })

  test('to refresh: each refresh token is used once, and the new ID token names the same session', async () => {
    await using gateway = await startGatewayFor({ wiki: refreshing })
    const config = await discover(gateway, 'wiki')
    const first = await tokensFor(await signInAtGateway(gateway), config)
    gateway.clock.advance({ minutes: 11 })
    expect(await isActive(config, first.access_token)).toBe(false)

    const second = await oidc.refreshTokenGrant(config, first.refresh_token ?? '')
    expect(second.refresh_token).not.toBe(first.refresh_token)
    const { sid, sub, auth_time } = claimsOf(first)
    expect(claimsOf(second)).toMatchObject({ sid, sub, auth_time })
    expect(await isActive(config, second.access_token)).toBe(true)

    gateway.clock.advance({ minutes: 1 })
    await expect(oidc.refreshTokenGrant(config, first.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    })
  })

  test('to look into them, and to give them back', async () => {
    await using gateway = await startGatewayFor({ wiki: refreshing, board: {} })
    const config = await discover(gateway, 'wiki')
    const browser = await signInAtGateway(gateway)
    const { access_token, refresh_token = '' } = await tokensFor(browser, config)
    expect(await oidc.tokenIntrospection(config, access_token)).toMatchObject({
      active: true,
      client_id: 'wiki',
      sub: ada.id,
      iss: gateway.issuer,
    })
    // N-065: of another app's tokens an app learns nothing.
    expect(await isActive(await discover(gateway, 'board'), access_token)).toBe(false)

    await oidc.tokenRevocation(config, refresh_token)
    expect(await isActive(config, refresh_token)).toBe(false)
    await expect(oidc.refreshTokenGrant(config, refresh_token)).rejects.toMatchObject({
      error: 'invalid_grant',
    })
  })

  test('bound to a key of its own (DPoP): whoever holds the token alone holds nothing', async () => {
    await using gateway = await startGatewayFor({ wiki: refreshing })
    const config = await discover(gateway, 'wiki')
    const browser = await signInAtGateway(gateway)
    const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'))
    const tokens = await tokensFor(browser, config, { DPoP })
    expect(tokens.token_type).toBe('dpop')
    expect(await oidc.fetchUserInfo(config, tokens.access_token, ada.id, { DPoP })).toMatchObject({
      sub: ada.id,
    })

    await expect(oidc.fetchUserInfo(config, tokens.access_token, ada.id)).rejects.toMatchObject({
      status: 401,
    })
    const another = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'))
    await expect(
      oidc.fetchUserInfo(config, tokens.access_token, ada.id, { DPoP: another }),
    ).rejects.toMatchObject({ status: 401 })

    const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '', {}, { DPoP })
    expect(refreshed.token_type).toBe('dpop')
  })
})

describe('openid-client signs a person out', () => {
  test('and gets them back where it asked, with its state; tokens die with the session', async () => {
    await using gateway = await startGatewayFor({ wiki: refreshing })
    const config = await discover(gateway, 'wiki')
    const browser = await signInAtGateway(gateway)
    const tokens = await tokensFor(browser, config)
    expect(await isActive(config, tokens.access_token)).toBe(true)

    const to = await signOut(browser, config, tokens.id_token)

    expect(to).toBe(`${signedOutUri}?state=as-it-was`)
    expect(await isActive(config, tokens.access_token)).toBe(false)
    await expect(oidc.fetchUserInfo(config, tokens.access_token, ada.id)).rejects.toMatchObject({
      status: 401,
    })
    await expect(oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    })
  })

  test.for(['ES256', 'RS256'] as const)(
    'and is told in a token signed with %s, which jose accepts',
    async (alg) => {
      await using receiver = await openReceiver()
      await using gateway = await startGatewayFor({
        wiki: {
          id_token_signed_response_alg: alg,
          backchannel_logout_uri: receiver.url,
          backchannel_logout_session_required: true,
        },
      })
      const config = await discover(gateway, 'wiki', { metadata: { id_token_signed_response_alg: alg } })
      const browser = await signInAtGateway(gateway)
      const tokens = await tokensFor(browser, config)
      await signOut(browser, config, tokens.id_token)
      await gateway.gateway.dispatcher.runDue()

      const [told] = receiver.received
      expect(told).toMatchObject({
        method: 'POST',
        path: '/logout',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      })
      const payload = await acceptLogoutToken(gateway, alg, told?.body ?? '')
      expect(payload).toMatchObject({
        sub: ada.id,
        sid: tokens.claims()?.['sid'],
        events: { [logoutEvent]: {} },
      })
      // Back-Channel Logout 1.0 section 2.4: so that it can never pass for an ID token.
      expect(payload).not.toHaveProperty('nonce')
      expect(receiver.received).toHaveLength(1)
    },
  )
})

function claimsOf(tokens: oidc.TokenEndpointResponseHelpers): oidc.IDToken {
  const claims = tokens.claims()
  if (claims === undefined) throw new Error('there is no ID token')
  return claims
}

async function isActive(config: oidc.Configuration, token: string): Promise<boolean> {
  return (await oidc.tokenIntrospection(config, token)).active
}

/** As a careful app does: key by `kid` from the published set, algorithm, type, issuer, audience and times. */
async function acceptLogoutToken(gateway: TestGateway, alg: string, body: string): Promise<JWTPayload> {
  const keys = createRemoteJWKSet(new URL(`${gateway.issuer}/oauth/jwks`))
  const { payload } = await jwtVerify(new URLSearchParams(body).get('logout_token') ?? '', keys, {
    algorithms: [alg],
    typ: 'logout+jwt',
    issuer: gateway.issuer,
    audience: 'wiki',
    requiredClaims: ['iat', 'exp', 'jti', 'sub', 'sid', 'events'],
    maxTokenAge: '2m',
  })
  return payload
}
