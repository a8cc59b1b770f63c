import { describe, expect, test } from 'vitest'
import { opened, redeemed } from '#test/oidc/opening.ts'
import { startWorld } from '#test/oidc/world.ts'
import { createBrowser } from '#test/support/browser.ts'
import { ask, authorizationRequest, exchange } from '#test/support/oauth.ts'

describe('RFC 7636, Proof Key for Code Exchange', () => {
  test('section 4.6: the right verifier redeems the code', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    expect((await redeemed(await opened(browser, world.client('wiki')))).status).toBe(200)
  })

  test.for([
    ['without a challenge', { code_challenge: '', code_challenge_method: '' }],
    ['with a method but no challenge', { code_challenge: '' }],
    ['with the plain method', { code_challenge_method: 'plain' }],
    ['without a method, which means plain', { code_challenge_method: '' }],
    ['with a method nobody knows', { code_challenge_method: 'S512' }],
    ['with a challenge that is too short', { code_challenge: 'short' }],
  ] as const)('section 4.4.1: a request %s is refused', async ([, parameters]) => {
    await using world = await startWorld()
    const { answer } = await opened(createBrowser(), world.client('wiki'), { ...parameters })
    expect(answer).toMatchObject({ error: 'invalid_request', state: 'the-state' })
  })

  test.for([
    ['another verifier', { code_verifier: 'b'.repeat(43) }, 'invalid_grant'],
    ['no verifier', {}, 'invalid_grant'],
    ['a verifier that is too short', { code_verifier: 'short' }, 'invalid_request'],
  ] as const)('section 4.6: %s is refused', async ([, parameters, error]) => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const client = world.client('wiki')
    const { answer } = await opened(browser, client)
    const refused = await ask(client, client.endpoints.token, {
      grant_type: 'authorization_code',
      code: answer?.['code'] ?? '',
      redirect_uri: client.redirectUri,
      ...parameters,
    })
    expect(refused).toMatchObject({ status: 400, body: { error } })
  })

  test('section 4.5: the challenge of one request is no use for another', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const client = world.client('wiki')
    const first = await opened(browser, client)
    const second = await opened(browser, client)
    const crossed = await exchange(client, { code: first.answer?.['code'] ?? '', verifier: second.verifier })
    expect(crossed.body.error).toBe('invalid_grant')
  })

  test('RFC 9700 section 2.1.1: apps with a secret need it as much as apps without', async () => {
    await using world = await startWorld({
      apps: { app: { oidc: { client_secret: undefined, token_endpoint_auth_method: 'none' } }, wiki: {} },
    })
    for (const id of ['app', 'wiki']) {
      const parameters = { code_challenge: '', code_challenge_method: '' }
      const { answer } = await opened(createBrowser(), world.client(id), parameters)
      expect(answer?.['error']).toBe('invalid_request')
    }
    expect(authorizationRequest(world.client('app'), 'v'.repeat(43))).toHaveProperty('code_challenge')
  })
})
