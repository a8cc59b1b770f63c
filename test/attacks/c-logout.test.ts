import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type Browser, createBrowser, type Page } from '#test/support/browser.ts'
import { claimsOf, codeFor, exchange, userinfoStatus } from '#test/support/oauth.ts'
import { ada, bob, signInAt, startTwoApps, type TwoApps } from '#test/support/two-apps.ts'
import { clientOf, isSignedIn, signedIn, signOut } from './attacker.ts'

const noAddress = { backchannel_logout_uri: undefined, backchannel_logout_session_required: undefined }

describe('C: logout protocols', () => {
  test('N-021 a sign-out without a hint asks the person, and a GET or a foreign POST alone ends nothing', async () => {
    await using all = await startTwoApps()
    const browser = await signedIn(all)
    const asked = await endSession(all, browser, {
      client_id: 'wiki',
      post_logout_redirect_uri: `${all.wiki.url}/`,
    })
    expect(asked.location).toMatch(/\/sign-out\?request=/)
    const question = await browser.get(asked.location ?? '')
    expect(question.text).toContain('Sign out?')
    expect(await isSignedIn(all, browser)).toBe(true)

    // What an image, a link and a form of another site can send.
    await browser.get(`${all.issuer}/sign-out?decision=sign-out`)
    const forms = [
      browser.post(`${all.issuer}/oauth/end-session`, { logout_hint: ada.email }, { follow: false }),
      browser.post(
        `${all.issuer}/sign-out`,
        { decision: 'sign-out', csrf: 'guessed' },
        { follow: false, headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' } },
      ),
      browser.post(`${all.issuer}/sign-out`, { decision: 'sign-out' }, { follow: false }),
    ]
    for (const { status, location } of await Promise.all(forms)) {
      expect([status, location?.startsWith(`${all.issuer}/sign-out`) ?? status === 403]).toEqual([
        status,
        true,
      ])
    }
    expect(await isSignedIn(all, browser)).toBe(true)
    const answered = await browser.submit(question, { decision: 'sign-out' }, { follow: false })
    expect(answered.location).toBe(`${all.wiki.url}/`)
    expect(await isSignedIn(all, browser)).toBe(false)
  })

  test('N-022 a hint of another person, app or issuer, or not signed by us, ends nothing and leads nowhere', async () => {
    await using all = await startTwoApps()
    const [wiki, board] = [clientOf(all, 'wiki'), clientOf(all, 'board')]
    const browser = await signedIn(all)
    const mine = (await exchange(wiki, await codeFor(browser, wiki))).body.id_token ?? ''
    const [header = '', payload = '', signature = ''] = mine.split('.')
    const forged = (head: object, claims: object) =>
      `${base64url(head)}.${base64url({ ...claimsOf(mine), ...claims })}`
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const ofAttacker = forged({ alg: 'ES256', jwk: publicKey.export({ format: 'jwk' }) }, {})
    const hints: Readonly<Record<string, string>> = {
      'alg none': `${forged({ alg: 'none' }, {})}.`,
      'alg none with a signature': `${forged({ alg: 'none' }, {})}.${signature}`,
      'HS256 with the secret of the app': `${forged({ alg: 'HS256' }, {})}.${signature}`,
      'an embedded key': `${ofAttacker}.${sign('sha256', Buffer.from(ofAttacker), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`,
      'a changed subject': `${header}.${base64url({ ...claimsOf(mine), sub: bob.id })}.${signature}`,
      'a changed audience': `${header}.${base64url({ ...claimsOf(mine), aud: 'board' })}.${signature}`,
      'another issuer': `${header}.${base64url({ ...claimsOf(mine), iss: 'https://evil.example' })}.${signature}`,
      'a swapped signature': `${header}.${payload}.${[...signature].reverse().join('')}`,
      'no signature': `${header}.${payload}`,
      'no token at all': 'hint',
      'an audience that is a list': `${header}.${base64url({ ...claimsOf(mine), aud: ['wiki'] })}.${signature}`,
      'a very long one': `${mine}${'A'.repeat(9_000)}`,
    }
    for (const [what, hint] of Object.entries(hints)) {
      const page = await endSession(all, browser, {
        id_token_hint: hint,
        post_logout_redirect_uri: `${all.wiki.url}/`,
      })
      expect([what, page.status, page.location]).toEqual([what, 400, undefined])
    }
    const other = await endSession(all, browser, { id_token_hint: mine, client_id: board.clientId })
    expect([other.status, other.location]).toEqual([400, undefined])
    expect(await isSignedIn(all, browser)).toBe(true)

    // A true hint of somebody else's session: the question is asked, of whoever sits here.
    const bobs = await signedIn(all, bob)
    const asked = await endSession(all, bobs, {
      id_token_hint: mine,
      post_logout_redirect_uri: `${all.wiki.url}/`,
    })
    expect(asked.location).toMatch(/\/sign-out\?request=/)
    expect([await isSignedIn(all, bobs), await isSignedIn(all, browser)]).toEqual([true, true])
  })

  test('N-023 only a registered post-logout address of the app that asks is gone to', async () => {
    await using all = await startTwoApps()
    const wiki = clientOf(all, 'wiki')
    const browser = await signedIn(all)
    const hint = (await exchange(wiki, await codeFor(browser, wiki))).body.id_token ?? ''
    const registered = `${all.wiki.url}/`
    const refused = [
      `${all.board.url}/`,
      `${registered}x`,
      `${registered}?next=1`,
      `${registered}#fragment`,
      `${registered}..`,
      all.wiki.url,
      registered.replace('http:', 'HTTP:'),
      registered.replace('127.0.0.1', 'localhost'),
      registered.replace('127.0.0.1', '127.0.0.1@evil.example'),
      `https://evil.example/${registered}`,
      `//evil.example/`,
      'javascript:alert(1)',
      'data:text/html,<script>alert(1)</script>',
      `${registered}\r\nSet-Cookie: a=b`,
      ` ${registered}`,
    ]
    for (const uri of refused) {
      for (const more of [{ id_token_hint: hint }, { client_id: 'wiki' }]) {
        const page = await endSession(all, browser, { ...more, post_logout_redirect_uri: uri })
        expect([uri, page.status, page.location]).toEqual([uri, 400, undefined])
        expect(page.text).not.toContain('evil.example')
        expect(page.text).not.toContain('alert(1)')
      }
    }
    // Nobody says who asks: the address is not even looked at.
    const nobody = await endSession(all, browser, { post_logout_redirect_uri: registered })
    const question = await browser.get(nobody.location ?? '')
    const out = await browser.submit(question, { decision: 'sign-out' }, { follow: false })
    expect(out.location).toMatch(new RegExp(`^${all.issuer}/sign-out/lgo_`))
    const over = await endSession(all, browser, { post_logout_redirect_uri: registered })
    expect(over.location).toBe(`${all.issuer}/sign-out`)
  })

  test('N-023 what the app asks to have back cannot change where the person goes', async () => {
    await using all = await startTwoApps()
    const wiki = clientOf(all, 'wiki')
    for (const state of [
      '&evil=1#x',
      '\r\nLocation: https://evil.example',
      '"><script>',
      '@evil.example',
      '{{7*7}}',
    ]) {
      const browser = await signedIn(all)
      const hint = (await exchange(wiki, await codeFor(browser, wiki))).body.id_token ?? ''
      const page = await endSession(all, browser, {
        id_token_hint: hint,
        post_logout_redirect_uri: `${all.wiki.url}/`,
        state,
      })
      const to = new URL(page.location ?? '')
      expect([to.origin, to.pathname, [...to.searchParams]]).toEqual([all.wiki.url, '/', [['state', state]]])
    }
  })

  test('N-028 an app cannot end a session that it never took part in', async () => {
    await using all = await startTwoApps()
    const board = clientOf(all, 'board')
    const elsewhere = await signedIn(all)
    const hint = (await exchange(board, await codeFor(elsewhere, board))).body.id_token ?? ''
    // Of the same person even, and shown in the browser whose session the board is no part of.
    const browser = await signedIn(all)
    await signInAt(browser, all.wiki)
    const asked = await endSession(all, browser, {
      id_token_hint: hint,
      post_logout_redirect_uri: `${all.board.url}/`,
    })
    expect(asked.location).toMatch(/\/sign-out\?request=/)
    // And from a server, without any browser's cookie, it ends nothing at all.
    const query = new URLSearchParams({ id_token_hint: hint })
    await fetch(`${all.issuer}/oauth/end-session?${query}`, { redirect: 'manual' })
    expect([await isSignedIn(all, browser), await isSignedIn(all, elsewhere)]).toEqual([true, true])
    await all.gateway.dispatcher.runDue()
    expect(all.wiki.told).toEqual([])
  })

  test('N-029 signing out of one app leaves the others, signing out here ends all, and the page says which', async () => {
    await using all = await startTwoApps({ board: { logout: { app_signs_out: 'this-app' } } })
    const [wiki, board] = [clientOf(all, 'wiki'), clientOf(all, 'board')]
    const browser = await signedIn(all)
    const atWiki = (await exchange(wiki, await codeFor(browser, wiki))).body
    const atBoard = (await exchange(board, await codeFor(browser, board))).body
    const out = await endSession(all, browser, { id_token_hint: atBoard.id_token ?? '' })
    expect(out.location).toMatch(/\/sign-out\/lgo_/)
    await all.gateway.dispatcher.runDue()
    expect([all.board.told.length, all.wiki.told.length]).toEqual([1, 0])
    expect(await userinfoStatus(board, atBoard.access_token ?? '')).toBe(401)
    expect(await userinfoStatus(wiki, atWiki.access_token ?? '')).toBe(200)
    expect(await isSignedIn(all, browser)).toBe(true)
    const partly = (await browser.get(out.location ?? '')).text
    expect(partly).toContain('Board')
    expect(partly).not.toContain('Wiki')

    await codeFor(browser, board)
    const question = await browser.get(`${all.issuer}/sign-out`)
    expect(question.text).toMatch(/in 2 apps.*tells the apps to end theirs/s)
    const done = await browser.submit(question, { decision: 'sign-out' })
    await all.gateway.dispatcher.runDue()
    expect([all.board.told.length, all.wiki.told.length]).toEqual([2, 1])
    expect(await isSignedIn(all, browser)).toBe(false)
    const report = (await browser.get(done.url)).text
    expect([report.includes('Wiki'), report.includes('Board')]).toEqual([true, true])
  })

  test('N-030 an app that did not hear of it is never shown as signed out', async () => {
    await using all = await startTwoApps()
    const browser = await signedIn(all)
    await signInAt(browser, all.wiki)
    await signInAt(browser, all.board)
    for (const behaviour of ['fail', 'refuse'] as const) {
      all.board.behave(behaviour)
      const done = await signOut(all, await again(all, browser))
      await all.gateway.dispatcher.runDue()
      const { text } = await browser.get(done.url)
      expect(text).not.toMatch(/<h1[^>]*>You are signed out</)
      expect(text).not.toMatch(/2 of 2|both apps confirmed|signed out everywhere/i)
    }
    all.board.behave('confirm')
    const done = await signOut(all, await again(all, browser))
    await all.gateway.dispatcher.runDue()
    expect((await browser.get(done.url)).text).toMatch(/<h1[^>]*>You are signed out</)
  })

  test.for([
    ['was not asked yet', {}, {}],
    ['has no address for it', { boardOidc: noAddress }, {}],
    ['never answered until there was no time left', {}, { hours: 80 }],
  ] as const)('N-030 an app that %s is not shown as signed out, to nobody', async ([, options, later]) => {
    await using all = await startTwoApps(options)
    const { gateway, clock } = all
    const browser = await again(all, createBrowser())
    all.board.behave('fail')
    const done = await signOut(all, browser)
    if ('hours' in later) {
      // Asked again and again for three days, the waits between shorter than these steps.
      for (let hour = 0; hour < later.hours; hour++) {
        clock.advance({ hours: 1 })
        await gateway.dispatcher.runDue()
      }
    }
    const [{ id } = { id: undefined }] = await gateway.reports.list({ limit: 1 })
    if (id === undefined) throw new Error('nothing ended')
    const board = (await gateway.reports.find(id))?.deliveries.find(({ appId }) => appId === 'board')
    expect(board?.state).not.toBe('confirmed')
    const page = await createBrowser().get(done.url)
    expect(page.text).not.toMatch(/Board|Wiki/)
    if ('hours' in later) return
    const { text } = await browser.get(done.url)
    expect(text).toContain('Board')
    expect(text).not.toMatch(/<h1[^>]*>You are signed out<|2 of 2|both apps confirmed|signed out everywhere/i)
  })
})

function endSession(
  { issuer }: TwoApps,
  browser: Browser,
  parameters: Record<string, string>,
): Promise<Page> {
  return browser.get(`${issuer}/oauth/end-session?${new URLSearchParams(parameters)}`, { follow: false })
}

/** The same browser, signed in at the gateway and at both apps once more. */
async function again(all: TwoApps, browser: Browser): Promise<Browser> {
  if (!(await isSignedIn(all, browser))) await signedIn(all, ada, browser)
  await signInAt(browser, all.wiki)
  await signInAt(browser, all.board)
  return browser
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
