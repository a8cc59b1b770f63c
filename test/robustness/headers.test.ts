import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rawRequest, sendRaw, statusOf, tracesIn } from '#test/attacks/attacker.ts'
import { startGateway, type TestGateway } from '#test/support/gateway.ts'
import { ada } from '#test/support/two-apps.ts'

describe('headers', () => {
  let gateway: TestGateway
  beforeAll(async () => {
    gateway = await startGateway({ settings: { accounts: [ada] } })
    return () => gateway[Symbol.asyncDispose]()
  })

  const get = (path: string, ...headers: readonly string[]) =>
    sendRaw(gateway.port, rawRequest([`GET ${path} HTTP/1.1`, `Host: localhost:${gateway.port}`, ...headers]))

  test.for<readonly [what: string, expected: number, headers: readonly string[]]>([
    ['a cookie of 20 KB', 431, [`Cookie: a=${'x'.repeat(20_000)}`]],
    ['twenty headers of 1 KB', 431, Array.from({ length: 20 }, (_, at) => `X-${at}: ${'x'.repeat(1_000)}`)],
    ['2,000 headers', 431, Array.from({ length: 2_000 }, (_, at) => `X-${at}: 1`)],
    ['a name of 20 KB', 431, [`${'x'.repeat(20_000)}: 1`]],
    ['a name that is none', 400, ['X Y: 1']],
    ['no colon', 400, ['nonsense']],
    ['a folded line', 400, ['X: 1', ' 2']],
    ['NUL', 400, ['X: a\0b']],
    ['an expectation that nobody meets', 417, ['Expect: the-impossible']],
  ])('%s is refused before any code of ours sees it', async ([, expected, headers]) => {
    expect(statusOf(await get('/', ...headers))).toBe(expected)
  })

  test.for<readonly [what: string, path: string, headers: readonly string[]]>([
    ['1,500 cookies', '/', [`Cookie: ${Array.from({ length: 1_500 }, (_, at) => `c${at}=1`).join('; ')}`]],
    ['a cookie header that is none', '/', ['Cookie: ;;;=;=;;%00;__proto__=1;constructor=2']],
    [
      'a cookie of ours that is not one',
      '/',
      ['Cookie: gatehouse-PORT=../../etc/passwd; gatehouse-PORT-browser=<script>'],
    ],
    [
      'an engine cookie that is not one',
      '/oauth/authorize/AAAAAAAAAAAAAAAAAAAAA',
      ['Cookie: gatehouse-PORT-resume=A; gatehouse-PORT-resume.sig=B'],
    ],
    ['an Accept that goes on and on', '/nowhere', [`Accept: ${'text/html;q=0.1,'.repeat(600)}`]],
    ['an Accept that is none', '/nowhere', ['Accept: ;;;,,,/;q=;q=x']],
    ['an encoding nobody has', '/healthz', ['Accept-Encoding: x;q=9, *;q=0']],
    ['languages nobody speaks', '/sign-in', [`Accept-Language: ${'xx-YY,'.repeat(1_000)}`]],
    ['a range', '/', ['Range: bytes=0-1,2-3,-4', 'If-Range: x']],
    ['conditions', '/oauth/jwks', ['If-None-Match: *, W/"x"', 'If-Modified-Since: never', 'If-Match: "x"']],
    ['an upgrade', '/', ['Upgrade: websocket', 'Sec-WebSocket-Key: x', 'Sec-WebSocket-Version: 13']],
    ['an upgrade to HTTP/2', '/', ['Upgrade: h2c', 'HTTP2-Settings: x']],
    ['forwarding that loops', '/', [`X-Forwarded-For: ${'127.0.0.1,'.repeat(1_000)}`]],
    [
      'forwarding that is nonsense',
      '/',
      ['X-Forwarded-For: [::, 999.1.1.1, \x01, %00, unknown', 'Forwarded: for="'],
    ],
    ['another method in a header', '/account', ['X-HTTP-Method-Override: DELETE', 'X-Method-Override: POST']],
    [
      'another path in a header',
      '/healthz',
      ['X-Original-URL: /account', 'X-Rewrite-URL: /account', 'X-Forwarded-Prefix: /admin'],
    ],
    ['a bearer that is none', '/oauth/userinfo', ['Authorization: Bearer', 'Content-Type: x']],
    ['a basic that is none', '/oauth/userinfo', ['Authorization: Basic %%%']],
    ['a proof that is none', '/oauth/userinfo', ['Authorization: DPoP x', 'DPoP: a.b.c']],
    ['a proof twice', '/oauth/userinfo', ['Authorization: DPoP x', 'DPoP: a', 'DPoP: b']],
  ])('%s does no harm', async ([, path, headers]) => {
    const answer = await get(
      path,
      ...headers.map((header) => header.replaceAll('PORT', String(gateway.port))),
    )
    expect(statusOf(answer)).toSatisfy((status: number) => status >= 200 && status < 500)
    expect(tracesIn(answer)).toEqual([])
    expect(answer).not.toMatch(/etc\/passwd|<script>/im)
  })

  test('no header of any name and value brings it down', async () => {
    const names = [
      'Accept',
      'Cookie',
      'Origin',
      'Referer',
      'Sec-Fetch-Site',
      'Authorization',
      'User-Agent',
      'If-None-Match',
      'Content-Type',
      'X-Forwarded-For',
      'X-Forwarded-Proto',
      'Forwarded',
      'DPoP',
      'Access-Control-Request-Method',
    ]
    const value = fc.oneof(
      fc.string({ unit: 'binary-ascii', maxLength: 60 }),
      fc.string({ unit: fc.constantFrom(...',;="/*+.-_ \t\\%<>{}()[]@:?'), maxLength: 60 }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(
          '/',
          '/sign-in',
          '/account',
          '/oauth/userinfo',
          '/oauth/authorize',
          '/oauth/jwks',
          '/nowhere',
        ),
        fc.array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 5 }),
        async (path, headers) => {
          const lines = headers.map(([name, text]) => `${name}: ${text.replaceAll(/[\r\n]/g, '')}`)
          const answer = await get(path, ...lines)
          expect(statusOf(answer)).toSatisfy((status: number) => status >= 200 && status < 500)
          expect(tracesIn(answer)).toEqual([])
        },
      ),
      { seed: 201, numRuns: 150 },
    )
  })

  afterAll(async () => {
    expect(gateway.logLines.filter(({ level }) => level === 'error')).toEqual([])
    expect((await fetch(`${gateway.issuer}/readyz`)).status).toBe(200)
  })
})
