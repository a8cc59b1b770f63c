import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { rawRequest, sendRaw, statusOf, tracesIn } from '#test/attacks/attacker.ts'
import { startWorld } from './world.ts'

const marker = 'evil-marker'

describe('what a request asks', () => {
  test.for<[string, string, string]>([
    ['a parameter that there is not', '/v1/sessions?stat=active', 'stat'],
    ['one of another list', '/v1/logouts?ip=127.0.0.1', 'ip'],
    ['one where none is taken', '/v1/sessions/ses_x?limit=1', 'limit'],
    ['a limit of 0', '/v1/sessions?limit=0', 'limit'],
    ['a limit of 201', '/v1/logouts?limit=201', 'limit'],
    ['a limit that is no number', '/v1/sessions?limit=1e2', 'limit'],
    ['a state that there is not', '/v1/sessions?state=expired', 'state'],
    ['an address that is none', '/v1/sessions?ip=127.0.0.1%2F8', 'ip'],
    ['an address as only a program reads it', '/v1/sessions?ip=0x7f.1', 'ip'],
    ['an account that cannot be one', '/v1/sessions?account=%27', 'account'],
    ['an app that cannot be one', '/v1/logouts?app=a%20b', 'app'],
    ['nothing for a cursor', '/v1/sessions?cursor=', 'cursor'],
  ])('with %s is 400 and names it', async ([, path, name]) => {
    await using world = await startWorld()
    const { status, body } = await world.ask('GET', path, { key: await world.key() })
    expect([status, body['code'], body['parameter']]).toEqual([400, 'input_invalid', name])
    expect(String(body['detail'])).toMatch(/^[A-Za-z:. _/-]/)
  })

  test('up to the limits is taken', async () => {
    await using world = await startWorld()
    const key = await world.key()
    for (const limit of [1, 9, 50, 99, 100, 199, 200]) {
      expect([limit, (await world.ask('GET', `/v1/sessions?limit=${limit}`, { key })).status]).toEqual([
        limit,
        200,
      ])
    }
  })

  test('twice is 400: two readers would disagree on which one counts', async () => {
    await using world = await startWorld()
    const key = await world.key()
    const { status } = await world.ask('GET', '/v1/sessions?state=active&state=ended', { key })
    expect(status).toBe(400)
  })

  test.for<[string, string]>([
    ['text/plain', '{"all":true}'],
    ['application/x-www-form-urlencoded', 'all=true'],
    ['multipart/form-data; boundary=x', '--x--'],
    ['application/json+x', '{"all":true}'],
    ['text/json', '{"all":true}'],
  ])('N-181 as %s is refused, whoever asks', async ([type, raw]) => {
    await using world = await startWorld()
    const asked = { raw, headers: { 'content-type': type } }
    const withKey = await world.ask('POST', '/v1/deliveries/retry', { ...asked, key: await world.key() })
    expect([withKey.status, withKey.body['code']]).toEqual([415, 'media_type_unsupported'])
    const cookie = await world.cookieOf(world.operator)
    const headers = { ...asked.headers, origin: world.issuer, 'x-gatehouse': '1' }
    const withCookie = await world.ask('POST', '/v1/deliveries/retry', { ...asked, cookie, headers })
    expect(withCookie.status).toBe(415)
  })

  test.for<[string, string, number]>([
    ['JSON that breaks off', '{"all": tr', 400],
    ['nothing', ' ', 400],
    ['a field that there is not', '{"all":true,"user":"ada"}', 400],
    ['more than 64 KB', JSON.stringify({ app: 'x'.repeat(70_000) }), 413],
    ['JSON that is not UTF-8 in another set', '"\\ud800"', 400],
  ])('as %s is refused with a document', async ([, raw, status]) => {
    await using world = await startWorld()
    const headers = { 'content-type': 'application/json' }
    const answer = await world.ask('POST', '/v1/deliveries/retry', { raw, headers, key: await world.key() })
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.body).toMatchObject({ type: 'about:blank', status, request_id: expect.any(String) })
  })

  test('with a body where none is taken is refused', async () => {
    await using world = await startWorld()
    const session = await world.begin()
    const key = await world.key()
    const { status } = await world.ask('DELETE', `/v1/sessions/${session.id}`, { json: { all: true }, key })
    expect(status).toBe(400)
    expect((await world.gateway.stores.sessions.find(session.id))?.ended).toBeUndefined()
  })

  test('is never repeated in an answer or a line of the log', async () => {
    await using world = await startWorld()
    const key = await world.key()
    const evil = `${marker}\u0001\u001b[31m<script>`
    for (const path of [
      `/v1/sessions?cursor=${encodeURIComponent(evil)}`,
      `/v1/sessions?account=${encodeURIComponent(evil)}`,
      `/v1/sessions/${encodeURIComponent(evil)}`,
      `/v1/${encodeURIComponent(evil)}`,
    ]) {
      const { text, headers } = await world.ask('GET', path, { key })
      expect(text).not.toContain(marker)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(tracesIn(text)).toEqual([])
    }
    const named = await world.ask('GET', `/v1/sessions?${encodeURIComponent(`${'x'.repeat(99)}\u001b`)}=1`, {
      key,
    })
    expect(named.body['parameter']).toBe('x'.repeat(64))
  })
})

describe('how it is asked', () => {
  test('by another method is 405 with what there is; HEAD is GET without the body; OPTIONS lists', async () => {
    await using world = await startWorld()
    const key = await world.key()
    const post = await world.ask('POST', '/v1/sessions', { key })
    expect([post.status, post.headers.get('allow'), post.body['code']]).toEqual([
      405,
      'HEAD, GET',
      'method_not_allowed',
    ])
    const patch = await world.ask('PATCH', '/v1/sessions/ses_x', { key })
    expect([patch.status, patch.headers.get('allow')]).toEqual([405, 'HEAD, GET, DELETE'])
    const head = await world.ask('HEAD', '/v1/sessions', { key })
    expect([head.status, head.text, head.headers.get('content-type')]).toEqual([
      200,
      '',
      'application/json; charset=utf-8',
    ])
    expect((await world.ask('HEAD', '/v1/sessions')).status).toBe(401)
    const options = await world.ask('OPTIONS', '/v1/sessions')
    expect([options.status, options.headers.get('allow'), options.text]).toEqual([200, 'HEAD, GET', ''])
  })

  test('N-186 from a page of another site gets no leave to read anything', async () => {
    await using world = await startWorld()
    const key = await world.key()
    const preflight = {
      origin: 'https://evil.example',
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'authorization, x-gatehouse',
    }
    for (const [method, path] of [
      ['OPTIONS', '/v1/sessions'],
      ['GET', '/v1/sessions'],
      ['GET', '/openapi.json'],
      ['GET', '/v1/none'],
    ] as const) {
      const { headers } = await world.ask(method, path, { key, headers: preflight })
      expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
    }
  })

  test('as an address that there is not is a document too, whatever the caller would like', async () => {
    await using world = await startWorld()
    for (const path of [
      '/',
      '/v1',
      '/v1/',
      '/v2/sessions',
      '/v1/sessions/',
      '/v1/Sessions',
      '/v1/sessions//x',
    ]) {
      const { status, headers, body } = await world.ask('GET', path, { headers: { accept: 'text/html' } })
      expect([path, status, body['code']]).toEqual([path, 404, 'not_found'])
      expect(headers.get('content-type')).toBe('application/problem+json')
    }
  })

  test('by so many at once that people would have to wait is 429 with when to come back', async () => {
    await using world = await startWorld()
    const key = await world.key()
    const session = await world.begin()
    // Each of these waits for a body that does not come.
    const head = [
      'POST /api/v1/deliveries/retry HTTP/1.1',
      `Host: localhost:${world.port}`,
      `Authorization: Bearer ${key}`,
      'Content-Type: application/json',
      'Content-Length: 12',
    ]
    const held = Array.from({ length: 32 }, () => connect(world.port, '127.0.0.1'))
    for (const socket of held) socket.write(rawRequest(head, '{'))
    const path = `/v1/sessions/${session.id}`
    let refused = await world.ask('GET', path, { key })
    for (let tried = 0; tried < 100 && refused.status === 200; tried += 1) {
      refused = await world.ask('GET', path, { key })
    }
    expect([refused.status, refused.headers.get('retry-after'), refused.body['code']]).toEqual([
      429,
      '1',
      'throttled',
    ])
    for (const socket of held) socket.destroy()
    let served = await world.ask('GET', path, { key })
    for (let tried = 0; tried < 100 && served.status === 429; tried += 1)
      served = await world.ask('GET', path, { key })
    expect(served.status).toBe(200)
  })

  test('with a key over a socket that says Host as it likes answers the same', async () => {
    await using world = await startWorld()
    const lines = ['GET /api/openapi.json HTTP/1.1', 'Host: evil.example']
    const answer = await sendRaw(world.port, rawRequest(lines))
    expect(statusOf(answer)).toBe(200)
    expect(answer).not.toContain('evil.example')
  })
})
