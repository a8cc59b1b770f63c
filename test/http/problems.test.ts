import { describe, expect, it } from 'vitest'
import { createJsonLog } from '#adapters/json-log.ts'
import { problems } from '#gateway/http/problems.ts'
import { requestFacts } from '#gateway/http/request.ts'
import { GatewayError } from '#gateway/kernel/errors.ts'
import { createSeededRandom } from '#test/support/seeded-random.ts'
import { readableLog, serving } from './serving.ts'

const html = { Accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' }

async function failing() {
  const log = readableLog()
  const server = await serving(
    requestFacts({ random: createSeededRandom('problems'), trustedProxies: [] }),
    problems({ log, render: (problem) => `<p>${problem.code} ${problem.requestId}</p>` }),
    (ctx) => {
      switch (ctx.path) {
        case '/broken':
          throw new Error('secret detail of ours')
        case '/later':
          return Promise.reject(new Error('rejected later'))
        case '/store':
          ctx.append('Set-Cookie', 'gatehouse=rotated')
          throw new GatewayError('store_unavailable', 'We cannot reach our records.', {
            cause: new Error('database is locked'),
          })
        case '/busy':
          throw new GatewayError('busy', 'Wait a moment.', { retryAfterSeconds: 2 })
        case '/more':
          throw new GatewayError('challenge_invalid', 'Not that one.', {
            extension: { another: true, status: 1 },
          })
        case '/method':
          ctx.status = 405
          ctx.set('Allow', 'GET')
          return undefined
        case '/half':
          ctx.respond = false
          ctx.res.write('half')
          throw new Error('after the headers')
        case '/empty':
          ctx.status = 204
          return undefined
        case '/object':
          throw { status: 200, message: '<script>alert(1)</script>' }
        default:
          return undefined
      }
    },
  )
  return Object.assign(server, { log })
}

describe('a failure', () => {
  it('N-205: of ours is 500 with an id that the log knows with its cause, and the process lives', async () => {
    await using server = await failing()
    for (const path of ['/broken', '/later']) {
      const answer = await server.send('GET', path, { headers: html })
      expect(answer.status).toBe(500)
      expect(answer.body).toBe(`<p>internal ${answer.headers['x-request-id']}</p>`)
      const line = server.log.lines.at(-1)
      expect(line).toMatchObject({ level: 'error', fields: { requestId: answer.headers['x-request-id'] } })
      expect(JSON.stringify(line)).toContain(path === '/broken' ? 'secret detail of ours' : 'rejected later')
    }
    expect((await server.send('GET', '/empty')).status).toBe(204)
  })

  it('that is no Error at all tells nothing of itself', async () => {
    await using server = await failing()
    const answer = await server.send('GET', '/object', { headers: html })
    expect(answer.status).toBe(500)
    expect(answer.body).not.toContain('script')
  })

  it('N-018: of the store is 503 with Retry-After, and the cookies of the answer stand', async () => {
    await using server = await failing()
    const answer = await server.send('GET', '/store')
    expect(answer.status).toBe(503)
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    expect(answer.headers['set-cookie']).toBe('gatehouse=rotated')
    expect(answer.body).not.toContain('locked')
  })

  it('says when to come back', async () => {
    await using server = await failing()
    expect((await server.send('GET', '/busy')).headers['retry-after']).toBe('2')
  })

  it('after half an answer breaks the connection, so that nobody takes it for the whole', async () => {
    await using server = await failing()
    const answer = await server.send('GET', '/half')
    expect(answer.body).not.toContain('0\r\n\r\n')
  })
})

describe('the log of a failure', () => {
  it('names the path without what may be a secret in it', async () => {
    await using server = await failing()
    await server.send('GET', `/set-up/${'s3cret'.repeat(8)}/passkey`)
    expect(server.log.lines.at(-1)?.fields['path']).toBe('/set-up/…/passkey')
  })

  it('names the failure by its code, under a name that is not hidden as a secret', async () => {
    await using server = await failing()
    await server.send('GET', '/store')
    const lines: Record<string, unknown>[] = []
    const log = createJsonLog({ level: 'info', stream: { write: (line) => lines.push(JSON.parse(line)) } })
    log.error('as it is written', server.log.lines.at(-1)?.fields)
    expect(lines).toEqual([expect.objectContaining({ problem: 'store_unavailable', path: '/store' })])
  })
})

describe('the form of an error', () => {
  it.each([
    ['a page for a browser', html, 'text/html; charset=utf-8'],
    ['a problem document for a program', { Accept: 'application/json' }, 'application/problem+json'],
    ['a problem document for one that says nothing', {}, 'application/problem+json'],
    ['a problem document for one that takes anything', { Accept: '*/*' }, 'application/problem+json'],
  ])('is %s', async (_title, headers, type) => {
    await using server = await failing()
    const answer = await server.send('GET', '/nowhere', { headers })
    expect(answer.status).toBe(404)
    expect(answer.headers['content-type']).toContain(type)
    expect(answer.headers['cache-control']).toBe('no-store')
  })

  it('is RFC 9457 for programs, with our code and the id', async () => {
    await using server = await failing()
    const answer = await server.send('GET', '/busy')
    expect(JSON.parse(answer.body)).toEqual({
      type: 'about:blank',
      title: 'Service Unavailable',
      status: 503,
      detail: 'Wait a moment.',
      code: 'busy',
      request_id: answer.headers['x-request-id'],
    })
  })

  it('may say more to a program, but never otherwise (RFC 9457 section 3.2)', async () => {
    await using server = await failing()
    const answer = await server.send('GET', '/more')
    expect(JSON.parse(answer.body)).toMatchObject({ another: true, status: 400, code: 'challenge_invalid' })
    expect((await server.send('GET', '/more', { headers: html })).body).not.toContain('another')
  })

  it('N-185: shows nothing that came with the request', async () => {
    await using server = await failing()
    for (const headers of [html, {}]) {
      const answer = await server.send('GET', '/%3Cscript%3Ealert(1)%3C/script%3E?q=%3Cb%3E', { headers })
      expect(answer.status).toBe(404)
      expect(answer.body).not.toMatch(/script|alert|<b>/)
    }
  })

  it('keeps Allow on a method that an address does not take', async () => {
    await using server = await failing()
    const answer = await server.send('DELETE', '/method')
    expect(answer.status).toBe(405)
    expect(answer.headers['allow']).toBe('GET')
  })
})
