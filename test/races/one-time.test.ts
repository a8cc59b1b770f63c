import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import {
  type Answer,
  ask,
  authorizationRequest,
  type Client,
  codeFor,
  exchange,
  follow,
} from '#test/support/oauth.ts'
import { type RaceGateway, startRaceGateway } from '#test/support/race-gateway.ts'
import { forms } from './forms.ts'

const times = 20

describe.for(forms)('what others issue for one use ($form)', ({ options }) => {
  test('N-062 one client assertion authenticates one of many requests', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    const jwk: JWK = { ...(await exportJWK(publicKey)), kid: 'robot', alg: 'ES256', use: 'sig' }
    await using target = await startRaceGateway({
      ...options,
      appIds: ['robot'],
      oidc: {
        robot: {
          client_secret: undefined,
          token_endpoint_auth_method: 'private_key_jwt',
          jwks: { keys: [jwk] },
        },
      },
    })
    const robot = only(target)
    const assertion = (jti: string): Promise<string> =>
      new SignJWT({ jti })
        .setProtectedHeader({ alg: 'ES256', kid: 'robot' })
        .setIssuer('robot')
        .setSubject('robot')
        .setAudience(target.issuer)
        .setIssuedAt(new Date())
        .setExpirationTime(new Date(Date.now() + 60_000))
        .sign(privateKey)
    const introspectAs = (proof: string): Promise<Answer> =>
      ask(
        robot,
        robot.endpoints.introspect,
        {
          token: 'unknown',
          client_id: 'robot',
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: proof,
        },
        {},
      )

    const once = await assertion(randomUUID())
    const statuses = (await many(() => introspectAs(once))).map(({ status }) => status).sort()
    expect(statuses).toEqual([200, ...Array.from({ length: times - 1 }, () => 401)])
    expect((await introspectAs(await assertion(randomUUID()))).status).toBe(200)
  })

  test('N-055 one DPoP proof gets tokens for one of many codes', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    const jwk = await exportJWK(publicKey)
    await using target = await startRaceGateway({ ...options, appIds: ['wiki'] })
    const wiki = only(target)
    const { browser } = await target.signIn()
    const proof = await new SignJWT({ jti: randomUUID(), htm: 'POST', htu: wiki.endpoints.token })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
      .setIssuedAt(new Date())
      .sign(privateKey)
    const codes = await many(() => codeFor(browser, wiki))
    const answers = await Promise.all(codes.map((code) => exchange(wiki, code, { dpop: proof })))
    expect(answers.filter(({ status }) => status === 200)).toMatchObject([{ body: { token_type: 'DPoP' } }])
    const refusals = new Set(answers.flatMap(({ body }) => body.error ?? []))
    expect([...refusals]).toEqual(['invalid_grant'])
  })

  test('N-044 one pushed request is used by one of many browsers', async () => {
    await using target = await startRaceGateway({ ...options, appIds: ['wiki'] })
    const wiki = only(target)
    const verifier = randomUUID() + randomUUID()
    const pushed = await ask(wiki, wiki.endpoints.par, authorizationRequest(wiki, verifier))
    expect(pushed.status).toBe(201)
    const query = new URLSearchParams({
      client_id: wiki.clientId,
      request_uri: pushed.body.request_uri ?? '',
    })
    const browsers = await many(async () => (await target.signIn()).browser)
    const outcomes = await Promise.all(
      browsers.map((browser) => follow(browser, wiki, `${wiki.endpoints.authorize}?${query}`, verifier)),
    )
    expect(outcomes.filter(({ kind }) => kind === 'code')).toHaveLength(1)
    // Who found it before it was used hears so at the app; who came later finds nothing and stays on our page.
    const refused = outcomes.flatMap((outcome) =>
      outcome.kind === 'code' ? [] : [outcome.kind === 'error' ? outcome.error : outcome.status],
    )
    expect(refused).toHaveLength(times - 1)
    expect(['invalid_request_uri', 400]).toEqual(expect.arrayContaining([...new Set(refused)]))
  })
})

function many<T>(work: () => Promise<T>): Promise<readonly T[]> {
  return Promise.all(Array.from({ length: times }, work))
}

function only({ clients }: RaceGateway): Client {
  const [client] = clients
  if (client === undefined) throw new Error('no app')
  return client
}
