import { describe, expect, it } from 'vitest'
import { serveAssets } from '#gateway/http/assets.ts'
import { health } from '#gateway/http/health.ts'
import { problems } from '#gateway/http/problems.ts'
import { grantPage, securityHeaders } from '#gateway/http/security-headers.ts'
import { readableLog, serving } from './serving.ts'

const css = {
  path: '/assets/a.12345678.css',
  contentType: 'text/css; charset=utf-8',
  body: 'a{}'.repeat(1_000),
}

function files() {
  return serving(
    securityHeaders('http://localhost:3000'),
    problems({ log: readableLog(), render: () => '' }),
    serveAssets([css]),
  )
}

describe('assets', () => {
  it('are cached for ever, under a path that names their content', async () => {
    await using server = await files()
    const answer = await server.send('GET', css.path)
    expect(answer.status).toBe(200)
    expect(answer.body).toBe(css.body)
    expect(answer.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    expect(answer.headers['x-content-type-options']).toBe('nosniff')
  })

  it('are not sent again to one who has them', async () => {
    await using server = await files()
    const tag = (await server.send('HEAD', css.path)).headers['etag'] ?? ''
    const again = await server.send('GET', css.path, { headers: { 'If-None-Match': tag } })
    expect(again.status).toBe(304)
    expect(again.body).toBe('')
  })

  it('are sent small to one who can unpack', async () => {
    await using server = await files()
    const response = await fetch(`http://127.0.0.1:${server.port}${css.path}`, {
      headers: { 'Accept-Encoding': 'gzip' },
    })
    expect(response.headers.get('content-encoding')).toBe('gzip')
    expect(await response.text()).toBe(css.body)
  })

  it('are only those: no path leads out of the list', async () => {
    await using server = await files()
    for (const path of [
      '/assets/../package.json',
      '/assets/%2e%2e/package.json',
      '/assets/',
      '/assets/a.css',
      `${css.path}/`,
    ]) {
      expect((await server.send('GET', path)).status).toBe(404)
    }
  })

  it('cannot be written to', async () => {
    await using server = await files()
    const answer = await server.send('POST', css.path)
    expect(answer.status).toBe(405)
    expect(answer.headers['allow']).toBe('GET, HEAD')
  })
})

describe('health', () => {
  it('tells alive from ready, and says nothing of why not', async () => {
    let broken = true
    const log = readableLog()
    await using server = await serving(
      health({
        log,
        checkReady: async () => (broken ? Promise.reject(new Error('disk is full')) : undefined),
      }),
    )
    expect((await server.send('GET', '/healthz')).status).toBe(200)
    const notReady = await server.send('GET', '/readyz')
    expect(notReady.status).toBe(503)
    expect(notReady.body).not.toContain('disk')
    expect(JSON.stringify(log.lines)).toContain('disk is full')
    broken = false
    expect((await server.send('GET', '/readyz')).status).toBe(200)
    expect((await server.send('POST', '/healthz')).status).toBe(405)
  })

  it('does not wait for a store that hangs', async () => {
    await using server = await serving(
      health({ log: readableLog(), checkReady: () => new Promise<void>(() => undefined), patienceMs: 20 }),
    )
    expect((await server.send('GET', '/readyz')).status).toBe(503)
  })
})

describe('the headers of a page', () => {
  async function headersFor(issuer: string, leave: Parameters<typeof grantPage>[1] = {}) {
    await using server = await serving(securityHeaders(issuer), (ctx) => {
      grantPage(ctx, leave)
      ctx.body = 'page'
    })
    return (await server.send('GET', '/')).headers
  }

  it('N-183, N-187: forbid framing and keeping', async () => {
    const headers = await headersFor('http://localhost:3000')
    expect(headers['content-security-policy']).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    )
    expect(headers['x-frame-options']).toBe('DENY')
    expect(headers['cache-control']).toBe('no-store')
    expect(headers['cross-origin-opener-policy']).toBe('same-origin')
    expect(headers['referrer-policy']).toBe('same-origin')
    expect(headers['strict-transport-security']).toBeUndefined()
  })

  it('ask for TLS from now on where the issuer has it', async () => {
    expect((await headersFor('https://id.example.com'))['strict-transport-security']).toContain(
      'max-age=31536000',
    )
  })

  it('let a form end at an app’s registered origins, named without its path, or at an app’s own scheme', async () => {
    const web = await headersFor('https://id.example.com', {
      formTargets: ['https://wiki.test:8443/callback?x=1', 'https://wiki.test:8443/other'],
    })
    expect(web['content-security-policy']).toContain("form-action 'self' https://wiki.test:8443; ")
    const native = await headersFor('https://id.example.com', { formTargets: ['com.example.app:/callback'] })
    expect(native['content-security-policy']).toContain("form-action 'self' com.example.app:; ")
  })

  it('keep the tie to an opener only where that is asked for', async () => {
    const headers = await headersFor('https://id.example.com', { opener: true })
    expect(headers['cross-origin-opener-policy']).toBe('unsafe-none')
  })
})
