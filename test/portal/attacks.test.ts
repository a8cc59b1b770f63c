import { connect } from 'node:net'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import type { PortalDeps } from '#gateway/portal/deps.ts'
import { createPortalRouter } from '#gateway/portal/portal.ts'
import { ada, app, password, startPortal } from './portal.ts'
import { csrfOf, type Page, type Sent, type Visitor } from './visitor.ts'

/** Only its paths are looked at. */
const router = createPortalRouter({ issuer: 'http://localhost' } as PortalDeps)
const changing = router.stack
  .filter(({ methods }) => methods.includes('POST'))
  .map(({ path }) =>
    String(path).replace(':token', 'A'.repeat(43)).replace(':id', 'ses_AAAAAAAAAAAAAAAAAAAAAA'),
  )
const jsonRoutes = /passkey(s)?(\/options)?$/

async function send(browser: Visitor, path: string, token: string | undefined, headers: Sent): Promise<Page> {
  if (jsonRoutes.test(path)) {
    return browser.json(path, {}, { ...(token === undefined ? {} : { 'X-CSRF': token }), ...headers })
  }
  return browser.post(path, token === undefined ? {} : { csrf: token }, headers)
}

describe('N-181: every address that changes something', () => {
  it('is one of these, so that a new one is tested too', () => {
    expect(changing).toHaveLength(18)
    expect(
      router.stack.every(({ methods }) =>
        methods.every((method) => ['GET', 'HEAD', 'POST'].includes(method)),
      ),
    ).toBe(true)
  })

  it.each(changing)('%s refuses what does not come from its own page', async (path) => {
    await using portal = await startPortal()
    const account = await portal.addPerson()
    const browser = await portal.signedIn()
    const mine = csrfOf(await browser.open('/account'))
    const anonymous = csrfOf(await portal.visitor().open('/sign-in'))
    const theirs = csrfOf(await (await portal.signedIn()).open('/account'))
    const attempts: readonly (readonly [what: string, token: string | undefined, headers: Sent])[] = [
      ['no token', undefined, {}],
      ['an empty token', '', {}],
      ['another browser’s token, signed in', theirs, {}],
      ['another browser’s token, not signed in', anonymous, {}],
      ['another site', mine, { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.example' }],
      ['a neighbour', mine, { 'Sec-Fetch-Site': 'same-site' }],
      ['a null origin', mine, { Origin: 'null' }],
      ['plain text', mine, { 'Content-Type': 'text/plain' }],
      ['no type at all', mine, { 'Content-Type': '' }],
    ]
    for (const [what, token, headers] of attempts) {
      const answer = await send(browser, path, token, headers)
      expect([what, answer.status]).toEqual([
        what,
        expect.toSatisfy((status) => status === 403 || status === 400),
      ])
      expect(answer.headers.getSetCookie()).toEqual([])
    }
    expect(await portal.sessionsOf(account)).toHaveLength(2)
  })

  it('takes no GET where it takes a POST', async () => {
    await using portal = await startPortal()
    await portal.addPerson()
    const browser = await portal.signedIn()
    for (const path of ['/account/sessions/end-others', '/account/password', '/sign-in/cancel']) {
      const answer = await browser.get(path)
      expect([path, answer.status, answer.headers.get('Allow')]).toEqual([path, 405, 'POST'])
    }
  })
})

describe('N-183, N-187: every page', () => {
  it('can be neither framed nor kept', async () => {
    await using portal = await startPortal()
    await portal.addPerson()
    const browser = await portal.signedIn()
    const token = await portal.gateway.createSetUpLink()
    for (const path of [
      '/',
      '/account',
      '/sign-out',
      `/set-up/${token}`,
      '/nowhere',
      '/sign-in?attempt=x',
      '/readyz',
    ]) {
      const { headers } = await browser.get(path)
      expect(headers.get('Cache-Control')).toBe('no-store')
      expect(headers.get('X-Frame-Options')).toBe('DENY')
      const policy = headers.get('Content-Security-Policy') ?? ''
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).not.toContain('unsafe')
    }
  })

  it('loads nothing from elsewhere and has no script or style inside', async () => {
    await using portal = await startPortal()
    await portal.addPerson()
    const browser = await portal.signedIn()
    for (const path of ['/', '/account', '/sign-out']) {
      const { text } = await browser.open(path)
      for (const [, address = ''] of text.matchAll(/\b(?:src|href|action)="([^"]*)"/g)) {
        expect(address).toMatch(/^(?:\/|#|http:\/\/127\.0\.0\.1:4001\/)/)
      }
      expect(text).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\bstyle="|\bon[a-z]+="/)
    }
  })
})

describe('N-184: what others may choose', () => {
  const hostile = [
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    '`-alert(1)-`',
    '</title><svg onload=alert(1)>',
    'javascript:alert(1)',
  ]

  it.each(hostile)('is text and nothing else: %s', async (text) => {
    await using portal = await startPortal({ settings: { apps: [app('wiki', text.slice(0, 60))] } })
    const account = await portal.addPerson({ name: text })
    const browser = await portal.signedIn(ada, text)
    const [session] = await portal.sessionsOf(account)
    if (session !== undefined) await portal.join(session, 'wiki')
    const query = encodeURIComponent(text)
    const answers = [
      await browser.open('/'),
      await browser.open('/account'),
      await browser.open('/sign-out'),
      await browser.open(`/account?done=${query}&problem=${query}`),
      await browser.open(`/sign-in?attempt=${query}`),
      await browser.open(`/sign-out?request=${query}`),
      await browser.open(`/sign-out/${query}`),
      await browser.open(`/${query}`),
      await portal.visitor().signIn(text, text),
      await browser.submit(await browser.open('/'), '/sign-out'),
    ]
    for (const { text: page } of answers) {
      expect(page).not.toMatch(/<script>|<img src=x|<svg onload|onerror=alert\(1\)>|href="javascript:/)
    }
  })
})

describe('N-161: the Host header', () => {
  it('changes no link, cookie or redirect', async () => {
    await using portal = await startPortal()
    await portal.addPerson()
    const text = await new Promise<string>((resolve) => {
      let all = ''
      const socket = connect(portal.port, '127.0.0.1', () =>
        socket.write(
          'GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\n' +
            'Forwarded: host=evil.example;proto=https\r\nX-Forwarded-Proto: https\r\nAccept: text/html\r\nConnection: close\r\n\r\n',
        ),
      )
      socket.on('data', (chunk) => {
        all += String(chunk)
      })
      socket.on('close', () => resolve(all))
    })
    expect(text).toMatch(/^HTTP\/1\.1 303/)
    expect(text).toMatch(/\r\nLocation: \/sign-in\?attempt=/)
    expect(text).not.toMatch(/evil|Secure/)
  })
})

describe('N-034: where a sign-in leads', () => {
  it.each([
    ['https://evil.example/'],
    ['//evil.example'],
    ['/\\evil.example'],
    ['javascript:alert(1)'],
    [''],
  ])('is never %j', async (resumePath) => {
    await using portal = await startPortal()
    await expect(
      portal.gateway.signIn.begin({ resumePath, browser: 'b', address: '192.0.2.7', wanted: {} }),
    ).rejects.toThrow()
  })
})

describe('N-018: a store that fails', () => {
  it('is an error, keeps the cookie, and is no sign-out', async () => {
    await using portal = await startPortal()
    await portal.addPerson()
    const browser = await portal.signedIn()
    const secret = browser.sessionCookie
    await sql`alter table session_secrets rename to gone`.execute(portal.gateway.database.q())
    for (const path of ['/', '/account', '/sign-in', '/sign-out']) {
      const answer = await browser.get(path)
      expect([path, answer.status]).toEqual([
        path,
        expect.toSatisfy((status) => status === 503 || status === 500),
      ])
      expect(answer.headers.getSetCookie()).toEqual([])
      expect(answer.text).not.toMatch(/session_secrets|SQLITE|select/)
    }
    await sql`alter table gone rename to session_secrets`.execute(portal.gateway.database.q())
    expect(browser.sessionCookie).toBe(secret)
    expect((await browser.get('/')).status).toBe(200)
  })
})

describe('N-193: what a form says about who somebody is', () => {
  it('is not listened to', async () => {
    await using portal = await startPortal()
    await portal.addPerson()
    const grace = await portal.addPerson({ email: 'grace@example.com' })
    const browser = await portal.signedIn()
    const csrf = csrfOf(await browser.open('/account'))
    await browser.post('/account/password', {
      csrf,
      account: grace.id,
      accountId: grace.id,
      userId: grace.id,
      username: 'grace@example.com',
      current_password: password,
      new_password: 'another good password',
    })
    expect((await portal.visitor().signIn('grace@example.com', password)).status).toBe(303)
    expect((await portal.visitor().signIn(ada, 'another good password')).status).toBe(303)
  })
})
