import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rawRequest, sendRaw, statusOf, tracesIn } from '#test/attacks/attacker.ts'
import { startGateway, type TestGateway } from '#test/support/gateway.ts'
import { ada } from '#test/support/two-apps.ts'

describe('targets of requests', () => {
  let gateway: TestGateway
  beforeAll(async () => {
    gateway = await startGateway({ settings: { accounts: [ada] } })
    return () => gateway[Symbol.asyncDispose]()
  })

  const get = (target: string, ...headers: readonly string[]) =>
    sendRaw(
      gateway.port,
      rawRequest([
        `GET ${target} HTTP/1.1`,
        `Host: localhost:${gateway.port}`,
        'Accept: text/html',
        ...headers,
      ]),
    )

  test.for([
    '/nowhere',
    '/NOWHERE/../account',
    '//account',
    '/account/',
    '/Account',
    '/account//sessions',
    '/account/./sessions',
    '/account%2fconfirm',
    '/%61ccount',
    '/account;x=1',
    '/.env',
    '/.git/config',
    '/assets/../main.ts',
    '/assets/%2e%2e/main.ts',
    '/assets/..%2f..%2fpackage.json',
    '/assets/',
    '/assets',
    '/oauth',
    '/oauth/',
    '/oauth/token/',
    '/OAUTH/TOKEN',
    '/oauth/device/auth',
    '/oauth/reg',
    '/oauth/session/end',
    '/oauth/end-session/confirm',
    '/oauth/end-session/success',
    '/session/end/confirm',
    '/oauth/authorize/short',
    '/oauth/challenge',
    '/admin',
    '/api/v1/accounts',
    '/console/nothing',
    '/metrics',
    '/constructor',
    '/__proto__',
    '/toString',
    '/hasOwnProperty',
    '/sign-out/x/y/z',
    '/set-up',
    '/consent',
    `/${'a'.repeat(10_000)}`,
    `/${'a/'.repeat(4_000)}`,
    `/nowhere?${'a=b&'.repeat(2_000)}`,
  ])('%s is nothing, said in so many words', async (target) => {
    const answer = await get(target)
    expect(statusOf(answer)).toBe(404)
    expect(answer).toContain('There is nothing')
    expect(tracesIn(answer)).toEqual([])
    expect(answer).not.toContain('Set-Cookie')
  })

  test.for([
    '/%',
    '/%zz',
    '/%c3%28',
    '/account/%E0%A4%A',
    '/sign-out/%',
    '/sign-out/%zz',
    '/sign-out/%00',
    '/set-up/%ff',
    '/set-up/%c0%ae%c0%ae',
    '/sign-in?attempt=%',
    '/sign-in?attempt=%ff&attempt=%zz',
    '/sign-in?attempt[]=1&attempt[__proto__]=2',
    '/sign-in?__proto__[polluted]=1&constructor[prototype][polluted]=1',
    '/oauth/authorize?%',
    '/oauth/authorize?client_id=%ff%fe',
    '/oauth/authorize?client_id=%00',
    '/oauth/authorize?client_id[]=wiki',
    '/oauth/authorize?__proto__=1&constructor=2&hasOwnProperty=3',
    '/oauth/authorize?max_age=-1&client_id=x',
    '/oauth/authorize?claims={',
    '/oauth/authorize?request=%7B%7D&request_uri=x',
    '/oauth/end-session?id_token_hint=%ff',
    '/oauth/end-session?id_token_hint=a.b.c',
    '/oauth/end-session?id_token_hint=e30.e30.e30',
    '/oauth/end-session?id_token_hint=bnVsbA.bnVsbA.bnVsbA',
    '/oauth/end-session?state=%',
    '/oauth/end-session?state=1&state=2',
    '/oauth/end-session?__proto__=1',
    '/oauth/interaction/AAAAAAAAAAAAAAAAAAAAA?%zz',
    '/oauth/interaction/AAAAAAAAAAAAAAAAAAAAA/finish?cancel=yes&cancel=yes',
    '/oauth/userinfo?access_token=x',
  ])('%s is answered as what it is, a mistake of the caller', async (target) => {
    const answer = await get(target)
    expect(statusOf(answer)).toSatisfy((status: number) => (status >= 300 && status < 500) || status === 200)
    expect(tracesIn(answer)).toEqual([])
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  test('one of 20 KB, or with 20 KB behind the question mark, is refused before any code of ours sees it', async () => {
    expect(statusOf(await get(`/${'a'.repeat(20_000)}`))).toBe(431)
    expect(statusOf(await get(`/?${'a'.repeat(20_000)}`))).toBe(431)
  })

  test('an address is taken as written: whatever else it could mean, it reaches no page of ours by another name', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.constantFrom(
            '/',
            '.',
            '..',
            '%2e',
            '%2f',
            '%5c',
            '\\',
            ';',
            'account',
            'sign-in',
            '?',
            '%00',
            '%',
            'é',
          ),
          {
            minLength: 1,
            maxLength: 8,
          },
        ),
        async (parts) => {
          const status = statusOf(await get(`/${Buffer.from(parts.join('')).toString('latin1')}`))
          expect(status).toSatisfy((code: number) => code >= 200 && code < 500)
        },
      ),
      { seed: 201, numRuns: 150 },
    )
  })

  test('a target in absolute form is served for its path, whatever host it names', async () => {
    for (const target of [
      'http://evil.example/healthz',
      `http://localhost:${gateway.port}/healthz`,
      'https://a@evil.example/healthz',
    ]) {
      expect([target, statusOf(await get(target))]).toEqual([target, 200])
    }
    const discovery = await get('http://evil.example/.well-known/openid-configuration?x=1')
    expect(statusOf(discovery)).toBe(200)
    expect(discovery).not.toContain('evil.example')
    expect(statusOf(await get('/oauth/jwks?cache=no'))).toBe(200)
    for (const target of ['?', 'evil.example:443', '*', 'javascript:alert(1)', 'localhost']) {
      expect([target, statusOf(await get(target))]).toEqual([
        target,
        expect.toSatisfy((code) => code === 400 || code === 404),
      ])
    }
    // No path at all is the root.
    for (const target of ['http://', 'http://evil.example', 'http://?x=1']) {
      expect([target, statusOf(await get(target))]).toEqual([target, 303])
    }
  })

  afterAll(async () => {
    expect(gateway.logLines.filter(({ level }) => level === 'error')).toEqual([])
    expect((await fetch(`${gateway.issuer}/readyz`)).status).toBe(200)
  })
})
