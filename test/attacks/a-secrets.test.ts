import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createBrowser, formOf } from '#test/support/browser.ts'
import type { TestGateway } from '#test/support/gateway.ts'
import { authorize, codeFor, exchange, isActive, refresh, userinfoStatus } from '#test/support/oauth.ts'
import { ada, startTwoApps } from '#test/support/two-apps.ts'
import { clientOf, opens, sessionCookie, signedIn } from './attacker.ts'

describe('A: secrets at rest, in transit and bent', () => {
  test('N-006 a dump of both databases holds nothing that opens anything', async () => {
    await using all = await startTwoApps({ board: { first_party: false } })
    const [wiki, board] = [clientOf(all, 'wiki'), clientOf(all, 'board')]
    const link = (await all.gateway.createSetUpLink()) ?? ''
    const browser = await signedIn(all)
    const tokens = (await exchange(wiki, await codeFor(browser, wiki, { scope: 'openid offline_access' })))
      .body
    const { code } = await codeFor(browser, wiki)
    // A question left open, a sign-in left open and a request left pushed: what is short-lived lies in a file too.
    const question = await authorize(browser, board, { state: 'left-open' })
    const stranger = createBrowser()
    const page = await stranger.get(`${all.wiki.url}/sign-in`)
    const cookies = [browser, stranger].flatMap((of) =>
      [...of.cookiesFor(`${all.issuer}${new URL(page.visited[2] ?? page.url).pathname}`)].filter(
        // The interaction's own name is in its address; what proves that it is this browser's is the signature beside it.
        ([name]) => !/-(interaction|resume)$/.test(name),
      ),
    )
    const secrets = {
      ...Object.fromEntries(cookies),
      sessionCookie: sessionCookie(all, browser),
      link,
      code,
      access: tokens.access_token,
      refresh: tokens.refresh_token,
      idToken: tokens.id_token,
      attempt: new URL(page.url).searchParams.get('attempt') ?? undefined,
      csrf: formOf(page).fields['csrf'],
      password: ada.password,
      clientSecret: wiki.clientSecret,
    }
    expect(question.kind).toBe('page')
    expect(Object.entries(secrets).filter(([, value]) => (value ?? '').length < 16)).toEqual([])
    const dump = dumpOf(all)
    // The search does find what is there.
    expect(holds(dump, ada.email)).toBe(true)
    expect(Object.entries(secrets).filter(([, value]) => holds(dump, value ?? ''))).toEqual([])
  })

  test('N-007 a session id anywhere but in its cookie is ignored, and is in no line of the log', async () => {
    await using all = await startTwoApps()
    const browser = await signedIn(all)
    const secret = sessionCookie(all, browser) ?? ''
    const { session } = all.gateway.cookieNames
    const elsewhere: readonly (readonly [where: string, path: string, headers: Record<string, string>])[] = [
      ['the query', `/account?${session}=${secret}&session=${secret}&sid=${secret}`, {}],
      ['a path parameter', `/account;${session}=${secret}`, {}],
      ['a bearer token', '/account', { authorization: `Bearer ${secret}` }],
      ['a header of its name', '/account', { [session]: secret, 'x-session-id': secret }],
      ['a cookie of another name', '/account', { cookie: `session=${secret}; sid=${secret}` }],
      ['a cookie in another case', '/account', { cookie: `${session.toUpperCase()}=${secret}` }],
      ['a quoted cookie', '/account', { cookie: `${session}="${secret}"` }],
      ['a bearer token at userinfo', '/oauth/userinfo', { authorization: `Bearer ${secret}` }],
    ]
    for (const [where, path, headers] of elsewhere) {
      const { status } = await fetch(`${all.issuer}${path}`, { headers, redirect: 'manual' })
      expect([where, status]).toEqual([where, expect.toSatisfy((code) => code >= 303)])
    }
    const posted = await createBrowser().post(`${all.issuer}/account/sessions/end-others`, {
      [session]: secret,
    })
    expect(posted.url).not.toContain('/account')
    expect(JSON.stringify(all.logLines)).not.toContain(secret)
    expect(await opens(all, secret)).toBe(true)
  })

  test('N-008 a cookie, code or token that is cut, extended, re-encoded or changed in any character is refused', async () => {
    await using all = await startTwoApps()
    const wiki = clientOf(all, 'wiki')
    const browser = await signedIn(all)
    const cookie = sessionCookie(all, browser) ?? ''
    const code = await codeFor(browser, wiki)
    const { body } = await exchange(wiki, await codeFor(browser, wiki))
    const [access, refreshToken] = [body.access_token ?? '', body.refresh_token ?? '']

    await fc.assert(
      fc.asyncProperty(bent(cookie), async (value) => {
        expect(await opens(all, value)).toBe(false)
      }),
      { seed: 8, numRuns: 60 },
    )
    await fc.assert(
      fc.asyncProperty(bent(access), async (value) => {
        expect(await userinfoStatus(wiki, value)).toBeGreaterThanOrEqual(400)
        expect(await isActive(wiki, value)).toBe(false)
      }),
      { seed: 8, numRuns: 60 },
    )
    await fc.assert(
      fc.asyncProperty(bent(refreshToken), async (value) => {
        expect((await refresh(wiki, value)).body.error).toMatch(/^invalid_(grant|request)$/)
      }),
      { seed: 8, numRuns: 60 },
    )
    await fc.assert(
      fc.asyncProperty(bent(code.code), async (value) => {
        expect((await exchange(wiki, { ...code, code: value })).body.error).toMatch(
          /^invalid_(grant|request)$/,
        )
      }),
      { seed: 8, numRuns: 60 },
    )
    // What all of them were bent from is still whole.
    expect(await opens(all, cookie)).toBe(true)
    expect(await userinfoStatus(wiki, access)).toBe(200)
    expect((await exchange(wiki, code)).status).toBe(200)
    expect((await refresh(wiki, refreshToken)).status).toBe(200)
  })

  test('N-008 an ID token that is bent in any character is no hint and ends nothing', async () => {
    await using all = await startTwoApps()
    const wiki = clientOf(all, 'wiki')
    const browser = await signedIn(all)
    const { body } = await exchange(wiki, await codeFor(browser, wiki))
    const hint = body.id_token ?? ''
    await fc.assert(
      fc.asyncProperty(bent(hint), async (value) => {
        const to = `${all.issuer}/oauth/end-session?${new URLSearchParams({ id_token_hint: value })}`
        const { status, location } = await browser.get(to, { follow: false })
        expect([status, location]).toEqual([400, undefined])
      }),
      { seed: 8, numRuns: 60 },
    )
    expect(await opens(all, sessionCookie(all, browser) ?? '')).toBe(true)
    expect(await isActive(wiki, hint)).toBe(false)
  })
})

/** Every way to bend a secret that some decoder somewhere has taken for the same. */
function bent(secret: string): fc.Arbitrary<string> {
  const at = fc.nat({ max: secret.length - 1 })
  const swapped = (text: string): string =>
    text === text.toUpperCase() ? text.toLowerCase() : text.toUpperCase()
  return (
    fc
      .oneof(
        at.map((end) => secret.slice(0, end)),
        at.map((from) => secret.slice(from + 1)),
        fc.string({ minLength: 1, maxLength: 8 }).map((more) => secret + more),
        fc.string({ minLength: 1, maxLength: 8 }).map((more) => more + secret),
        at.map((where) => secret.slice(0, where) + swapped(secret.charAt(where)) + secret.slice(where + 1)),
        fc
          .tuple(at, fc.constantFrom(...'AZaz09-_'))
          .map(([where, other]) => secret.slice(0, where) + other + secret.slice(where + 1)),
        fc.constantFrom(
          secret.toUpperCase(),
          secret.toLowerCase(),
          `${secret}=`,
          `${secret}==`,
          ` ${secret}`,
          `${secret} `,
          `${secret}%00`,
          `"${secret}"`,
          encodeURIComponent(encodeURIComponent(`${secret}%`)),
          Buffer.from(secret).toString('base64url'),
          Buffer.from(secret, 'base64url').toString('hex'),
          Buffer.from(secret, 'base64url').toString('base64'),
          secret.split('').reverse().join(''),
          secret + secret,
        ),
      )
      // What no header can carry never arrives; what is the secret itself is not bent.
      .filter(
        (text) =>
          text !== '' &&
          text !== secret &&
          /^[\x21-\x7e ]*$/.test(text) &&
          text.trim() !== secret &&
          !text.includes(';'),
      )
  )
}

function dumpOf({ folder }: TestGateway): Buffer {
  const data = join(folder, 'data')
  const files = readdirSync(data).filter((name) => name.includes('.db'))
  return Buffer.concat(files.map((name) => readFileSync(join(data, name))))
}

/** As it is, and as hex. */
function holds(dump: Buffer, secret: string): boolean {
  return dump.includes(secret) || dump.includes(Buffer.from(secret, 'base64url').toString('hex'))
}
