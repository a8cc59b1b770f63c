import { describe, expect, it } from 'vitest'
import { createCookies } from '#gateway/http/cookies.ts'
import { problems } from '#gateway/http/problems.ts'
import { createSessionReader, type Resolved } from '#gateway/http/session.ts'
import { GatewayError } from '#gateway/kernel/errors.ts'
import { createSeededRandom } from '#test/support/seeded-random.ts'
import { readableLog, serving } from './serving.ts'

const secret = 'S'.repeat(43)
const withCookie = { headers: { Cookie: `gatehouse-3000=${secret}` } }

async function reading(resolve: () => Promise<Resolved<string>>) {
  const log = readableLog()
  const cookies = createCookies({ issuer: 'http://localhost:3000', random: createSeededRandom(1), log })
  const seen = { lookedUp: 0, unknown: 0 }
  const sessionOf = createSessionReader<string>({
    cookies,
    resolve: () => {
      seen.lookedUp += 1
      return resolve()
    },
    lifetimeSeconds: () => 60,
    onUnknown: () => {
      seen.unknown += 1
    },
  })
  const server = await serving(problems({ log, render: () => '' }), async (ctx) => {
    if (ctx.path === '/none-needed') ctx.body = 'ok'
    else ctx.body = [await sessionOf(ctx), await sessionOf(ctx)].join(' ')
  })
  return Object.assign(server, { seen })
}

describe('the session of a request', () => {
  it('is looked up once, and only when a page asks', async () => {
    await using server = await reading(async () => ({ kind: 'live', session: 'ada' }))
    expect((await server.send('GET', '/', withCookie)).body).toBe('ada ada')
    expect(server.seen.lookedUp).toBe(1)
    await server.send('GET', '/none-needed', withCookie)
    await server.send('GET', '/')
    expect(server.seen.lookedUp).toBe(1)
  })

  it('brings the browser its next secret when the clock has rotated it', async () => {
    const next = 'N'.repeat(43)
    await using server = await reading(async () => ({ kind: 'live', session: 'ada', rotated: next }))
    expect((await server.send('GET', '/', withCookie)).headers['set-cookie']).toMatch(
      new RegExp(`^gatehouse-3000=${next}; .*Max-Age=60$`),
    )
  })

  it('N-018: is an error when the store fails, and the cookie stays', async () => {
    await using server = await reading(async () => {
      throw new GatewayError('store_unavailable', 'We cannot reach our records.')
    })
    const answer = await server.send('GET', '/', withCookie)
    expect(answer.status).toBe(503)
    expect(answer.headers['set-cookie']).toBeUndefined()
  })

  it('N-002: is none for a planted secret, which is reported and never adopted', async () => {
    await using server = await reading(async () => ({ kind: 'none', why: 'unknown' }))
    const answer = await server.send('GET', '/', withCookie)
    expect(answer.body.trim()).toBe('')
    expect(answer.headers['set-cookie']).toBeUndefined()
    expect(server.seen.unknown).toBe(1)
  })
})
