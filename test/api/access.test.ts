import { describe, expect, test } from 'vitest'
import { apiScopes } from '#gateway/administration/api-key.ts'
import { dayMs } from '#gateway/kernel/clock.ts'
import { samples } from './requests.ts'
import { byShell, published, startWorld } from './world.ts'

describe('the published description', () => {
  test('names every route that there is, and there is every route that it names', async () => {
    await using world = await startWorld()
    const { operations } = await published(world)
    expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(
      samples.map(({ operation }) => operation).sort(),
    )
    for (const { method, path } of operations) {
      // A route that is there asks who comes; one that is not says so to everybody.
      expect([path, (await world.ask(method, path.replace('{id}', 'x'))).status]).toEqual([path, 401])
    }
    expect((await world.ask('GET', '/v1/no-such-thing')).status).toBe(404)
  })

  test('is OpenAPI 3.1, for everybody, and names the gateway by its issuer', async () => {
    await using world = await startWorld()
    const { status, body, headers } = await world.ask('GET', '/openapi.json')
    expect(status).toBe(200)
    expect(headers.get('content-type')).toMatch(/^application\/json/)
    expect(body).toMatchObject({ openapi: '3.1.0', servers: [{ url: world.issuer }] })
    expect(JSON.stringify(body)).not.toContain('undefined')
  })
})

describe.for(samples)('$operation', ({ operation, request }) => {
  const [method = ''] = operation.split(' ')

  test('answers a key with its scope, as it is published', async () => {
    await using world = await startWorld()
    const { operations } = await published(world)
    const it = operations.find((each) => `${each.method} ${each.path}` === operation)
    if (it === undefined) throw new Error(`${operation} is not published`)
    const { path, asked } = await request(world)
    const { status, headers, body, text } = await world.ask(method, path, {
      ...asked,
      key: await world.key(it.scope),
    })
    const said = it.type === 'application/json' ? body : text
    expect([status, said]).toEqual([200, it.answer.parse(said)])
    expect(headers.get('content-type')?.replace('; charset=utf-8', '')).toBe(it.type)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-z]{16}$/)
    expect(headers.get('set-cookie')).toBeNull()
  })

  test('refuses who shows no key, or one that is wrong, revoked or expired', async () => {
    await using world = await startWorld()
    const { problem } = await published(world)
    const { path, asked } = await request(world)
    const { apiKeys } = world.gateway.commands
    const all = { name: 'all', scopes: apiScopes }
    const revoked = await apiKeys.create(all, byShell)
    await apiKeys.revoke(revoked.key.id, byShell)
    const expired = await apiKeys.create({ ...all, expiresInMs: dayMs }, byShell)
    world.clock.advance({ days: 1 })

    const none = await world.ask(method, path, asked)
    expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="gatehouse"'])
    for (const key of [revoked.secret, expired.secret, `gh_${'A'.repeat(43)}`, 'gh_wrong', revoked.key.id]) {
      const { status, headers, body } = await world.ask(method, path, { ...asked, key })
      expect([key, status, body['code']]).toEqual([key, 401, 'api_key_invalid'])
      expect(headers.get('www-authenticate')).toBe('Bearer realm="gatehouse", error="invalid_token"')
      expect(headers.get('content-type')).toBe('application/problem+json')
      expect(problem.parse(body)).toMatchObject({ request_id: headers.get('x-request-id') })
      expect(JSON.stringify(body)).not.toContain(key)
    }
  })

  test('refuses a key that has every scope but the one it takes, and names that one', async () => {
    await using world = await startWorld()
    const { operations } = await published(world)
    const scope = operations.find((each) => `${each.method} ${each.path}` === operation)?.scope
    const { path, asked } = await request(world)
    const key = await world.key(...apiScopes.filter((each) => each !== scope))
    const { status, headers, body } = await world.ask(method, path, { ...asked, key })
    expect([status, body['code'], body['scope']]).toEqual([403, 'insufficient_scope', scope])
    expect(headers.get('www-authenticate')).toBe(
      `Bearer realm="gatehouse", error="insufficient_scope", scope="${scope}"`,
    )
  })

  test('takes a key in the header only: not by Basic, not in the address, not as a cookie', async () => {
    await using world = await startWorld()
    const { path, asked } = await request(world)
    const key = await world.key()
    const basic = `Basic ${Buffer.from(`${key}:`).toString('base64')}`
    for (const headers of [{ authorization: basic }, { authorization: key }, { 'x-api-key': key }]) {
      expect((await world.ask(method, path, { ...asked, headers })).status).toBe(401)
    }
    for (const name of ['access_token', 'api_key', 'key']) {
      expect((await world.ask(method, `${path}?${name}=${key}`, asked)).status).toBe(401)
      const both = await world.ask(method, `${path}?${name}=${key}`, { ...asked, key })
      expect([both.status, both.body['parameter']]).toEqual([400, name])
    }
    const cookie = `${world.gateway.cookieNames.session}=${key}`
    expect((await world.ask(method, path, { ...asked, cookie })).status).toBe(401)
    expect(JSON.stringify(world.logLines)).not.toContain(key)
  })

  test("N-181 answers an operator's session, for anything but reading only a fresh one with our Origin and header", async () => {
    await using world = await startWorld()
    const cookie = await world.cookieOf(world.operator)
    const { path, asked } = await request(world)
    const own = { origin: world.issuer, 'x-gatehouse': '1' }
    const refused = [
      {},
      { origin: world.issuer },
      { 'x-gatehouse': '1' },
      { ...own, origin: 'https://evil.example' },
      { ...own, origin: 'null' },
      { ...own, origin: `${world.issuer}.evil.example` },
      { ...own, 'x-gatehouse': 'true' },
      { ...own, 'sec-fetch-site': 'cross-site' },
      { ...own, 'sec-fetch-site': 'same-site' },
    ]
    for (const headers of method === 'GET' ? [] : refused) {
      const { status, body } = await world.ask(method, path, { ...asked, cookie, headers })
      expect([headers, status, body['code']]).toEqual([headers, 403, 'cross_site_request'])
    }
    const headers = method === 'GET' ? {} : own
    world.clock.advance({ minutes: 10, ms: 1 })
    const stale = await world.ask(method, path, { ...asked, cookie, headers })
    expect([stale.status, stale.body['code']]).toEqual(
      method === 'GET' ? [200, undefined] : [403, 'fresh_proof_needed'],
    )
    const fresh = await world.cookieOf(world.operator)
    expect((await world.ask(method, path, { ...asked, cookie: fresh, headers })).status).toBe(200)
  })

  test('N-191 refuses the session of anybody else, and of an operator who is none any more', async () => {
    await using world = await startWorld()
    const { path, asked } = await request(world)
    const headers = { origin: world.issuer, 'x-gatehouse': '1' }
    const theirs = await world.cookieOf(world.person)
    const once = await world.cookieOf(world.operator)
    await world.gateway.commands.accounts.change(world.operator.id, { operator: false }, byShell)
    for (const cookie of [theirs, once]) {
      const { status, body } = await world.ask(method, path, { ...asked, cookie, headers })
      expect([status, body['code']]).toEqual([403, 'forbidden'])
    }
    // A cookie adds nothing to a key, and takes nothing from it.
    const wrong = await world.ask(method, path, { ...asked, cookie: theirs, headers, key: 'gh_wrong' })
    expect(wrong.status).toBe(401)
  })
})
