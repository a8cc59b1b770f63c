import {
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  type GenerateKeyPairResult,
  generateKeyPair,
} from 'jose'
import * as oidc from 'openid-client'
import { describe, expect, test } from 'vitest'
import { openReceiver } from '#test/support/receiver.ts'
import { ada, signInAtGateway } from '#test/support/two-apps.ts'
import { answerAt, ask, discover, redirectUri, signOut, startGatewayFor, tokensFor } from './relying-party.ts'

const algorithms = ['ES256', 'RS256'] as const

describe('openid-client finds the gateway', () => {
  test('by discovery, with every endpoint at the issuer', async () => {
    await using gateway = await startGatewayFor({ wiki: {} })
    const found = (await discover(gateway, 'wiki')).serverMetadata()
    expect(found.issuer).toBe(gateway.issuer)
    for (const [name, url] of Object.entries(found).filter(([key]) => /_(endpoint|uri)$/.test(key))) {
      expect([name, url]).toEqual([name, expect.stringMatching(new RegExp(`^${gateway.issuer}/oauth/`))])
    }
    expect(found).toMatchObject({
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      id_token_signing_alg_values_supported: expect.arrayContaining(['ES256', 'RS256']),
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
      authorization_response_iss_parameter_supported: true,
      end_session_endpoint: `${gateway.issuer}/oauth/end-session`,
    })
  })
})

describe('openid-client signs a person in', () => {
  test.for(algorithms)(
    'with code and PKCE; the ID token is %s and says who, how, when and in which session',
    async (alg) => {
      await using gateway = await startGatewayFor({ wiki: { id_token_signed_response_alg: alg } })
      const config = await discover(gateway, 'wiki', { metadata: { id_token_signed_response_alg: alg } })
      oidc.enableNonRepudiationChecks(config)
      const browser = await signInAtGateway(gateway)
      const signedInAt = Math.floor(gateway.clock.now() / 1_000)
      gateway.clock.advance({ minutes: 3 })

      const tokens = await tokensFor(browser, config)

      expect(decodeProtectedHeader(tokens.id_token ?? '')).toMatchObject({ alg, kid: expect.any(String) })
      expect(tokens.claims()).toMatchObject({
        iss: gateway.issuer,
        aud: 'wiki',
        sub: ada.id,
        acr: 'urn:gatehouse:acr:1',
        amr: ['pwd'],
        auth_time: signedInAt,
        sid: expect.stringMatching(/^\S{20,}$/),
      })
    },
  )

  test('and checks that the answer comes from this issuer (RFC 9207)', async () => {
    await using gateway = await startGatewayFor({ wiki: {} })
    const config = await discover(gateway, 'wiki')
    const browser = await signInAtGateway(gateway)
    const asked = await ask(config)
    const answer = await answerAt(browser, asked)
    if (!(answer instanceof URL)) throw new Error('a redirect was expected')
    expect(answer.searchParams.get('iss')).toBe(gateway.issuer)

    const mixedUp = new URL(answer)
    mixedUp.searchParams.set('iss', 'http://localhost:1')
    await expect(oidc.authorizationCodeGrant(config, mixedUp, asked.checks)).rejects.toMatchObject({
      cause: { message: expect.stringContaining('"iss"') },
    })
    await expect(oidc.authorizationCodeGrant(config, answer, asked.checks)).resolves.toBeDefined()
  })

  test('by a form that posts the answer, with its issuer', async () => {
    await using gateway = await startGatewayFor({ wiki: {} })
    const config = await discover(gateway, 'wiki')
    const browser = await signInAtGateway(gateway)
    const asked = await ask(config, { response_mode: 'form_post' })
    const answer = await answerAt(browser, asked)
    if (answer instanceof URL) throw new Error('a form was expected')
    expect(answer.url).toBe(redirectUri)
    expect((await answer.clone().formData()).get('iss')).toBe(gateway.issuer)

    const tokens = await oidc.authorizationCodeGrant(config, answer, asked.checks)
    expect(tokens.claims()?.sub).toBe(ada.id)
  })

  test('with a pushed authorization request, and an app that must push cannot do without', async () => {
    await using gateway = await startGatewayFor({ wiki: { require_pushed_authorization_requests: true } })
    const config = await discover(gateway, 'wiki')
    const browser = await signInAtGateway(gateway)
    const pushed = await ask(config, {}, { pushed: true })
    expect([...pushed.url.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri'])
    const tokens = await oidc.authorizationCodeGrant(config, await answerAt(browser, pushed), pushed.checks)
    expect(tokens.claims()?.sub).toBe(ada.id)

    const plain = await ask(config)
    const refused = await answerAt(browser, plain)
    await expect(oidc.authorizationCodeGrant(config, refused, plain.checks)).rejects.toMatchObject({
      error: 'invalid_request',
    })
  })

  test('as a public app, by PKCE alone', async () => {
    await using gateway = await startGatewayFor({ phone: { token_endpoint_auth_method: 'none' } })
    const config = await discover(gateway, 'phone', { authentication: oidc.None() })
    const tokens = await tokensFor(await signInAtGateway(gateway), config)
    expect(tokens.claims()?.sub).toBe(ada.id)
  })

  test('with a key instead of a secret, and with no other key', async () => {
    const own = await generateKeyPair('ES256', { extractable: true })
    const other = await generateKeyPair('ES256')
    await using gateway = await startGatewayFor({
      wiki: {
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [{ ...(await exportJWK(own.publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] },
      },
    })
    const browser = await signInAtGateway(gateway)
    const withKey = (pair: GenerateKeyPairResult) =>
      discover(gateway, 'wiki', { authentication: oidc.PrivateKeyJwt({ key: pair.privateKey, kid: 'one' }) })

    expect((await tokensFor(browser, await withKey(own))).claims()?.sub).toBe(ada.id)
    await expect(tokensFor(browser, await withKey(other))).rejects.toMatchObject({ error: 'invalid_client' })
  })

  test('under a subject that no other app sees, in tokens, userinfo and the logout token alike', async () => {
    await using receiver = await openReceiver()
    const pairwise = { subject_type: 'pairwise', backchannel_logout_uri: receiver.url }
    await using gateway = await startGatewayFor({ clinic: pairwise, club: { subject_type: 'pairwise' } })
    const browser = await signInAtGateway(gateway)
    const clinic = await discover(gateway, 'clinic')
    const atClinic = await tokensFor(browser, clinic)
    const atClub = await tokensFor(browser, await discover(gateway, 'club'))
    const subject = atClinic.claims()?.sub ?? ''
    expect(new Set([subject, atClub.claims()?.sub, ada.id]).size).toBe(3)
    // openid-client compares the two itself.
    await expect(oidc.fetchUserInfo(clinic, atClinic.access_token, subject)).resolves.toMatchObject({
      sub: subject,
    })

    await signOut(browser, clinic, atClinic.id_token)
    await gateway.gateway.dispatcher.runDue()
    const token = new URLSearchParams(receiver.received[0]?.body).get('logout_token') ?? ''
    expect(decodeJwt(token).sub).toBe(subject)
  })
})
