import { describe, expect, test } from 'vitest'
import { startGateway, type TestGateway } from '#test/support/gateway.ts'
import { ada, declaredApp } from '#test/support/two-apps.ts'
import { rawRequest, sendRaw, sessionCookie, signedIn, statusOf } from './attacker.ts'

const settings = { accounts: [ada], apps: [declaredApp('wiki', 'https://wiki.example.com')] }
const authorize = `/oauth/authorize?${new URLSearchParams({
  client_id: 'wiki',
  redirect_uri: 'https://wiki.example.com/callback',
  response_type: 'code',
  scope: 'openid',
  code_challenge: 'c'.repeat(43),
  code_challenge_method: 'S256',
})}`

describe('P: host and proxy', () => {
  test('N-161 whatever host a request names, links, issuer, cookies and redirects stay what they are', async () => {
    await using gateway = await startGateway({ settings })
    const cookie = cookieHeader(gateway, sessionCookie(gateway, await signedIn(gateway)) ?? '')
    const hosts: readonly (readonly string[])[] = [
      ['Host: evil.example'],
      ['Host: user@evil.example'],
      [`Host: localhost:${gateway.port}@evil.example`],
      ['Host: evil.example:99999'],
      ['Host: [::1]:evil.example'],
      ['Host: '],
      [
        `Host: localhost:${gateway.port}`,
        'X-Forwarded-Host: evil.example',
        'X-Forwarded-Proto: https',
        'X-Forwarded-Port: 443',
      ],
      [`Host: localhost:${gateway.port}`, 'Forwarded: for=1.2.3.4;host=evil.example;proto=https'],
      [
        `Host: localhost:${gateway.port}`,
        'X-Original-Host: evil.example',
        'X-HTTP-Host-Override: evil.example',
        'X-Host: evil.example',
      ],
      [
        `Host: localhost:${gateway.port}`,
        'X-Forwarded-Prefix: //evil.example',
        'X-Original-URL: //evil.example/',
      ],
    ]
    const targets = [
      '/',
      '/account',
      '/sign-in',
      '/sign-out',
      '/nowhere',
      authorize,
      '/.well-known/openid-configuration',
      '/.well-known/change-password',
      '/.well-known/passkey-endpoints',
      '/oauth/userinfo',
    ]
    for (const host of hosts) {
      for (const target of targets.flatMap((path) => [path, `http://evil.example${path}`])) {
        for (const who of [[], [cookie]]) {
          const answer = await sendRaw(
            gateway.port,
            rawRequest([`GET ${target} HTTP/1.1`, ...host, ...who, 'Accept: text/html']),
          )
          expect([host, target, /evil|; ?secure|https:\/\/localhost/i.exec(answer)?.[0]]).toEqual([
            host,
            target,
            undefined,
          ])
          expect([host, target, statusOf(answer)]).toEqual([
            host,
            target,
            expect.toSatisfy((status) => status < 500),
          ])
        }
      }
    }
  })

  test('N-162 forwarded addresses count from trusted hops alone, and of those only the last', async () => {
    for (const [trusted, forwarded, seen] of [
      [[], '192.0.2.1', '127.0.0.1'],
      [['10.0.0.0/8'], '192.0.2.1', '127.0.0.1'],
      [['127.0.0.1/32'], '192.0.2.1', '192.0.2.1'],
      [['127.0.0.1/32'], '6.6.6.6, 192.0.2.1', '192.0.2.1'],
      [['127.0.0.1/32', '192.0.2.0/24'], '6.6.6.6, 198.51.100.7, 192.0.2.1', '198.51.100.7'],
      [['127.0.0.1/32'], '6.6.6.6, nonsense', '127.0.0.1'],
      [['127.0.0.1/32'], '::ffff:192.0.2.1', '192.0.2.1'],
    ] as const) {
      await using gateway = await startGateway({ settings: { ...settings, trusted_proxies: trusted } })
      const planted = cookieHeader(gateway, 'A'.repeat(43))
      await sendRaw(
        gateway.port,
        rawRequest([
          'GET /account HTTP/1.1',
          'Host: x',
          planted,
          `X-Forwarded-For: ${forwarded}`,
          'Forwarded: for=6.6.6.6',
          'X-Real-IP: 6.6.6.6',
          'CF-Connecting-IP: 6.6.6.6',
        ]),
      )
      const line = gateway.logLines.find(({ message }) => message.includes('never issued'))
      expect([trusted, forwarded, line?.fields]).toEqual([trusted, forwarded, { address: seen }])
    }
  })

  test('N-165 what two readers could read in two ways is refused or counts for nothing, and is logged', async () => {
    await using gateway = await startGateway({ settings })
    const mine = sessionCookie(gateway, await signedIn(gateway)) ?? ''
    const other = sessionCookie(gateway, await signedIn(gateway)) ?? ''
    const head = ['POST /sign-in HTTP/1.1', 'Host: x', 'Content-Type: application/x-www-form-urlencoded']
    const smuggled = '0\r\n\r\nGET /account HTTP/1.1\r\nHost: x\r\n\r\n'
    for (const lines of [
      [...head, 'Content-Length: 4', 'Transfer-Encoding: chunked'],
      [...head, 'Transfer-Encoding: chunked', 'Content-Length: 4'],
      [...head, 'Content-Length: 4', 'Content-Length: 60'],
      [...head, 'Transfer-Encoding: chunked, identity'],
      [...head, 'Transfer-Encoding: identity, chunked, chunked'],
      [...head, 'Transfer-Encoding: xchunked'],
      [...head, 'Transfer-Encoding : chunked'],
      [...head, 'Transfer-Encoding:\x0bchunked'],
      [...head, 'Content-Length: 0\nTransfer-Encoding: chunked'],
      ['POST /sign-in HTTP/1.1', 'Host: x', 'Host: y', 'Content-Length : 4'],
    ]) {
      const answer = await sendRaw(gateway.port, rawRequest(lines, smuggled))
      expect([lines, statusOf(answer), answer.match(/^HTTP\/1\.1/gm)?.length]).toEqual([lines, 400, 1])
    }
    const { session } = gateway.gateway.cookieNames
    for (const cookies of [
      [`Cookie: ${session}=${mine}; ${session}=${other}`],
      [`Cookie: ${session}=${mine}`, `Cookie: ${session}=${other}`],
    ]) {
      const answer = await sendRaw(gateway.port, rawRequest(['GET /account HTTP/1.1', 'Host: x', ...cookies]))
      expect([cookies.length, statusOf(answer)]).toEqual([cookies.length, 303])
    }
    const reports = gateway.logLines.filter(({ message }) => message.includes('more than one cookie'))
    expect(reports).toHaveLength(2)
    // Two headers of which one is ours are one cookie.
    const split = await sendRaw(
      gateway.port,
      rawRequest(['GET /account HTTP/1.1', 'Host: x', 'Cookie: other=1', `Cookie: ${session}=${mine}`]),
    )
    expect(statusOf(split)).toBe(200)
  })
})

function cookieHeader({ gateway }: TestGateway, value: string): string {
  return `Cookie: ${gateway.cookieNames.session}=${value}`
}
