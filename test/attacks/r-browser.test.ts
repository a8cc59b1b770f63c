import { describe, expect, test } from 'vitest'
import { addresses } from '#test/robustness/addresses.ts'
import { createBrowser, formOf } from '#test/support/browser.ts'
import { ask, authorizationRequest, codeFor, exchange } from '#test/support/oauth.ts'
import { ada, bob, signInOn, startTwoApps, type TwoApps } from '#test/support/two-apps.ts'
import { clientOf, isSignedIn, sessionCookie, signedIn, signOut, tracesIn } from './attacker.ts'

const hostile = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "'-alert(1)-'",
  '</title><svg onload=alert(1)>',
  'javascript:alert(1)',
  '{{constructor.constructor("alert(1)")()}}',
  '\u202e<b>evil</b>',
]
const runs = /<script>|<img src=x|<svg onload|<b>evil|href="javascript:|action="javascript:/

describe('R: browser', () => {
  test('N-181 no address that changes something for a person takes a request of another site', async () => {
    await using all = await startTwoApps({ board: { first_party: false } })
    const browser = await signedIn(all)
    await browser.get(`${all.board.url}/sign-in`)
    const before = sessionCookie(all, browser)
    const forPeople = addresses.filter(({ path, body }) => body !== undefined && !path.startsWith('/oauth/'))
    const foreign: readonly Readonly<Record<string, string>>[] = [
      { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
      { origin: 'https://evil.example' },
      { origin: 'null', 'sec-fetch-site': 'cross-site' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { origin: all.issuer.replace('localhost', 'a.localhost'), 'sec-fetch-site': 'same-site' },
      { origin: all.issuer.replace(/\d+$/, '1'), 'sec-fetch-site': 'same-site' },
      { origin: `${all.issuer}.evil.example` },
      { origin: all.issuer.toUpperCase() },
    ]
    expect(forPeople).toHaveLength(23)
    for (const { path, body } of forPeople) {
      for (const headers of foreign) {
        const answer = await fetch(`${all.issuer}${path}`, {
          method: 'POST',
          redirect: 'manual',
          headers: {
            cookie: cookiesOf(all, browser),
            'content-type': body === 'json' ? 'application/json' : 'application/x-www-form-urlencoded',
            ...headers,
          },
          body: body === 'json' ? '{}' : 'decision=sign-out&csrf=x',
        })
        // By this name, and not for the token, which is the second lock and not the first.
        const { status, code } = (await answer.json()) as { status: number; code: string }
        expect([path, headers, status, code]).toEqual([path, headers, 403, 'cross_site_request'])
        expect(answer.headers.getSetCookie()).toEqual([])
      }
    }
    expect([await isSignedIn(all, browser), sessionCookie(all, browser)]).toEqual([true, before])
  })

  test('N-182 nobody can be signed in to the account of an attacker', async () => {
    await using all = await startTwoApps()
    const attacker = createBrowser()
    const page = await attacker.get(`${all.wiki.url}/sign-in`)
    const { fields } = formOf(page, '/sign-in')
    const victim = createBrowser()
    const own = await victim.get(`${all.issuer}/sign-in`)
    const mine = { email: bob.email, password: bob.password }
    for (const [what, form, headers] of [
      [
        'a form of another site',
        { ...fields, ...mine },
        { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
      ],
      ['the attacker’s page', { ...fields, ...mine }, {}],
      [
        'the attacker’s attempt with the victim’s token',
        { ...formOf(own, '/sign-in').fields, attempt: fields['attempt'] ?? '', ...mine },
        {},
      ],
      [
        'the victim’s own attempt without its token',
        { ...formOf(own, '/sign-in').fields, csrf: '', ...mine },
        {},
      ],
      ['no token', { attempt: fields['attempt'] ?? '', ...mine }, {}],
    ] as const) {
      const answer = await victim.post(`${all.issuer}/sign-in`, form, { follow: false, headers })
      expect([what, answer.status >= 400, sessionCookie(all, victim)]).toEqual([what, true, undefined])
    }
    // The attacker's code, thrown at the app in the victim's browser, is that app's `state` to refuse; ours was bound to PKCE.
    const done = await signInOn(attacker, page, bob)
    expect(done.url.startsWith(all.wiki.url)).toBe(true)
    expect(await isSignedIn(all, victim)).toBe(false)
  })

  test('N-183, N-187 no page may be framed or kept, and going back after signing out shows nothing', async () => {
    await using all = await startTwoApps({ board: { first_party: false } })
    const browser = await signedIn(all)
    const question = await browser.get(`${all.board.url}/sign-in`)
    const pages = [question]
    for (const path of [
      '/',
      '/account',
      '/sign-out',
      '/sign-in',
      '/nowhere',
      '/oauth/authorize?client_id=x',
    ]) {
      pages.push(await browser.get(`${all.issuer}${path}`))
    }
    pages.push(await createBrowser().get(`${all.wiki.url}/sign-in`), await signOut(all, browser))
    for (const { url, headers } of pages) {
      const policy = headers.get('content-security-policy') ?? ''
      expect([url, headers.get('cache-control'), headers.get('x-frame-options')]).toEqual([
        url,
        'no-store',
        'DENY',
      ])
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("base-uri 'none'")
      expect(policy).not.toMatch(/unsafe|\*|https?:(?!\/\/)/)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
    }
    // Back: the browser must ask again, and is told nothing.
    for (const path of ['/', '/account']) {
      const back = await browser.get(`${all.issuer}${path}`, { follow: false })
      expect([path, back.status, back.text]).toEqual([path, 303, ''])
    }
    const answered = await browser.submit(question, { decision: 'allow' }, { follow: false })
    expect(answered.status).toBeGreaterThanOrEqual(400)
  })

  test.for(hostile)('N-184 %j is text wherever somebody else chose it', async (text) => {
    await using all = await startTwoApps({
      board: { first_party: false, name: text.replaceAll(/\p{C}/gu, '').slice(0, 60) },
    })
    const browser = createBrowser({ userAgent: text.replaceAll(/[^\x20-\x7e]/g, '') })
    const board = clientOf(all, 'board')
    await signedIn(all, ada, browser)
    const query = new URLSearchParams({
      ...authorizationRequest(board, 'v'.repeat(43)),
      state: text,
      login_hint: text,
      ui_locales: text,
      display: 'page',
    })
    const bad = new URLSearchParams({
      ...authorizationRequest(board, 'v'.repeat(43)),
      scope: text,
      nonce: text,
    })
    const visitor = createBrowser()
    const pages = [
      await browser.get(`${all.issuer}/oauth/authorize?${query}`),
      await visitor.get(`${all.issuer}/oauth/authorize?${query}`),
      await browser.get(
        `${all.issuer}/oauth/authorize?${new URLSearchParams({ client_id: text, error_description: text })}`,
      ),
      await browser.get(
        `${all.issuer}/oauth/end-session?${new URLSearchParams({ client_id: 'board', state: text, logout_hint: text })}`,
      ),
      await browser.get(`${all.issuer}/oauth/end-session?${new URLSearchParams({ id_token_hint: text })}`),
      await browser.get(`${all.issuer}/account?error=${encodeURIComponent(text)}`),
      await browser.get(`${all.issuer}/${encodeURIComponent(text)}`),
      await browser.get(`${all.issuer}/`),
    ]
    for (const { url, text: page, headers } of pages) {
      expect([url, runs.exec(page)?.[0]]).toEqual([url, undefined])
      expect(headers.get('content-security-policy')).toContain("script-src 'self'")
    }
    const failed = await browser.get(`${all.issuer}/oauth/authorize?${bad}`, { follow: false })
    expect(new URL(failed.location ?? 'http://x').searchParams.get('error_description') ?? '').not.toMatch(
      runs,
    )
  })

  test('N-184 the page that posts an answer to the app holds what came with the request as text', async () => {
    await using all = await startTwoApps()
    const wiki = clientOf(all, 'wiki')
    const browser = await signedIn(all)
    for (const state of hostile) {
      const query = new URLSearchParams({
        ...authorizationRequest(wiki, 'v'.repeat(43)),
        response_mode: 'form_post',
        state,
      })
      const page = await browser.get(`${all.issuer}/oauth/authorize?${query}`)
      // The engine's own script is the only one, and runs by its hash.
      const [own = '', ...others] = page.text.match(/<script>[^<]*<\/script>/g) ?? []
      expect([own.includes('submit()'), others]).toEqual([true, []])
      expect([state, runs.exec(page.text.replace(own, ''))?.[0]]).toEqual([state, undefined])
      expect(page.text).toContain(`action="${wiki.redirectUri}"`)
      const policy = page.headers.get('content-security-policy') ?? ''
      expect([policy.includes("'sha256-"), policy.includes('unsafe')]).toEqual([true, false])
    }
  })

  test('N-185 an error page repeats nothing of what was asked, and tells nothing of how we are made', async () => {
    await using all = await startTwoApps()
    for (const path of [
      '/oauth/authorize?client_id=evil-marker&redirect_uri=https://evil-marker.example/&error=evil-marker&error_uri=https://evil-marker.example/',
      '/oauth/authorize?client_id=wiki&redirect_uri=https://evil-marker.example/',
      '/oauth/end-session?id_token_hint=evil-marker&post_logout_redirect_uri=https://evil-marker.example/',
      '/oauth/interaction/evil-marker-evil-marker',
      '/sign-in?attempt=evil-marker&message=evil-marker',
      '/sign-out/evil-marker',
      '/evil-marker?evil-marker',
    ]) {
      for (const accept of ['text/html', 'application/json', '*/*']) {
        const answer = await fetch(`${all.issuer}${path}`, { headers: { accept }, redirect: 'manual' })
        const text = await answer.text()
        expect([path, accept, answer.status >= 400, text.includes('evil-marker')]).toEqual([
          path,
          accept,
          true,
          false,
        ])
        expect(tracesIn(text)).toEqual([])
      }
    }
  })

  test('N-186 scripts of other origins read nothing of a person, and none is ever let in with credentials', async () => {
    await using all = await startTwoApps({
      boardOidc: { application_type: 'native', redirect_uris: ['com.example.board:/callback'] },
    })
    const wiki = clientOf(all, 'wiki')
    const board = { ...clientOf(all, 'board'), redirectUri: 'com.example.board:/callback' }
    const browser = await signedIn(all)
    const atWiki = (await exchange(wiki, await codeFor(browser, wiki))).body
    // Its address has no origin, which is not the same as the origin `null` of a sandboxed frame.
    const atBoard = (await exchange(board, await codeFor(browser, board))).body
    for (const origin of [
      'https://evil.example',
      'null',
      `${all.wiki.url}.evil.example`,
      'com.example.board:',
      '*',
    ]) {
      for (const { access_token: token } of [atWiki, atBoard]) {
        const headers = { origin, authorization: `Bearer ${token}` }
        const read = await fetch(`${all.issuer}/oauth/userinfo`, { headers })
        expect([origin, read.status, read.headers.get('access-control-allow-origin')]).toEqual([
          origin,
          400,
          null,
        ])
        expect(await read.text()).not.toContain(ada.email)
      }
      const refused = await ask(
        board,
        board.endpoints.token,
        { grant_type: 'refresh_token', refresh_token: atBoard.refresh_token ?? '' },
        { origin, authorization: `Basic ${Buffer.from(`board:${board.clientSecret}`).toString('base64')}` },
      )
      expect([origin, refused.status, refused.body.access_token]).toEqual([origin, 400, undefined])
    }
    const own = await fetch(`${all.issuer}/oauth/userinfo`, {
      headers: { origin: all.wiki.url, authorization: `Bearer ${atWiki.access_token}` },
    })
    expect([own.status, own.headers.get('access-control-allow-origin')]).toEqual([200, all.wiki.url])

    for (const { path, methods } of addresses) {
      for (const method of ['OPTIONS', methods[0] ?? 'GET']) {
        const { headers } = await fetch(`${all.issuer}${path}`, {
          method,
          redirect: 'manual',
          headers: {
            origin: 'https://evil.example',
            cookie: cookiesOf(all, browser),
            'access-control-request-method': 'POST',
            'access-control-request-headers': 'authorization',
          },
        })
        expect([path, headers.get('access-control-allow-credentials')]).toEqual([path, null])
        // What apps call may be asked for by a script, which then needs their token; pages may not even be read.
        if (!/^\/(oauth|\.well-known)\//.test(path))
          expect([path, headers.get('access-control-allow-origin')]).toEqual([path, null])
      }
    }
  })
})

function cookiesOf({ issuer }: TwoApps, browser: ReturnType<typeof createBrowser>): string {
  return [...browser.cookiesFor(issuer)].map(([name, value]) => `${name}=${value}`).join('; ')
}
