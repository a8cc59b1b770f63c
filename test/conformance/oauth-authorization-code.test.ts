import { describe, expect, test } from 'vitest'
import { opened, redeemed } from '#test/oidc/opening.ts'
import { startWorld } from '#test/oidc/world.ts'
import { createBrowser } from '#test/support/browser.ts'
import { ask, exchange, isActive, userinfoStatus } from '#test/support/oauth.ts'

describe('RFC 6749, section 4.1.3: redeeming a code', () => {
  test('works once, with everything as it was asked', async () => {
    await using world = await startWorld()
    const answer = await redeemed(await opened(await world.signedIn(), world.client('wiki')))
    expect(answer).toMatchObject({
      status: 200,
      body: { token_type: 'Bearer', expires_in: 600, scope: 'openid email' },
    })
  })

  test('works in its last second and no longer', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const inTime = await opened(browser, world.client('wiki'))
    world.clock.advance({ seconds: 59 })
    expect((await redeemed(inTime)).status).toBe(200)
    const late = await opened(browser, world.client('wiki'))
    world.clock.advance({ seconds: 60 })
    expect((await redeemed(late)).body.error).toBe('invalid_grant')
  })

  test('with another redirect URI is refused', async () => {
    await using world = await startWorld()
    const { answer, verifier } = await opened(await world.signedIn(), world.client('wiki'))
    const client = { ...world.client('wiki'), redirectUri: 'http://127.0.0.1:9/elsewhere' }
    const refused = await exchange(client, { code: answer?.['code'] ?? '', verifier })
    expect(refused.body.error).toBe('invalid_grant')
  })

  test('without a redirect URI is refused', async () => {
    await using world = await startWorld()
    const client = world.client('wiki')
    const { answer, verifier } = await opened(await world.signedIn(), client)
    const refused = await ask(client, client.endpoints.token, {
      grant_type: 'authorization_code',
      code: answer?.['code'] ?? '',
      code_verifier: verifier,
    })
    expect(refused.body.error).toMatch(/^invalid_(grant|request)$/)
  })

  test('as another app is refused', async () => {
    await using world = await startWorld()
    const { answer, verifier } = await opened(await world.signedIn(), world.client('wiki'))
    const thief = { ...world.client('board'), redirectUri: world.client('wiki').redirectUri }
    const refused = await exchange(thief, { code: answer?.['code'] ?? '', verifier })
    expect(refused.body.error).toBe('invalid_grant')
  })

  test('with a wrong secret, or none, is invalid_client', async () => {
    await using world = await startWorld()
    const opening = await opened(await world.signedIn(), world.client('wiki'))
    const code = { code: opening.answer?.['code'] ?? '', verifier: opening.verifier }
    const wrong = await exchange({ ...opening.client, clientSecret: 'w'.repeat(40) }, code)
    expect(wrong).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
    const { clientId, redirectUri, endpoints } = opening.client
    const parameters = {
      grant_type: 'authorization_code',
      client_id: clientId,
      code: code.code,
      code_verifier: code.verifier,
      redirect_uri: redirectUri,
    }
    const silent = await ask(opening.client, endpoints.token, parameters, {})
    expect(silent.body.error).toBe('invalid_client')
  })

  test('twice is refused, and takes back what the first time gave (section 4.1.2)', async () => {
    await using world = await startWorld()
    const opening = await opened(await world.signedIn(), world.client('wiki'))
    const { body } = await redeemed(opening)
    const [access = '', refresh = ''] = [body.access_token, body.refresh_token]
    expect(await isActive(opening.client, refresh)).toBe(true)
    expect((await redeemed(opening)).body.error).toBe('invalid_grant')
    expect(await isActive(opening.client, access)).toBe(false)
    expect(await isActive(opening.client, refresh)).toBe(false)
    expect(await userinfoStatus(opening.client, access)).toBe(401)
  })

  test('that was never issued is refused', async () => {
    await using world = await startWorld()
    const refused = await exchange(world.client('wiki'), { code: 'x'.repeat(43), verifier: 'v'.repeat(43) })
    expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })
})

describe('RFC 6749, section 4.1.2.1: a request that must not be answered at its redirect URI', () => {
  test.for([
    ['an address that is not registered', { redirect_uri: 'https://evil.example/' }],
    ['a registered address with something after it', { redirect_uri: '+/more' }],
    ['a registered address with a query', { redirect_uri: '+?x=1' }],
    ['a registered address in other letters', { redirect_uri: 'upper' }],
    ['no address', { redirect_uri: '' }],
    ['an app that nobody registered', { client_id: 'nobody' }],
    ['no app', { client_id: '' }],
  ] as const)('%s is told to the person on a page of ours', async ([, parameters]) => {
    await using world = await startWorld()
    const registered = world.client('wiki').redirectUri
    const changed: Record<string, string> = { ...parameters }
    const uri = changed['redirect_uri']
    if (uri?.startsWith('+') === true) changed['redirect_uri'] = `${registered}${uri.slice(1)}`
    if (uri === 'upper') changed['redirect_uri'] = registered.replace('callback', 'CALLBACK')
    const { page } = await opened(createBrowser(), world.client('wiki'), changed)
    expect(page.url.startsWith(world.issuer)).toBe(true)
    expect(page.status).toBe(400)
    expect(page.text).toContain('<h1>')
    expect(world.receiver.received).toEqual([])
  })
})

describe('RFC 6749, section 4.1.2.1: what is answered at the redirect URI', () => {
  test.for([
    ['a response type that we do not have', { response_type: 'token' }, 'unsupported_response_type'],
    ['tokens through the address bar', { response_type: 'code id_token' }, 'unsupported_response_type'],
    ['a request object', { request: 'eyJhbGciOiJub25lIn0.e30.' }, 'request_not_supported'],
  ] as const)('%s', async ([, parameters, error]) => {
    await using world = await startWorld()
    const { answer } = await opened(createBrowser(), world.client('wiki'), { ...parameters })
    expect(answer).toMatchObject({ error, state: 'the-state', iss: world.issuer })
  })

  test('a scope beyond what the app may have is invalid_scope', async () => {
    await using world = await startWorld({ apps: { wiki: { oidc: { scope: 'openid email' } } } })
    const { answer } = await opened(createBrowser(), world.client('wiki'), { scope: 'openid groups' })
    expect(answer?.['error']).toBe('invalid_scope')
  })
})
