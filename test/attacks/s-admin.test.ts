import { describe, expect, test } from 'vitest'
import { apiScopes } from '#gateway/administration/api-key.ts'
import { samples } from '#test/api/requests.ts'
import { published, startWorld } from '#test/api/world.ts'
import { rawRequest, sendRaw, statusOf } from './attacker.ts'

const reads = apiScopes.filter((scope) => scope.endsWith(':read'))

/** What those routes take that take a body. */
const bodies: Readonly<Record<string, unknown>> = {
  '/v1/deliveries/retry': { all: true },
  '/v1/sessions/end': { where: { account: 'acc_nobody' } },
}

describe('S: operators and their programs', () => {
  test('N-191 a key that may only read changes nothing, at any route', async () => {
    await using world = await startWorld()
    const { operations } = await published(world)
    const key = await world.key(...reads)
    const session = await world.begin('wiki')
    const { logoutId } = await world.ended('mute')
    const before = await world.gateway.stores.audit.list({ limit: 1 })
    for (const { method, path, scope } of operations) {
      const id = path.startsWith('/v1/sessions') ? session.id : path.includes('logouts') ? logoutId : 'wiki'
      const json = path in bodies ? { json: bodies[path] } : {}
      const { status } = await world.ask(method, path.replace('{id}', id), { key, ...json })
      const may = scope.endsWith(':read')
      expect([method, path, status === 403]).toEqual([method, path, !may])
      // Whatever is not a GET takes a scope that does more than read.
      expect([method, may]).toEqual([method, method === 'GET'])
    }
    expect(await world.gateway.stores.audit.list({ limit: 1 })).toEqual(before)
  })

  test('N-191 a scope opens its own routes and no others', async () => {
    await using world = await startWorld()
    const { operations } = await published(world)
    for (const scope of apiScopes) {
      const key = await world.key(scope)
      for (const { method, path, scope: needed } of operations.filter(
        (each) => each.path !== '/v1/apps/{id}/check',
      )) {
        const json = path in bodies ? { json: bodies[path] } : {}
        const { status } = await world.ask(method, path.replace('{id}', 'x'), { key, ...json })
        expect([scope, method, path, status === 403]).toEqual([scope, method, path, scope !== needed])
      }
    }
  })

  test('N-191 a key cannot make keys, change accounts or reach a page: it is no way up', async () => {
    await using world = await startWorld()
    const key = await world.key()
    for (const path of [
      '/v1/api-keys',
      '/v1/accounts',
      `/v1/accounts/${world.person.id}/disable`,
      '/v1/keys',
    ]) {
      for (const method of ['GET', 'POST', 'DELETE', 'PUT', 'PATCH']) {
        expect((await world.ask(method, path, { key })).status).toBe(404)
      }
    }
    const page = await fetch(`${world.issuer}/account`, {
      redirect: 'manual',
      headers: { authorization: `Bearer ${key}`, accept: 'text/html' },
    })
    expect(page.status).toBe(303)
  })

  test('N-192 an id of another kind of record opens nothing', async () => {
    await using world = await startWorld()
    const key = await world.key()
    const { session, logoutId } = await world.ended('wiki')
    const [delivery] = await world.gateway.stores.logouts.deliveriesOf([logoutId])
    const ids = [session.id, logoutId, delivery?.id, world.person.id, 'wiki']
    for (const [path, own] of [
      ['/v1/sessions/', session.id],
      ['/v1/logouts/', logoutId],
    ] as const) {
      for (const id of ids) {
        expect([path, id, (await world.ask('GET', `${path}${id}`, { key })).status]).toEqual([
          path,
          id,
          id === own ? 200 : 404,
        ])
      }
    }
  })

  test('N-193 nothing in a request names who is asking: not a field, not a parameter, not a header', async () => {
    await using world = await startWorld()
    const { id } = world.operator
    const session = await world.begin('wiki')
    const claims = {
      'x-account-id': id,
      'x-forwarded-user': id,
      'remote-user': 'olga@example.com',
      'x-api-key': await world.key(),
      cookie: `account=${id}; ${world.gateway.cookieNames.session}=${session.id}`,
    }
    for (const name of ['account_id', 'actor', 'by', 'userId', 'operator']) {
      const anonymous = await world.ask('POST', '/v1/deliveries/retry', {
        json: { all: true, [name]: id },
        headers: claims,
      })
      expect(anonymous.status).toBe(401)
      const key = await world.key('logouts:retry')
      const field = await world.ask('POST', '/v1/deliveries/retry', { key, json: { all: true, [name]: id } })
      expect([field.status, field.body['code']]).toEqual([400, 'input_invalid'])
      const parameter = await world.ask('DELETE', `/v1/sessions/${session.id}?${name}=${id}`, {
        key: await world.key(),
      })
      expect([parameter.status, parameter.body['parameter']]).toEqual([400, name])
    }
    expect((await world.gateway.stores.sessions.find(session.id))?.ended).toBeUndefined()
  })

  test('N-196 no other spelling of an address reaches a route around its check', async () => {
    await using world = await startWorld()
    const { id } = await world.begin('wiki')
    const spellings = [
      `/api/v1/sessions/${id}`,
      `//api/v1/sessions/${id}`,
      `/api//v1/sessions/${id}`,
      `/api/v1/sessions/${id}/`,
      `/api/v1/./sessions/${id}`,
      `/sign-in/../api/v1/sessions/${id}`,
      `/assets/..%2fapi/v1/sessions/${id}`,
      `/%61pi/v1/sessions/${id}`,
      `/API/v1/sessions/${id}`,
      `/api/v1/Sessions/${id}`,
      `/api/v1/sessions;x/${id}`,
      `/api/v1/sessions/${id};x`,
      `/api/v1/sessions/${id}%00`,
      `/api/v1/sessions%2f${id}`,
      `/api\\v1\\sessions\\${id}`,
      `http://localhost:${world.port}/api/v1/sessions/${id}`,
      `http://evil.example/api/v1/sessions/${id}`,
    ]
    for (const target of spellings) {
      for (const method of ['GET', 'DELETE']) {
        const headers = [
          `Host: localhost:${world.port}`,
          'X-Original-URL: /healthz',
          'X-Rewrite-URL: /healthz',
        ]
        const answer = await sendRaw(world.port, rawRequest([`${method} ${target} HTTP/1.1`, ...headers]))
        expect([method, target, [400, 401, 404, 405].includes(statusOf(answer))]).toEqual([
          method,
          target,
          true,
        ])
        expect(answer).not.toContain('ada@example.com')
      }
      const override = [
        `Host: localhost:${world.port}`,
        'X-HTTP-Method-Override: DELETE',
        'Content-Length: 0',
      ]
      const answer = await sendRaw(world.port, rawRequest([`POST ${target} HTTP/1.1`, ...override]))
      expect(statusOf(answer)).toBeGreaterThanOrEqual(400)
    }
    expect((await world.gateway.stores.sessions.find(id))?.ended).toBeUndefined()
  })
})

describe('T: what programs send', () => {
  test('N-203 no key of a body, a query or a cursor reaches a prototype', async () => {
    await using world = await startWorld()
    const key = await world.key()
    for (const raw of [
      '{"__proto__":{"all":true}}',
      '{"constructor":{"prototype":{"all":true}}}',
      '{"all":true,"__proto__":{"polluted":1}}',
      '{"app":{"__proto__":{"polluted":1}}}',
    ]) {
      const headers = { 'content-type': 'application/json' }
      expect((await world.ask('POST', '/v1/deliveries/retry', { key, raw, headers })).status).toBe(400)
    }
    for (const name of [
      '__proto__',
      'constructor',
      'prototype',
      '__proto__[all]',
      'toString',
      'hasOwnProperty',
    ]) {
      expect((await world.ask('GET', `/v1/sessions?${encodeURIComponent(name)}=1`, { key })).status).toBe(400)
    }
    for (const id of ['__proto__', 'constructor', 'toString']) {
      expect((await world.ask('GET', `/v1/sessions/${id}`, { key })).status).toBe(404)
      expect((await world.ask('POST', `/v1/apps/${id}/check`, { key })).status).toBe(404)
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    expect(({} as Record<string, unknown>)['all']).toBeUndefined()
  })

  test('N-204 a cursor that we did not make is 400, and none finds more than its list holds', async () => {
    await using world = await startWorld()
    const session = await world.begin('wiki')
    const { logoutId } = await world.ended('wiki')
    const key = await world.key()
    const encoded = (text: string): string => Buffer.from(text).toString('base64url')
    const at = world.clock.now()
    const garbage = [
      'x',
      '..%2f',
      encoded(''),
      encoded('0'),
      encoded(`${at}`),
      encoded(`${at} ' or 1=1 --`),
      encoded(`${at} ses_x'; drop table sso_sessions; --`),
      encoded(`${at} acc_x`),
      encoded(`-1 ${session.id}`),
      encoded(`1e9 ${session.id}`),
      encoded(`0${at} ${session.id}`),
      encoded(`99999999999999999999 ${session.id}`),
      encoded(`NaN ${session.id}`),
      encoded(`${at}  ${session.id}`),
      encoded(`${at} ${session.id}\n`),
      encoded(JSON.stringify({ startedAt: at, id: session.id })),
      `${encoded(`${at} ${session.id}`)}=`,
      encoded(`${at} ${session.id}`).repeat(50),
    ]
    for (const list of ['sessions', 'logouts']) {
      for (const cursor of garbage) {
        const { status, body } = await world.ask('GET', `/v1/${list}?cursor=${cursor}`, { key })
        expect([list, cursor, status, body['parameter']]).toEqual([list, cursor, 400, 'cursor'])
      }
    }
    const other = await world.ask('GET', `/v1/sessions?cursor=${encoded(`${at} ${logoutId}`)}`, { key })
    expect(other.status).toBe(400)
    // One that could be ours is only a place in the list, whoever made it.
    const made = await world.ask('GET', `/v1/sessions?cursor=${encoded(`${at + 1} ses_zzz`)}`, { key })
    const all = await world.ask('GET', '/v1/sessions', { key })
    expect(made.body).toEqual(all.body)
  })

  test('N-204 no filter reaches a statement as SQL', async () => {
    await using world = await startWorld()
    await world.begin('wiki')
    const key = await world.key()
    for (const injected of [
      "' or '1'='1",
      "x' union select * from api_keys --",
      '1; drop table sso_sessions',
      '%',
      '_',
    ]) {
      for (const path of ['/v1/sessions', '/v1/logouts']) {
        for (const name of ['account', 'app', 'ip', 'state', 'limit', 'cursor']) {
          const { status } = await world.ask('GET', `${path}?${name}=${encodeURIComponent(injected)}`, {
            key,
          })
          expect([path, name, injected, status]).toEqual([path, name, injected, 400])
        }
      }
      const email = `${injected}@example.com`
      const { status, body } = await world.ask('GET', `/v1/sessions?account=${encodeURIComponent(email)}`, {
        key,
      })
      expect([200, 400]).toContain(status)
      expect(body['data'] ?? []).toEqual([])
    }
    expect(await world.gateway.stores.sessions.countActive(10)).toBe(1)
  })

  test('N-202 no key is in any line of the log, however it was shown', async () => {
    await using world = await startWorld()
    const key = await world.key()
    for (const { operation, request } of samples) {
      const { path, asked } = await request(world)
      const [method = ''] = operation.split(' ')
      await world.ask(method, path, { ...asked, key })
      await world.ask(method, `${path}?key=${key}`, { ...asked, key })
      await world.ask(method, `/v1/sessions/${key}`, { ...asked, key })
      await world.ask(method, path, { ...asked, headers: { authorization: `Basic ${key}` } })
    }
    await sendRaw(
      world.port,
      rawRequest([
        'GET /api/v1/sessions HTTP/1.1',
        `Host: localhost:${world.port}`,
        `Authorization: Bearer ${key} x`,
      ]),
    )
    expect(world.logLines.length).toBeGreaterThan(5)
    expect(JSON.stringify(world.logLines)).not.toContain(key.slice(3))
    const dump = JSON.stringify(await world.gateway.stores.audit.list({ limit: 200 }))
    expect(dump).not.toContain(key.slice(3))
  })
})
