import { describe, expect, it } from 'vitest'
import { cookieNames, createCookies } from '#gateway/http/cookies.ts'
import { createSeededRandom } from '#test/support/seeded-random.ts'
import { readableLog, serving } from './serving.ts'

const secret = 'A'.repeat(43)

function cookiesFor(issuer: string) {
  const log = readableLog()
  return { log, cookies: createCookies({ issuer, random: createSeededRandom('cookies'), log }) }
}

describe('cookie names', () => {
  it('carry the __Host- prefix where the issuer is https, and __Secure- where the cookie has a path', () => {
    expect(cookieNames('https://id.example.com')).toEqual({
      session: '__Host-gatehouse',
      browser: '__Host-gatehouse-browser',
      interaction: '__Secure-gatehouse-interaction',
      resume: '__Secure-gatehouse-resume',
    })
  })

  it('carry the port on http loopback, because ports do not separate cookies', () => {
    expect(cookieNames('http://localhost:3000').session).toBe('gatehouse-3000')
    expect(cookieNames('http://localhost').session).toBe('gatehouse-80')
  })
})

describe('N-188: the attributes of each cookie, to the letter', () => {
  it.each([
    ['http://localhost:3000', 'gatehouse-3000', ''],
    ['https://id.example.com', '__Host-gatehouse', '; Secure'],
  ])('for %s', async (issuer, name, secure) => {
    const { cookies } = cookiesFor(issuer)
    await using server = await serving((ctx) => {
      if (ctx.path === '/set') cookies.setSession(ctx, secret, undefined)
      if (ctx.path === '/remember') cookies.setSession(ctx, secret, 3_600)
      if (ctx.path === '/clear') cookies.clearSession(ctx)
      if (ctx.path === '/browser') cookies.ensureBrowser(ctx)
      ctx.body = 'ok'
    })
    const base = `; Path=/; HttpOnly; SameSite=Lax${secure}`
    const header = async (path: string) => (await server.send('GET', path)).headers['set-cookie']
    expect(await header('/set')).toBe(`${name}=${secret}${base}`)
    expect(await header('/remember')).toBe(`${name}=${secret}${base}; Max-Age=3600`)
    expect(await header('/clear')).toBe(`${name}=${base}; Max-Age=0`)
    expect(await header('/browser')).toMatch(
      new RegExp(`^${name}-browser=[A-Za-z0-9_-]{43}${base}; Max-Age=34560000$`),
    )
  })
})

describe('reading the session cookie', () => {
  async function read(headers: Record<string, string | readonly string[]>) {
    const { cookies, log } = cookiesFor('http://localhost:3000')
    await using server = await serving((ctx) => {
      ctx.body = { first: cookies.readSession(ctx) ?? null, second: cookies.readSession(ctx) ?? null }
    })
    const { body } = await server.send('GET', '/', { headers })
    return { value: (JSON.parse(body) as { first: string | null }).first, log }
  }

  it('takes the one that is ours from among others', async () => {
    const { value } = await read({ Cookie: `a=b; gatehouse-3000=${secret}; gatehouse-30000=x` })
    expect(value).toBe(secret)
  })

  it.each([
    ['truncated', secret.slice(1)],
    ['extended', `${secret}A`],
    ['percent-encoded', `%41${secret.slice(1)}`],
    ['quoted', `"${secret}"`],
    ['of another alphabet', `${secret.slice(1)}+`],
    ['empty', ''],
  ])('N-008: refuses a value that is %s', async (_title, value) => {
    expect((await read({ Cookie: `gatehouse-3000=${value}` })).value).toBeNull()
  })

  it('N-165: uses neither of two, whether in one header or in two, and logs it once', async () => {
    const other = 'B'.repeat(43)
    const one = await read({ Cookie: `gatehouse-3000=${secret}; gatehouse-3000=${other}` })
    const two = await read({ Cookie: [`gatehouse-3000=${secret}`, `gatehouse-3000=${other}`] })
    for (const { value, log } of [one, two]) {
      expect(value).toBeNull()
      expect(log.lines.map((line) => line.level)).toEqual(['warn'])
      expect(JSON.stringify(log.lines)).not.toContain(secret)
    }
  })

  it('N-188: knows nothing of a cookie without the prefix where the issuer is https', async () => {
    const { cookies } = cookiesFor('https://id.example.com')
    await using server = await serving((ctx) => {
      ctx.body = cookies.readSession(ctx) ?? 'none'
    })
    expect((await server.send('GET', '/', { headers: { Cookie: `gatehouse=${secret}` } })).body).toBe('none')
  })
})

describe('writing cookies', () => {
  it('sends only the last word on each', async () => {
    const { cookies } = cookiesFor('http://localhost:3000')
    await using server = await serving((ctx) => {
      cookies.ensureBrowser(ctx)
      cookies.setSession(ctx, secret, undefined)
      cookies.clearSession(ctx)
      ctx.body = 'ok'
    })
    const sent = (await server.send('GET', '/')).headers['set-cookie']?.split('\n') ?? []
    expect(sent).toHaveLength(2)
    expect(sent[1]).toContain('gatehouse-3000=;')
  })

  it('gives a browser one binding secret, also when it is asked for twice, and keeps the one it has', async () => {
    const { cookies } = cookiesFor('http://localhost:3000')
    await using server = await serving((ctx) => {
      ctx.body = `${cookies.ensureBrowser(ctx)} ${cookies.ensureBrowser(ctx)} ${cookies.readBrowser(ctx)}`
    })
    const first = await server.send('GET', '/')
    const values = new Set(first.body.split(' '))
    expect(values.size).toBe(1)
    const [value = ''] = values
    const again = await server.send('GET', '/', { headers: { Cookie: `gatehouse-3000-browser=${value}` } })
    expect(again.body).toBe(first.body)
    expect(again.headers['set-cookie']).toBeUndefined()
  })
})
