import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rawRequest, sendRaw, signedIn, statusOf, tracesIn } from '#test/attacks/attacker.ts'
import type { Browser } from '#test/support/browser.ts'
import { startGateway, type TestGateway } from '#test/support/gateway.ts'
import { ada, declaredApp } from '#test/support/two-apps.ts'
import { addresses } from './addresses.ts'

const form = 'application/x-www-form-urlencoded'
const json = 'application/json'
const marker = 'evil-marker'

interface Sent {
  readonly what: string
  readonly type: string
  readonly body: string | Uint8Array<ArrayBuffer>
  readonly headers?: Readonly<Record<string, string>>
}

/** What is wrong by itself, whatever address it is sent to. */
const malformed: readonly Sent[] = [
  { what: 'a form of 100 KB', type: form, body: `a=${'x'.repeat(100_000)}` },
  {
    what: 'a form of 10,000 fields',
    type: form,
    body: Array.from({ length: 10_000 }, (_, at) => `f${at}=1`).join('&'),
  },
  { what: 'a form whose escapes are broken', type: form, body: `csrf=%zz&email=%&x=%u0041${marker}` },
  {
    what: 'a form that is not UTF-8',
    type: form,
    body: new Uint8Array([0x61, 0x3d, 0xff, 0xfe, 0xc0, 0xaf]),
  },
  { what: 'a form with NUL', type: form, body: `email=ada%00@example.com&csrf=${marker}` },
  {
    what: 'a form with a field twice',
    type: form,
    body: `csrf=1&csrf=2&grant_type=a&grant_type=b&client_id=x&client_id=y`,
  },
  {
    what: 'a form that reaches for prototypes',
    type: form,
    body: '__proto__=1&constructor=2&prototype=3&a[__proto__][polluted]=1',
  },
  { what: 'a form that says it is JSON', type: json, body: `csrf=${marker}` },
  { what: 'JSON that says it is a form', type: form, body: JSON.stringify({ csrf: marker }) },
  { what: 'JSON that breaks off', type: json, body: `{"attempt": "${marker}` },
  { what: 'JSON of 100 KB', type: json, body: JSON.stringify({ attempt: 'x'.repeat(100_000) }) },
  { what: 'JSON 30,000 deep', type: json, body: '['.repeat(30_000) + ']'.repeat(30_000) },
  {
    what: 'JSON with a prototype',
    type: json,
    body: '{"__proto__":{"polluted":1},"attempt":{"constructor":{"prototype":{"polluted":1}}}}',
  },
  { what: 'JSON that is a number', type: json, body: '1e999' },
  { what: 'JSON that is null', type: json, body: 'null' },
  { what: 'JSON that is not UTF-8', type: json, body: new Uint8Array([0x22, 0xff, 0x22]) },
  { what: 'nothing at all', type: form, body: '' },
  { what: 'nothing that says it is JSON', type: json, body: '' },
  { what: 'plain text', type: 'text/plain', body: `csrf=${marker}` },
  {
    what: 'several parts',
    type: 'multipart/form-data; boundary=x',
    body: `--x\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n${marker}\r\n--x--\r\n`,
  },
  {
    what: 'XML',
    type: 'application/xml',
    body: '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>',
  },
  { what: 'a type that is none', type: 'x', body: marker },
  { what: 'another character set', type: `${form}; charset=utf-7`, body: `csrf=${marker}` },
  {
    what: 'a form said to be compressed',
    type: form,
    body: `csrf=${marker}`,
    headers: { 'content-encoding': 'gzip' },
  },
  {
    what: 'a form that overrides its method',
    type: form,
    body: `_method=DELETE&csrf=${marker}`,
    headers: { 'x-http-method-override': 'DELETE' },
  },
]

describe('bodies that are wrong in themselves', () => {
  let gateway: TestGateway
  let browser: Browser
  beforeAll(async () => {
    gateway = await startGateway({
      settings: { accounts: [ada], apps: [declaredApp('wiki', 'https://wiki.example.com')] },
    })
    browser = await signedIn(gateway)
    return () => gateway[Symbol.asyncDispose]()
  })

  test.for(addresses.filter(({ body }) => body !== undefined))(
    '$path refuses them, and keeps its head',
    async ({ path }) => {
      for (const sent of malformed) {
        const response = await fetch(`${gateway.issuer}${path}`, {
          method: 'POST',
          redirect: 'manual',
          headers: {
            'content-type': sent.type,
            accept: 'text/html',
            origin: gateway.issuer,
            'sec-fetch-site': 'same-origin',
            cookie: [...browser.cookiesFor(gateway.issuer)]
              .map(([name, value]) => `${name}=${value}`)
              .join('; '),
            ...sent.headers,
          },
          body: sent.body,
        })
        const text = await response.text()
        // Signing out at an app's wish needs no field at all: nothing said asks the person.
        const fine = path === '/oauth/end-session' ? [303] : []
        expect([sent.what, response.status]).toEqual([
          sent.what,
          expect.toSatisfy((status) => (status >= 400 && status < 500) || fine.includes(status)),
        ])
        expect(tracesIn(text)).toEqual([])
        expect(text).not.toContain(marker)
        expect(response.headers.getSetCookie()).toEqual([])
      }
    },
  )

  test('one that announces more than it sends, or sends more than it announced, is cut off', async () => {
    const head = ['POST /sign-in HTTP/1.1', `Host: localhost:${gateway.port}`, `Content-Type: ${form}`]
    const long = await sendRaw(
      gateway.port,
      rawRequest([...head, 'Content-Length: 3'], 'a=1GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    )
    // What follows is not taken for another request.
    expect(long.match(/^HTTP\/1\.1/gm)).toHaveLength(1)
    const huge = await sendRaw(gateway.port, rawRequest([...head, 'Content-Length: 99999999999']))
    expect(statusOf(huge)).toBe(413)
    for (const length of ['-1', 'abc', '1, 2', '0x10', '1e3', '+1', '99999999999999999999999999']) {
      expect([
        length,
        statusOf(await sendRaw(gateway.port, rawRequest([...head, `Content-Length: ${length}`], 'a'))),
      ]).toEqual([length, expect.toSatisfy((status) => status === 400 || status === 413)])
    }
    const chunks = await sendRaw(
      gateway.port,
      rawRequest([...head, 'Transfer-Encoding: chunked'], `FFFFFFFFFFFFFFFFF\r\n${'x'.repeat(100)}`),
    )
    expect(statusOf(chunks)).toBe(400)
  })

  afterAll(async () => {
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    expect(gateway.logLines.filter(({ level }) => level === 'error')).toEqual([])
    // Nothing was lost and nothing begun.
    const sessions = await gateway.gateway.stores.sessions.list({ limit: 10 })
    expect(sessions.map(({ ended }) => ended)).toEqual([undefined])
    expect((await browser.get(`${gateway.issuer}/account`)).status).toBe(200)
  })
})
