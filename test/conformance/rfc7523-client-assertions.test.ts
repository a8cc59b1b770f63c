import { exportJWK, generateKeyPair, type JWTHeaderParameters, SignJWT } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { opened } from '#test/oidc/opening.ts'
import { startWorld, type World } from '#test/oidc/world.ts'
import { ask, authorizationRequest } from '#test/support/oauth.ts'

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

describe('RFC 7523, section 3, and OpenID Connect Core 1.0, section 9: an app that proves itself with its own key', () => {
  let own: Awaited<ReturnType<typeof generateKeyPair>>
  let strange: Awaited<ReturnType<typeof generateKeyPair>>
  let apps: Record<string, { oidc: Record<string, unknown> }>
  beforeAll(async () => {
    own = await generateKeyPair('ES256', { extractable: true })
    strange = await generateKeyPair('ES256', { extractable: true })
    const key = { ...(await exportJWK(own.publicKey)), kid: 'k1', use: 'sig', alg: 'ES256' }
    const oidc = {
      client_secret: undefined,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [key] },
    }
    apps = { signer: { oidc }, wiki: { oidc: {} } }
  })

  interface Changes {
    readonly claims?: Record<string, unknown>
    readonly key?: CryptoKey | Uint8Array
    readonly header?: JWTHeaderParameters
  }

  /** An assertion as it should be, but for what is changed. */
  function assertion(
    world: World,
    { claims = {}, key = own.privateKey, header }: Changes = {},
  ): Promise<string> {
    const now = Math.floor(world.clock.now() / 1_000)
    return new SignJWT({
      iss: 'signer',
      sub: 'signer',
      aud: world.issuer,
      jti: crypto.randomUUID(),
      iat: now,
      exp: now + 60,
      ...claims,
    })
      .setProtectedHeader(header ?? { alg: 'ES256', kid: 'k1' })
      .sign(key)
  }

  /** Pushes a request, which takes nothing but the proof of who asks. */
  function push(world: World, client_assertion: string) {
    const client = world.client('signer')
    return ask(
      client,
      client.endpoints.par,
      {
        ...authorizationRequest(client, 'v'.repeat(43)),
        client_assertion,
        client_assertion_type: assertionType,
      },
      {},
    )
  }

  test('is let in', async () => {
    await using world = await startWorld({ apps })
    expect((await push(world, await assertion(world))).status).toBe(201)
  })

  test.for([
    ['ES256', 'ES256', 201],
    ['RS256', 'ES256', 401],
    ['EdDSA', 'ES256', 401],
    ['PS256', 'PS256', 201],
    ['PS256', 'RS256', 401],
    ['EdDSA', 'EdDSA', 201],
  ] as const)(
    'registered for %s alone and signing with %s is answered %i',
    async ([registered, alg, status]) => {
      const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
      const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k2', use: 'sig' }] }
      const oidc = { ...apps['signer']?.oidc, jwks, token_endpoint_auth_signing_alg: registered }
      await using world = await startWorld({ apps: { signer: { oidc } } })
      const answer = await push(
        world,
        await assertion(world, { key: privateKey, header: { alg, kid: 'k2' } }),
      )
      expect(answer.status).toBe(status)
    },
  )

  test('redeems a code with it', async () => {
    await using world = await startWorld({ apps })
    const client = world.client('signer')
    const { answer, verifier } = await opened(await world.signedIn(), client)
    const redeeming = {
      grant_type: 'authorization_code',
      code: answer?.['code'] ?? '',
      code_verifier: verifier,
      redirect_uri: client.redirectUri,
      client_assertion: await assertion(world),
      client_assertion_type: assertionType,
    }
    expect((await ask(client, client.endpoints.token, redeeming, {})).status).toBe(200)
  })

  test('is refused the second time it shows the same proof, and of ten at once one is let in', async () => {
    await using world = await startWorld({ apps, seed: 5 })
    const once = await assertion(world)
    expect((await push(world, once)).status).toBe(201)
    expect(await push(world, once)).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
    const many = await assertion(world)
    const answers = await Promise.all(Array.from({ length: 10 }, () => push(world, many)))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
  })

  const wrong: readonly (readonly [string, (world: World) => Changes])[] = [
    ["another's key", () => ({ key: strange.privateKey })],
    ['another audience', () => ({ claims: { aud: 'https://elsewhere.example' } })],
    ['no audience', () => ({ claims: { aud: undefined } })],
    ['another issuer than subject', () => ({ claims: { iss: 'wiki' } })],
    ['no id of its own', () => ({ claims: { jti: undefined } })],
    ['no expiry', () => ({ claims: { exp: undefined } })],
    ['an expiry in the past', (world) => ({ claims: { exp: Math.floor(world.clock.now() / 1_000) - 60 } })],
    [
      'a shared secret as its key',
      () => ({ key: Buffer.from('s'.repeat(64)), header: { alg: 'HS256', kid: 'k1' } }),
    ],
  ]
  test.for(wrong)('is refused with %s', async ([, changes]) => {
    await using world = await startWorld({ apps })
    const refused = await push(world, await assertion(world, changes(world)))
    expect(refused).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
  })

  test('is refused without a signature', async () => {
    await using world = await startWorld({ apps })
    const [, payload] = (await assertion(world)).split('.')
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`
    expect((await push(world, none)).body.error).toBe('invalid_client')
  })
})
