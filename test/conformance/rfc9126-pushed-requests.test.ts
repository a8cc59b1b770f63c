import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { requestUrl } from '#test/oidc/opening.ts'
import { startWorld } from '#test/oidc/world.ts'
import { createBrowser } from '#test/support/browser.ts'
import { ask, authorizationRequest, type Client, exchange } from '#test/support/oauth.ts'

async function push(client: Client, parameters: Record<string, string> = {}) {
  const verifier = randomBytes(32).toString('base64url')
  const request = { ...authorizationRequest(client, verifier), ...parameters }
  const answer = await ask(client, client.endpoints.par, request)
  return {
    verifier,
    answer,
    url: requestUrl(client, { client_id: client.clientId, request_uri: answer.body.request_uri ?? '' }),
  }
}

describe('RFC 9126, Pushed Authorization Requests', () => {
  test('section 2: a pushed request leads to a code as any other', async () => {
    await using world = await startWorld()
    const client = world.client('wiki')
    const { verifier, answer, url } = await push(client)
    expect(answer).toMatchObject({ status: 201, body: { expires_in: 60 } })
    const page = await (await world.signedIn()).get(url)
    const code = new URL(page.url).searchParams.get('code') ?? ''
    expect((await exchange(client, { code, verifier })).status).toBe(200)
  })

  test('section 2.3: what is wrong with it is said when it is pushed', async () => {
    await using world = await startWorld()
    const client = world.client('wiki')
    expect((await push(client, { redirect_uri: 'https://evil.example/' })).answer.status).toBe(400)
    expect((await push(client, { code_challenge_method: 'plain' })).answer.body.error).toBe('invalid_request')
    const stranger = { ...client, clientSecret: 'w'.repeat(40) }
    expect((await push(stranger)).answer.body.error).toBe('invalid_client')
  })

  test('section 4: it is used once', async () => {
    await using world = await startWorld()
    const { url } = await push(world.client('wiki'))
    const browser = await world.signedIn()
    expect(new URL((await browser.get(url)).url).searchParams.get('code')).not.toBeNull()
    const again = await browser.get(url)
    expect([again.status, again.url.startsWith(world.issuer)]).toEqual([400, true])
  })

  test('section 4: it expires, and another app cannot use it', async () => {
    await using world = await startWorld()
    const { url } = await push(world.client('wiki'))
    const browser = await world.signedIn()
    const stolen = await browser.get(url.replace('client_id=wiki', 'client_id=board'))
    expect(stolen.url.startsWith(world.issuer)).toBe(true)
    world.clock.advance({ seconds: 61 })
    expect((await browser.get(url)).status).toBe(400)
  })

  test('section 5: an app that says so takes pushed requests only', async () => {
    await using world = await startWorld({
      apps: { wiki: { oidc: { require_pushed_authorization_requests: true } } },
    })
    const client = world.client('wiki')
    const challenge = createHash('sha256').update('v'.repeat(43)).digest('base64url')
    const plain = requestUrl(client, { ...authorizationRequest(client, ''), code_challenge: challenge })
    const refused = await createBrowser().get(plain)
    expect(new URL(refused.url).searchParams.get('code')).toBeNull()
    expect(refused.text + refused.url).not.toContain('/sign-in')
    const page = await (await world.signedIn()).get((await push(client)).url)
    expect(new URL(page.url).searchParams.get('code')).not.toBeNull()
  })
})
