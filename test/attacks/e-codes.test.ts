import { describe, expect, test } from 'vitest'
import { createBrowser } from '#test/support/browser.ts'
import {
  ask,
  authorizationRequest,
  authorize,
  type Client,
  claimsOf,
  codeFor,
  exchange,
  follow,
  isActive,
  refresh,
  userinfoStatus,
} from '#test/support/oauth.ts'
import { ada, declaredApp, signInOn, startTwoApps } from '#test/support/two-apps.ts'
import { clientOf, signedIn } from './attacker.ts'

describe('E: codes and PKCE', () => {
  test('N-041 of a hundred redemptions of one code at once one succeeds, and the replay kills what it got', async () => {
    await using all = await startTwoApps({ seed: 41 })
    const wiki = clientOf(all, 'wiki')
    const browser = await signedIn(all)
    const untouched = (await exchange(wiki, await codeFor(browser, wiki))).body
    const code = await codeFor(browser, wiki)
    const answers = await Promise.all(Array.from({ length: 100 }, () => exchange(wiki, code)))
    const won = answers.filter(({ status }) => status === 200)
    expect(won).toHaveLength(1)
    expect(new Set(answers.filter((answer) => answer !== won[0]).map(({ body }) => body.error))).toEqual(
      new Set(['invalid_grant']),
    )
    const { access_token: access = '', refresh_token: next = '' } = won[0]?.body ?? {}
    expect(await userinfoStatus(wiki, access)).toBe(401)
    expect(await isActive(wiki, next)).toBe(false)
    expect((await refresh(wiki, next)).body.error).toBe('invalid_grant')
    // Another sign-in of the same person at the same app is another grant.
    expect(await userinfoStatus(wiki, untouched.access_token ?? '')).toBe(200)
  })

  test('N-042 a code is refused to another app, for another address, and a second too late, each by itself', async () => {
    await using all = await startTwoApps({ boardOidc: { redirect_uris: ['https://board.example.com/a'] } })
    const [wiki, board] = [clientOf(all, 'wiki'), clientOf(all, 'board')]
    const browser = await signedIn(all)
    const fresh = () => codeFor(browser, wiki)
    const wrong: readonly (readonly [what: string, change: Record<string, string>, as?: Client])[] = [
      ['another app', {}, board],
      ['another app that names its own address', { redirect_uri: board.redirectUri }, board],
      ['another address', { redirect_uri: `${wiki.redirectUri}/` }],
      ['the address of another app', { redirect_uri: 'https://board.example.com/a' }],
      ['no address', { redirect_uri: '' }],
    ]
    for (const [what, change, as = wiki] of wrong) {
      const { status, body } = await ask(as, wiki.endpoints.token, {
        ...redemption(wiki, await fresh()),
        ...change,
      })
      expect([what, status, body.error]).toEqual([
        what,
        400,
        expect.stringMatching(/^invalid_(grant|request)$/),
      ])
    }
    const [early, late] = [await fresh(), await fresh()]
    all.clock.advance({ seconds: 59 })
    expect((await exchange(wiki, early)).status).toBe(200)
    all.clock.advance({ seconds: 2 })
    expect((await exchange(wiki, late)).body.error).toBe('invalid_grant')
  })

  test('N-042 who cannot prove which app it is gets nothing for a code, and the code survives the attempt', async () => {
    await using all = await startTwoApps()
    const wiki = clientOf(all, 'wiki')
    const code = await codeFor(await signedIn(all), wiki)
    const attempts: readonly (readonly [
      what: string,
      fields: Record<string, string>,
      headers: Record<string, string>,
    ])[] = [
      ['no secret', { client_id: 'wiki' }, {}],
      ['a wrong secret', {}, basic('wiki', 'wrong')],
      ['an empty secret', {}, basic('wiki', '')],
      ['the stored hash', {}, basic('wiki', all.gateway.apps.findByClientId('wiki')?.oidc.secretHash ?? '')],
      ['the secret of another app', {}, basic('wiki', clientOf(all, 'board').clientSecret)],
      [
        'two ways at once',
        { client_id: 'wiki', client_secret: wiki.clientSecret },
        basic('wiki', wiki.clientSecret),
      ],
      ['another name in the body', { client_id: 'board' }, basic('wiki', wiki.clientSecret)],
      ['an assertion nobody signed', assertion('none'), {}],
      ['an assertion signed with the secret', assertion('HS256'), {}],
    ]
    for (const [what, fields, headers] of attempts) {
      const { status, body } = await ask(
        wiki,
        wiki.endpoints.token,
        { ...redemption(wiki, code), ...fields },
        headers,
      )
      expect([what, status >= 400, body.error]).toEqual([
        what,
        true,
        expect.stringMatching(/^invalid_(client|request)$/),
      ])
    }
    expect((await exchange(wiki, code)).status).toBe(200)
  })

  test('N-043 PKCE cannot be left out, weakened or guessed', async () => {
    await using all = await startTwoApps()
    const wiki = clientOf(all, 'wiki')
    const browser = await signedIn(all)
    const {
      code_challenge: _,
      code_challenge_method: __,
      ...without
    } = authorizationRequest(wiki, 'v'.repeat(43))
    for (const pkce of [
      {},
      { code_challenge_method: 'S256' },
      { code_challenge: '', code_challenge_method: 'S256' },
      { code_challenge: 'v'.repeat(43), code_challenge_method: 'plain' },
      { code_challenge: 'v'.repeat(43), code_challenge_method: 'none' },
      { code_challenge: 'v'.repeat(43), code_challenge_method: 's256' },
      { code_challenge: 'v'.repeat(43) },
      { code_challenge: 'short', code_challenge_method: 'S256' },
    ]) {
      const query = new URLSearchParams({ ...without, ...pkce })
      const outcome = await follow(browser, wiki, `${wiki.endpoints.authorize}?${query}`, '')
      expect([pkce, outcome]).toEqual([pkce, { kind: 'error', error: 'invalid_request' }])
    }
    const verifiers = (verifier: string) => [
      '',
      'w'.repeat(43),
      verifier.toUpperCase(),
      `${verifier}A`,
      verifier.slice(1),
    ]
    for (const index of verifiers('').keys()) {
      const code = await codeFor(browser, wiki)
      const tried = verifiers(code.verifier)[index] ?? ''
      expect((await exchange(wiki, { ...code, verifier: tried })).body.error).toMatch(
        /^invalid_(grant|request)$/,
      )
      const { code_verifier: ___, ...none } = redemption(wiki, code)
      expect((await ask(wiki, wiki.endpoints.token, none)).body.error).toMatch(/^invalid_(grant|request)$/)
    }
  })

  test('N-047 asking silently agrees to nothing, and asking for a fresh proof cannot be dropped on the way', async () => {
    await using all = await startTwoApps({ board: { first_party: false } })
    const [wiki, board] = [clientOf(all, 'wiki'), clientOf(all, 'board')]
    const browser = await signedIn(all)
    expect(await authorize(browser, board, { prompt: 'none' })).toEqual({
      kind: 'error',
      error: 'consent_required',
    })
    expect(await authorize(createBrowser(), board, { prompt: 'none' })).toEqual({
      kind: 'error',
      error: 'login_required',
    })
    expect(await authorize(browser, board, { prompt: 'none consent' })).toEqual({
      kind: 'error',
      error: 'invalid_request',
    })

    all.clock.advance({ minutes: 5 })
    const verifier = 'v'.repeat(43)
    const query = new URLSearchParams({
      ...authorizationRequest(wiki, verifier),
      prompt: 'login',
      max_age: '0',
    })
    const page = await browser.get(`${wiki.endpoints.authorize}?${query}`)
    const uid = /interaction\/([\w-]+)/.exec(page.visited.join(' '))?.[1]
    // Around the page that asks: on the addresses that come after it, and with other parameters.
    for (const path of [
      `/oauth/interaction/${uid}/finish`,
      `/oauth/interaction/${uid}/finish?cancel=no`,
      `/oauth/interaction/${uid}?prompt=none`,
      `/oauth/authorize/${uid}`,
      `/oauth/authorize/${uid}?prompt=none`,
    ]) {
      const outcome = await follow(browser, wiki, `${all.issuer}${path}`, '')
      expect([path, outcome.kind]).toEqual([path, 'page'])
    }
    // The engine asks its question anew after an address was tried too early; what it asks for has not changed.
    const asked = await browser.get(`${wiki.endpoints.authorize}?${query}`)
    const done = new URL((await signInOn(browser, asked, ada)).url)
    const { body } = await exchange(wiki, { code: done.searchParams.get('code') ?? '', verifier })
    expect(claimsOf(body.id_token)['auth_time']).toBe(all.clock.now() / 1_000)
  })

  test('N-048 there is no device flow: its addresses, its grant and its announcement are refused or absent', async () => {
    await using all = await startTwoApps()
    const wiki = clientOf(all, 'wiki')
    for (const path of ['/device', '/device/auth', '/oauth/device', '/oauth/device/auth', '/device/A']) {
      const { status } = await fetch(`${all.issuer}${path}`, {
        method: 'POST',
        body: new URLSearchParams({ client_id: 'wiki' }),
      })
      expect([path, status]).toEqual([path, 404])
    }
    for (const grant of [
      'urn:ietf:params:oauth:grant-type:device_code',
      'urn:openid:params:grant-type:ciba',
      'urn:ietf:params:oauth:grant-type:token-exchange',
      'urn:ietf:params:oauth:grant-type:jwt-bearer',
      'client_credentials',
      'password',
      'implicit',
      'toString',
      '__proto__',
    ]) {
      const { status, body } = await ask(wiki, wiki.endpoints.token, {
        grant_type: grant,
        device_code: 'x',
        username: ada.email,
        password: ada.password,
      })
      expect([grant, status, body.error]).toEqual([grant, 400, 'unsupported_grant_type'])
    }
    // A name that only our own registration could forbid.
    await expect(
      startTwoApps({ boardOidc: { grant_types: ['urn:ietf:params:oauth:grant-type:device_code'] } }),
    ).rejects.toThrow(/grant_types/)
    expect(declaredApp('wiki', all.wiki.url).oidc.grant_types).toEqual([
      'authorization_code',
      'refresh_token',
    ])
    const discovery = await (await fetch(`${all.issuer}/.well-known/openid-configuration`)).text()
    expect(discovery).not.toMatch(/device/)
  })
})

function redemption(
  client: Client,
  { code, verifier }: { readonly code: string; readonly verifier: string },
) {
  return {
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    redirect_uri: client.redirectUri,
  }
}

function basic(id: string, secret: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` }
}

function assertion(alg: string): Record<string, string> {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = { iss: 'wiki', sub: 'wiki', aud: 'http://localhost', jti: 'x', exp: 4_000_000_000 }
  return {
    client_id: 'wiki',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: `${part({ alg })}.${part(claims)}.${alg === 'none' ? '' : 'c2lnbmF0dXJl'}`,
  }
}
