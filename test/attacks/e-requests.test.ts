import { describe, expect, test } from 'vitest'
import type { AccountId, AppId } from '#gateway/kernel/ids.ts'
import { createBrowser, formOf, type Page } from '#test/support/browser.ts'
import { ask, authorizationRequest, authorize, type Client, codeFor, exchange } from '#test/support/oauth.ts'
import { bob, startTwoApps } from '#test/support/two-apps.ts'
import { clientOf, sessionCookie, signedIn } from './attacker.ts'

const verifier = 'v'.repeat(43)

describe('E: pushed requests, request objects and consent', () => {
  test('N-044 a pushed request works once, for its app, in its minute, and nothing in the address overrides it', async () => {
    await using all = await startTwoApps()
    const [wiki, board] = [clientOf(all, 'wiki'), clientOf(all, 'board')]
    const browser = await signedIn(all)
    const push = async (more: Record<string, string> = {}) =>
      (
        await ask(wiki, wiki.endpoints.par, {
          ...authorizationRequest(wiki, verifier),
          scope: 'openid',
          ...more,
        })
      ).body.request_uri ?? ''

    const uri = await push()
    const used = await codeAt(all.issuer, browser, {
      client_id: 'wiki',
      request_uri: uri,
      scope: 'openid email groups',
      redirect_uri: `${all.board.url}/callback`,
      state: 'of-the-attacker',
      code_challenge: 'x'.repeat(43),
      response_mode: 'form_post',
    })
    expect(used.origin + used.pathname).toBe(wiki.redirectUri)
    expect(used.searchParams.get('state')).toBeNull()
    const { body } = await exchange(wiki, { code: used.searchParams.get('code') ?? '', verifier })
    expect(body).toMatchObject({ scope: 'openid' })

    const refused: readonly (readonly [what: string, uri: string, client: Client])[] = [
      ['used', uri, wiki],
      ['of another app', await push(), board],
      ['bent', `${await push()}A`, wiki],
      ['an address', 'https://evil.example/request.jwt', wiki],
      ['a file', 'file:///etc/passwd', wiki],
      ['of our own', `${all.issuer}/oauth/jwks`, wiki],
      ['empty', 'urn:ietf:params:oauth:request_uri:', wiki],
    ]
    for (const [what, requestUri, client] of refused) {
      const outcome = await authorize(browser, client, { request_uri: requestUri })
      expect([what, outcome.kind]).not.toEqual([what, 'code'])
    }
    const late = await push()
    all.clock.advance({ seconds: 61 })
    expect((await authorize(browser, wiki, { request_uri: late })).kind).not.toBe('code')
  })

  test('N-044 of two browsers that bring one pushed request at once, one gets a code', async () => {
    await using all = await startTwoApps({ seed: 44 })
    const wiki = clientOf(all, 'wiki')
    const browsers = [await signedIn(all), await signedIn(all, bob)]
    const pushed = await ask(wiki, wiki.endpoints.par, authorizationRequest(wiki, verifier))
    const outcomes = await Promise.all(
      browsers.map((browser) => authorize(browser, wiki, { request_uri: pushed.body.request_uri ?? '' })),
    )
    expect(outcomes.filter(({ kind }) => kind === 'code')).toHaveLength(1)
  })

  test('N-044 pushing needs the secret of the app, and takes no address that is not registered', async () => {
    await using all = await startTwoApps()
    const [wiki, board] = [clientOf(all, 'wiki'), clientOf(all, 'board')]
    const right = authorizationRequest(wiki, verifier)
    const attempts: readonly (readonly [what: string, fields: Record<string, string>, as: Client])[] = [
      ['a wrong secret', right, { ...wiki, clientSecret: 'wrong' }],
      ['another app', right, board],
      ['another address', { ...right, redirect_uri: 'https://evil.example/' }, wiki],
      ['no PKCE', { ...right, code_challenge: '', code_challenge_method: '' }, wiki],
      ['a request in a request', { ...right, request_uri: 'urn:ietf:params:oauth:request_uri:x' }, wiki],
      ['a request object', { ...right, request: requestObject('none') }, wiki],
    ]
    for (const [what, fields, as] of attempts) {
      const { status, body } = await ask(as, wiki.endpoints.par, fields)
      expect([what, status >= 400 && status < 500, body.request_uri]).toEqual([what, true, undefined])
    }
  })

  test('N-045 request objects are refused by name, whoever signed them, and change nothing', async () => {
    await using all = await startTwoApps()
    const wiki = clientOf(all, 'wiki')
    const browser = await signedIn(all)
    for (const alg of ['none', 'HS256', 'RS256']) {
      const outcome = await authorize(browser, wiki, { request: requestObject(alg) })
      expect([alg, outcome]).toEqual([alg, { kind: 'error', error: 'request_not_supported' }])
    }
    const discovery = await (await fetch(`${all.issuer}/.well-known/openid-configuration`)).json()
    expect(discovery).toMatchObject({
      request_parameter_supported: false,
      request_uri_parameter_supported: false,
    })
  })

  test('N-045 the secret of an app that pushes is in no cookie, address, page or line of the log', async () => {
    await using all = await startTwoApps({ board: { first_party: false } })
    const board = clientOf(all, 'board')
    const browser = await signedIn(all)
    const pushed = await ask(
      board,
      board.endpoints.par,
      { ...authorizationRequest(board, verifier), client_secret: board.clientSecret },
      {},
    )
    const query = new URLSearchParams({ client_id: 'board', request_uri: pushed.body.request_uri ?? '' })
    const page = await browser.get(`${all.issuer}/oauth/authorize?${query}`)
    expect(page.text).toContain('name="decision"')
    await ask(board, board.endpoints.token, { grant_type: 'authorization_code', code: 'x' }, {})
    const seen = [page.text, page.visited, [...browser.cookiesFor(page.url)], all.logLines].map((of) =>
      JSON.stringify(of),
    )
    for (const text of seen) {
      expect(text).not.toContain(board.clientSecret)
      expect(text).not.toContain(Buffer.from(`board:${board.clientSecret}`).toString('base64'))
    }
  })

  test('N-046 a consent is bound to its session, its request and its page, and cannot be guessed or replayed', async () => {
    await using all = await startTwoApps({ board: { first_party: false } })
    const board = clientOf(all, 'board')
    const ada = await signedIn(all)
    const mallory = await signedIn(all, bob)
    const question = await ada.get(`${all.board.url}/sign-in`)
    const other = await mallory.get(`${all.board.url}/sign-in`)
    const form = formOf(question)
    const consents = () => all.gateway.stores.consents.find('ada' as AccountId, 'board' as AppId)

    const csrf = form.fields['csrf'] ?? ''
    const attempts: readonly (readonly [what: string, answer: Promise<Page>])[] = [
      ['Mallory with Ada’s page', mallory.submit(question, { decision: 'allow' }, { follow: false })],
      [
        'Mallory’s token at Ada’s question',
        ada.post(
          form.action,
          { csrf: formOf(other).fields['csrf'] ?? '', decision: 'allow' },
          { follow: false },
        ),
      ],
      ['no token', ada.post(form.action, { decision: 'allow' }, { follow: false })],
      ['a GET', ada.get(`${form.action}?decision=allow&csrf=${csrf}`, { follow: false })],
      [
        'another site',
        ada.post(
          form.action,
          { csrf, decision: 'allow' },
          { follow: false, headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' } },
        ),
      ],
      [
        'a guessed question',
        ada.post(
          form.action.replace(/[^/]+$/, 'A'.repeat(43)),
          { csrf, decision: 'allow' },
          { follow: false },
        ),
      ],
      ['no decision', ada.post(form.action, { csrf }, { follow: false })],
      [
        'a decision that is neither',
        ada.post(form.action, { csrf, decision: 'allow everything' }, { follow: false }),
      ],
      ['a stranger', createBrowser().post(form.action, { csrf, decision: 'allow' }, { follow: false })],
    ]
    for (const [what, answer] of attempts) {
      const { status, location } = await answer
      expect([what, status >= 400, location]).toEqual([what, true, undefined])
    }
    expect(await consents()).toBeUndefined()
    // More than was asked cannot be smuggled in with the answer.
    await ada.submit(question, { decision: 'allow', scope: 'openid groups offline_access', claims: '{}' })
    expect([...((await consents())?.scopes ?? [])].sort()).toEqual(['email', 'openid', 'profile'])
    // The same answer once more is no answer to anything.
    const replayed = await ada.submit(question, { decision: 'allow' }, { follow: false })
    expect([replayed.status, replayed.location]).toEqual([400, undefined])
    expect(sessionCookie(all, mallory)).toBeTypeOf('string')
    expect((await codeFor(ada, board, { scope: 'openid email' })).kind).toBe('code')
    expect((await authorize(ada, board, { scope: 'openid groups' })).kind).toBe('page')
  })
})

/** Authorizes with exactly these parameters, in the browser of somebody who is signed in. */
async function codeAt(
  issuer: string,
  browser: Awaited<ReturnType<typeof signedIn>>,
  parameters: Record<string, string>,
) {
  const page = await browser.get(`${issuer}/oauth/authorize?${new URLSearchParams(parameters)}`, {
    follow: false,
  })
  return new URL(page.location ?? 'about:blank')
}

function requestObject(alg: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = {
    iss: 'wiki',
    aud: 'http://localhost',
    client_id: 'wiki',
    redirect_uri: 'https://evil.example/',
    scope: 'openid groups',
  }
  return `${part({ alg })}.${part(claims)}.${alg === 'none' ? '' : 'c2lnbmF0dXJl'}`
}
