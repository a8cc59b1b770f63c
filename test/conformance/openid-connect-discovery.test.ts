import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { startWorld, type World } from '#test/oidc/world.ts'

/** `fetch` sets Host itself. */
async function withHost(world: World, path: string, host: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asking = request(
      { host: '127.0.0.1', port: world.port, path, headers: { host, accept: 'application/json' } },
      (answer) => text(answer).then((body) => resolve({ status: answer.statusCode ?? 0, body }), reject),
    )
    asking.on('error', reject).end()
  })
}

describe('OpenID Connect Discovery 1.0', () => {
  test('section 3: every address is under the issuer, and the issuer is the one configured', async () => {
    await using world = await startWorld()
    const response = await fetch(`${world.issuer}/.well-known/openid-configuration`)
    const document = (await response.json()) as Record<string, unknown>
    expect(document['issuer']).toBe(world.issuer)
    const addresses = Object.entries(document).filter(([name]) => /_(endpoint|uri)$/.test(name))
    expect(addresses.map(([name]) => name).toSorted()).toEqual([
      'authorization_endpoint',
      'end_session_endpoint',
      'introspection_endpoint',
      'jwks_uri',
      'pushed_authorization_request_endpoint',
      'revocation_endpoint',
      'token_endpoint',
      'userinfo_endpoint',
    ])
    for (const [, address] of addresses) expect(String(address)).toMatch(new RegExp(`^${world.issuer}/`))
  })

  test.for(['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'])(
    'invariant 11: %s says the same whatever Host and X-Forwarded-Host say',
    async (path) => {
      await using world = await startWorld()
      const honest = await (await fetch(`${world.issuer}${path}`)).text()
      expect((await withHost(world, path, 'evil.example')).body).toBe(honest)
      const forwarded = await fetch(`${world.issuer}${path}`, {
        headers: { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' },
      })
      expect(await forwarded.text()).toBe(honest)
    },
  )

  test('invariant 11: an authorization request with a foreign Host leads nowhere but to us', async () => {
    await using world = await startWorld()
    const client = world.client('wiki')
    const query = new URLSearchParams({
      client_id: 'wiki',
      redirect_uri: client.redirectUri,
      response_type: 'code',
      scope: 'openid',
      code_challenge: 'a'.repeat(43),
      code_challenge_method: 'S256',
    })
    const answer = await withHost(world, `/oauth/authorize?${query}`, 'evil.example')
    expect(answer.body).not.toContain('evil.example')
    expect(world.logLines.filter(({ level }) => level === 'error')).toEqual([])
  })

  test('section 3: what is announced is what is on, and nothing weak is', async () => {
    await using world = await startWorld()
    const document = (await (
      await fetch(`${world.issuer}/.well-known/openid-configuration`)
    ).json()) as Record<string, unknown>
    expect(document).toMatchObject({
      response_types_supported: ['code'],
      grant_types_supported: ['authorization_code', 'refresh_token'],
      code_challenge_methods_supported: ['S256'],
      id_token_signing_alg_values_supported: ['ES256', 'RS256'],
      subject_types_supported: ['public', 'pairwise'],
      authorization_response_iss_parameter_supported: true,
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
      request_uri_parameter_supported: false,
    })
    expect(document['acr_values_supported']).toEqual(['urn:gatehouse:acr:1', 'urn:gatehouse:acr:2', 'phr'])
  })

  test('section 4.1: the document may be read by any page, cached for minutes, and asked for by its tag', async () => {
    await using world = await startWorld()
    const address = `${world.issuer}/.well-known/openid-configuration`
    const first = await fetch(address)
    expect(first.headers.get('content-type')).toContain('application/json')
    expect(first.headers.get('access-control-allow-origin')).toBe('*')
    expect(first.headers.get('cache-control')).toBe('public, max-age=300')
    const again = await fetch(address, { headers: { 'if-none-match': first.headers.get('etag') ?? '' } })
    expect(again.status).toBe(304)
  })

  test('section 3: the key set holds public parts only, one key for each algorithm', async () => {
    await using world = await startWorld()
    const { keys } = (await (await fetch(`${world.issuer}/oauth/jwks`)).json()) as {
      keys: Record<string, unknown>[]
    }
    expect(keys.map(({ alg }) => alg).toSorted()).toEqual(['ES256', 'RS256'])
    for (const key of keys) {
      for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) expect(key).not.toHaveProperty(secret)
      expect(key).toMatchObject({ use: 'sig', kid: expect.any(String) })
    }
  })
})
