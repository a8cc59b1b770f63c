import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Resolve } from '#adapters/egress-connect.ts'
import { HttpEgress } from '#adapters/egress-http.ts'
import type { EgressRequest } from '#gateway/kernel/egress.ts'
import { openReceiver } from '#test/support/receiver.ts'

function post(url: string, more: Partial<EgressRequest> = {}): EgressRequest {
  return {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'logout_token=x',
    timeoutMs: 2_000,
    maxBytes: 64 * 1024,
    poolKey: 'app wiki',
    ...more,
  }
}

const loopback = { allow: [], allowLoopback: true }

describe('the way out', () => {
  test('brings back what the other side answered', async () => {
    await using app = await openReceiver()
    await using egress = new HttpEgress(loopback)
    app.behave({ answer: 429, headers: { 'retry-after': '7' }, body: 'later' })

    const outcome = await egress.send(post(app.url))

    expect(outcome).toMatchObject({ kind: 'answered', status: 429, body: 'later' })
    expect(outcome).toHaveProperty(['headers', 'retry-after'], '7')
    expect(app.received).toMatchObject([
      {
        method: 'POST',
        path: '/logout',
        body: 'logout_token=x',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      },
    ])
  })

  test('keeps the connection for the next request to the same app', async () => {
    await using app = await openReceiver()
    await using egress = new HttpEgress(loopback)

    for (let request = 0; request < 5; request++) await egress.send(post(app.url))

    expect(app.received).toHaveLength(5)
    // A second one is opened when a request comes before the first connection has been handed back.
    expect(app.connections).toBeLessThanOrEqual(2)
  })

  test('gives one app a bounded number of connections', async () => {
    await using app = await openReceiver()
    await using egress = new HttpEgress(loopback)

    await Promise.all(Array.from({ length: 40 }, () => egress.send(post(app.url))))

    expect(app.received).toHaveLength(40)
    expect(app.connections).toBeLessThanOrEqual(8)
  })

  test('keeps a bounded number of pools and closes the one used longest ago without cutting what is in flight', async () => {
    await using first = await openReceiver()
    await using second = await openReceiver()
    await using egress = new HttpEgress({ ...loopback, maxPools: 1 })

    const outcomes = await Promise.all([egress.send(post(first.url)), egress.send(post(second.url))])
    await egress.send(post(first.url))

    expect(outcomes.map(({ kind }) => kind)).toEqual(['answered', 'answered'])
    expect(first.connections).toBe(2)
  })

  test('follows an app that moved, whatever its pool is called', async () => {
    await using before = await openReceiver()
    await using after = await openReceiver()
    await using egress = new HttpEgress(loopback)

    await egress.send(post(before.url))
    await egress.send(post(after.url))

    expect(before.received).toHaveLength(1)
    expect(after.received).toHaveLength(1)
  })
})

describe('no answer', () => {
  test('an app that never answers is a timeout at the deadline', async () => {
    await using app = await openReceiver()
    await using egress = new HttpEgress(loopback)
    app.behave('hang')

    const outcome = await egress.send(post(app.url, { timeoutMs: 100 }))

    expect(outcome).toMatchObject({ kind: 'unreachable', reason: 'timeout' })
    expect(outcome.durationMs).toBeGreaterThanOrEqual(95)
    expect(outcome.durationMs).toBeLessThan(1_000)
  })

  test('an answer that stops half way is a timeout at the same deadline', async () => {
    await using app = await openReceiver()
    await using egress = new HttpEgress(loopback)
    app.behave('stall')

    expect(await egress.send(post(app.url, { timeoutMs: 100 }))).toMatchObject({ reason: 'timeout' })
  })

  test('a request that waits in line past its deadline is never sent', async () => {
    await using app = await openReceiver()
    await using egress = new HttpEgress(loopback)
    app.behave('hang')
    const first = Array.from({ length: 8 }, () => egress.send(post(app.url, { timeoutMs: 400 })))
    await app.arrived(8)

    expect(await egress.send(post(app.url, { timeoutMs: 50 }))).toMatchObject({ reason: 'timeout' })

    await Promise.all(first)
    app.behave({ answer: 200 })
    expect(await egress.send(post(app.url))).toMatchObject({ kind: 'answered', status: 200 })
    // Those that hung, and the one after them.
    expect(app.received).toHaveLength(9)
  })

  test('the deadline counts the look-up of the name', async () => {
    await using egress = new HttpEgress({ ...loopback, resolve: () => new Promise(() => {}) })

    const outcome = await egress.send(post('http://slow.example/logout', { timeoutMs: 100 }))

    expect(outcome).toMatchObject({ kind: 'unreachable', reason: 'timeout' })
  })

  test('an app that closes the connection without an answer is broken', async () => {
    await using app = await openReceiver()
    await using egress = new HttpEgress(loopback)
    app.behave('hang-up')

    expect(await egress.send(post(app.url))).toMatchObject({ kind: 'unreachable', reason: 'broken' })
  })

  test('an app whose port is closed cannot be connected to', async () => {
    const app = await openReceiver()
    await app[Symbol.asyncDispose]()
    await using egress = new HttpEgress(loopback)

    expect(await egress.send(post(app.url))).toMatchObject({ kind: 'unreachable', reason: 'connect-failed' })
  })

  test('a name that nobody knows is not found', async () => {
    const unknown: Resolve = () => Promise.reject(Object.assign(new Error('unknown'), { code: 'ENOTFOUND' }))
    await using egress = new HttpEgress({ ...loopback, resolve: unknown })

    expect(await egress.send(post('http://gone.example/logout'))).toMatchObject({ reason: 'name-not-found' })
  })

  test('a server that speaks something else is broken', async () => {
    const server = createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'))
    const port = await listen(server)
    await using egress = new HttpEgress(loopback)

    expect(await egress.send(post(`http://127.0.0.1:${port}/`))).toMatchObject({ reason: 'broken' })
    server.close()
  })

  test('headers without an end are too large', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.write(`HTTP/1.1 200 OK\r\nx: ${'a'.repeat(64 * 1024)}`)
    })
    const port = await listen(server)
    await using egress = new HttpEgress(loopback)

    expect(await egress.send(post(`http://127.0.0.1:${port}/`))).toMatchObject({ reason: 'too-large' })
    server.close()
  })
})

describe('N-171: special-use addresses are refused at connect', () => {
  test.for([
    ['dotted', 'http://127.0.0.1'],
    ['decimal', 'http://2130706433'],
    ['octal', 'http://0177.0.0.1'],
    ['hexadecimal', 'http://0x7f.1'],
    ['short', 'http://127.1'],
    ['unspecified', 'http://0.0.0.0'],
    ['IPv6', 'http://[::1]'],
    ['mapped into IPv6', 'http://[::ffff:127.0.0.1]'],
    ['mapped into IPv6, in hexadecimal', 'http://[::ffff:7f00:1]'],
    ['a name for loopback', 'http://localhost'],
    ['fullwidth digits', 'http://\uff11\uff12\uff17.0.0.1'],
  ])('%s', async ([, origin]) => {
    await using app = await openReceiver({ host: '::' })
    await using egress = new HttpEgress({ allow: [], allowLoopback: false })

    const outcome = await egress.send(post(`${origin}:${app.port}/logout`))

    expect(outcome).toMatchObject({ kind: 'unreachable', reason: 'address-refused' })
    expect(app.connections).toBe(0)
  })

  test.for([
    'http://169.254.169.254/latest/meta-data',
    'http://10.0.0.1/',
    'http://[fe80::1]/',
    'http://[fd00:ec2::254]/',
  ])('%s stays refused while loopback is allowed', async (url) => {
    await using egress = new HttpEgress(loopback)
    expect(await egress.send(post(url))).toMatchObject({ reason: 'address-refused' })
  })

  test('a name is refused when any of its addresses is', async () => {
    await using app = await openReceiver()
    const resolve: Resolve = () =>
      Promise.resolve([
        { address: '127.0.0.1', family: 4 },
        { address: '169.254.169.254', family: 4 },
      ])
    await using egress = new HttpEgress({ ...loopback, resolve })

    expect(await egress.send(post(`http://app.example:${app.port}/`))).toMatchObject({
      reason: 'address-refused',
    })
    expect(app.connections).toBe(0)
  })

  test('DNS rebinding: the connection goes to the address that was checked, and no second look-up is made', async () => {
    await using app = await openReceiver()
    let lookups = 0
    const rebinding: Resolve = () => {
      lookups++
      return Promise.resolve([{ address: lookups === 1 ? '127.0.0.1' : '169.254.169.254', family: 4 }])
    }
    await using egress = new HttpEgress({ ...loopback, resolve: rebinding })
    const url = `http://app.example:${app.port}/logout`

    const first = await egress.send(post(url))
    expect(first).toMatchObject({ kind: 'answered', status: 200 })
    expect(lookups).toBe(1)

    // A new connection is a new look-up and a new check: what rebound meanwhile is refused.
    const second = await egress.send(post(url, { poolKey: 'app mail' }))
    expect(second).toMatchObject({ kind: 'unreachable', reason: 'address-refused' })
    expect(app.connections).toBe(1)
  })

  test('the gateway does not call its own listener, by whatever name', async () => {
    await using own = await openReceiver()
    await using egress = new HttpEgress({
      allow: ['127.0.0.0/8', `localhost:${own.port}`],
      allowLoopback: true,
    })
    egress.refuseListeners([{ host: '127.0.0.1', port: own.port }])

    for (const host of ['127.0.0.1', 'localhost', '0x7f000001', '0.0.0.0']) {
      expect(await egress.send(post(`http://${host}:${own.port}/`))).toMatchObject({
        reason: 'address-refused',
      })
    }
    expect(own.connections).toBe(0)
  })

  test.for([
    'ftp://127.0.0.1/',
    'file:///etc/passwd',
    'http://user:secret@127.0.0.1/',
    'logout',
    'javascript:1',
  ])('%s is not called at all', async (url) => {
    await using egress = new HttpEgress(loopback)
    expect(await egress.send(post(url))).toMatchObject({ kind: 'unreachable', reason: 'address-refused' })
  })
})

describe('N-172: what an answer may do', () => {
  test.for([301, 302, 303, 307, 308])('a redirect (%i) is an answer and is not followed', async (status) => {
    await using app = await openReceiver()
    await using inside = await openReceiver()
    await using egress = new HttpEgress(loopback)
    app.behave({ answer: status, headers: { location: inside.url } })

    expect(await egress.send(post(app.url))).toMatchObject({ kind: 'answered', status })
    expect(inside.connections).toBe(0)
  })

  test('what is only informational is not the answer', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.end(
        'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\nx-of: the answer\r\n\r\n',
      )
    })
    const port = await listen(server)
    await using egress = new HttpEgress(loopback)

    expect(await egress.send(post(`http://127.0.0.1:${port}/`))).toMatchObject({
      kind: 'answered',
      status: 204,
      headers: { 'x-of': 'the answer' },
      body: '',
    })
    server.close()
  })

  test('its body is read up to the cap and the connection closed', async () => {
    await using app = await openReceiver()
    await using egress = new HttpEgress(loopback)
    app.behave({ answer: 200, body: 'x'.repeat(5_000_000) })

    const outcome = await egress.send(post(app.url, { maxBytes: 1_000 }))
    expect(outcome).toMatchObject({ kind: 'answered', status: 200, body: 'x'.repeat(1_000) })

    app.behave({ answer: 200, body: 'short' })
    expect(await egress.send(post(app.url, { maxBytes: 1_000 }))).toMatchObject({ body: 'short' })
    expect(app.connections).toBe(2)
  })

  test('compression is left packed, so that a small answer cannot become a large one', async () => {
    await using app = await openReceiver()
    await using egress = new HttpEgress(loopback)
    app.behave({ answer: 200, headers: { 'content-encoding': 'gzip' }, body: 'not really gzip' })

    expect(await egress.send(post(app.url))).toMatchObject({ body: 'not really gzip' })
  })
})

describe('N-173: what the operator named is open', () => {
  test('an internal app is called once its host and port are allowed', async () => {
    await using app = await openReceiver()
    await using closed = new HttpEgress({ allow: [], allowLoopback: false })
    await using open = new HttpEgress({ allow: [`localhost:${app.port}`], allowLoopback: false })
    const url = `http://localhost:${app.port}/logout`

    expect(await closed.send(post(url))).toMatchObject({ reason: 'address-refused' })
    expect(await open.send(post(url))).toMatchObject({ kind: 'answered', status: 200 })
    expect(await open.send(post(app.url))).toMatchObject({ reason: 'address-refused' })
  })
})

describe('N-174: nothing but the URL says where a request goes', () => {
  test('a Host header given along is not sent', async () => {
    await using app = await openReceiver()
    await using egress = new HttpEgress(loopback)

    await egress.send(
      post(app.url, { headers: { Host: 'inside.example', 'X-Forwarded-Host': 'inside.example' } }),
    )

    expect(app.received[0]?.headers.host).toBe(`127.0.0.1:${app.port}`)
  })

  test('proxies named in the environment are not used', async () => {
    await using app = await openReceiver()
    await using proxy = await openReceiver()
    const proxyUrl = `http://127.0.0.1:${proxy.port}`
    const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'ALL_PROXY'] as const
    const before = names.map((name) => process.env[name])
    for (const name of names) process.env[name] = proxyUrl
    try {
      await using egress = new HttpEgress(loopback)
      expect(await egress.send(post(app.url))).toMatchObject({ kind: 'answered' })
    } finally {
      names.forEach((name, at) => {
        const value = before[at]
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      })
    }
    expect(proxy.connections).toBe(0)
    expect(app.received).toHaveLength(1)
  })
})

describe('TLS', () => {
  let folder: string
  let tls: { key: string; cert: string }

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'gatehouse-tls-'))
    const key = join(folder, 'key.pem')
    const cert = join(folder, 'cert.pem')
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
        ...[
          '-subj',
          '/CN=localhost',
          '-addext',
          'subjectAltName=DNS:localhost',
          '-keyout',
          key,
          '-out',
          cert,
        ],
      ],
      { stdio: 'ignore' },
    )
    tls = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('a certificate that nobody vouches for is refused', async () => {
    await using app = await openReceiver({ tls })
    await using egress = new HttpEgress(loopback)

    expect(await egress.send(post(`https://localhost:${app.port}/`))).toMatchObject({ reason: 'tls-failed' })
    expect(app.received).toHaveLength(0)
  })

  test('a certificate of a trusted root is accepted for its own name, over HTTP/1.1', async () => {
    await using app = await openReceiver({ tls })
    await using egress = new HttpEgress({ ...loopback, extraRoots: [tls.cert] })

    expect(await egress.send(post(`https://localhost:${app.port}/`))).toMatchObject({ kind: 'answered' })
  })

  test('a certificate of a trusted root is refused for another name', async () => {
    await using app = await openReceiver({ tls })
    await using egress = new HttpEgress({ ...loopback, extraRoots: [tls.cert] })

    expect(await egress.send(post(`https://127.0.0.1:${app.port}/`))).toMatchObject({ reason: 'tls-failed' })
    expect(app.received).toHaveLength(0)
  })

  test('https to a server that speaks plain http fails as TLS', async () => {
    await using app = await openReceiver()
    await using egress = new HttpEgress(loopback)

    expect(await egress.send(post(`https://127.0.0.1:${app.port}/`))).toMatchObject({ reason: 'tls-failed' })
  })
})

async function listen(server: Server): Promise<number> {
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
