import { describe, expect, test } from 'vitest'
import { GatewayError } from '#gateway/kernel/errors.ts'
import { createBrowser, type Page } from '#test/support/browser.ts'
import { startGateway, type TestGateway } from '#test/support/gateway.ts'
import {
  ask,
  authorizationRequest,
  authorize,
  codeFor,
  exchange,
  refresh,
  userinfoStatus,
} from '#test/support/oauth.ts'
import { createSoftwareAuthenticator } from '#test/support/passkey.ts'
import { ada, signInOn, startTwoApps } from '#test/support/two-apps.ts'
import { addGrace, clientOf, grace, isSignedIn, opens, sessionCookie, signedIn } from './attacker.ts'
import { addPasskey, signInWithPasskey } from './passkeys.ts'

describe('B: life cycle', () => {
  test('N-015 what has expired is refused when it is shown, long before anything is swept', async () => {
    await using all = await startTwoApps({ board: { first_party: false } })
    const [wiki, board] = [clientOf(all, 'wiki'), clientOf(all, 'board')]
    const link = (await all.gateway.createSetUpLink()) ?? ''
    const browser = await signedIn(all)
    const { body } = await exchange(wiki, await codeFor(browser, wiki))
    const code = await codeFor(browser, wiki)
    const question = await browser.get(`${all.board.url}/sign-in`)
    const stranger = createBrowser()
    const page = await stranger.get(`${all.wiki.url}/sign-in`)
    const pushed = await ask(board, board.endpoints.par, authorizationRequest(board, 'v'.repeat(43)))

    all.clock.advance({ seconds: 60 })
    expect((await exchange(wiki, code)).body.error).toBe('invalid_grant')
    const late = await authorize(browser, board, { request_uri: pushed.body.request_uri ?? '' })
    expect(late).toEqual({ kind: 'error', error: 'invalid_request_uri' })
    all.clock.advance({ minutes: 9 })
    expect(await userinfoStatus(wiki, body.access_token ?? '')).toBe(401)
    expect((await browser.submit(question, { decision: 'allow' })).status).toBe(400)
    expect(await submitted(stranger, page)).toBe(400)
    all.clock.advance({ minutes: 20 })
    expect((await stranger.get(`${all.issuer}/set-up/${link}`)).status).toBe(404)
    // Idle for eight hours, the refresh token with it.
    all.clock.advance({ hours: 8 })
    expect(await isSignedIn(all, browser)).toBe(false)
    expect((await refresh(wiki, body.refresh_token ?? '')).body.error).toBe('invalid_grant')
    expect(all.wiki.told).toEqual([])
  })

  test('N-015 a session that is used all day ends at its absolute limit, to the millisecond, unswept', async () => {
    await using all = await startTwoApps()
    const browser = await signedIn(all)
    for (let hour = 1; hour < 24; hour += 1) {
      all.clock.advance({ hours: 1 })
      expect(await isSignedIn(all, browser)).toBe(true)
    }
    all.clock.advance({ minutes: 59, seconds: 59, ms: 999 })
    expect(await isSignedIn(all, browser)).toBe(true)
    all.clock.advance({ ms: 1 })
    expect(await isSignedIn(all, browser)).toBe(false)
    expect((await authorize(browser, clientOf(all, 'wiki'), { prompt: 'none' })).kind).toBe('error')
  })

  test('N-016 changing the password ends every other session with its tokens, at once', async () => {
    await using all = await startTwoApps()
    await addGrace(all)
    const wiki = clientOf(all, 'wiki')
    const [here, there] = [await signedIn(all, grace), await signedIn(all, grace)]
    const mine = (await exchange(wiki, await codeFor(here, wiki))).body
    const theirs = (await exchange(wiki, await codeFor(there, wiki, { scope: 'openid offline_access' }))).body
    const code = await codeFor(there, wiki)
    await here.submit(
      await here.get(`${all.issuer}/account`),
      { current_password: grace.password, new_password: 'quite another password' },
      { action: '/account/password' },
    )
    expect([await isSignedIn(all, here), await isSignedIn(all, there)]).toEqual([true, false])
    expect(await userinfoStatus(wiki, theirs.access_token ?? '')).toBe(401)
    expect((await refresh(wiki, theirs.refresh_token ?? '')).body.error).toBe('invalid_grant')
    expect((await exchange(wiki, code)).body.error).toBe('invalid_grant')
    expect(await userinfoStatus(wiki, mine.access_token ?? '')).toBe(200)
    const again = createBrowser()
    const page = await again.get(`${all.issuer}/sign-in`)
    expect((await again.submit(page, grace, { action: '/sign-in' })).status).toBe(403)
  })

  test('N-016 removing a passkey ends the sessions that it opened, and the passkey opens none again', async () => {
    await using all = await startTwoApps()
    await addGrace(all)
    const authenticator = createSoftwareAuthenticator({ origin: all.issuer })
    const owner = await signedIn(all, grace)
    await addPasskey(all, owner, authenticator)
    const strong = createBrowser()
    await signInWithPasskey(all, strong, authenticator)
    // The page shows the oldest first: that is the one the thief has.
    all.clock.advance({ seconds: 1 })
    await addPasskey(all, strong, createSoftwareAuthenticator({ origin: all.issuer }))
    const thief = createBrowser()
    expect((await signInWithPasskey(all, thief, authenticator)).status).toBe(200)
    expect(await isSignedIn(all, thief)).toBe(true)
    const page = await owner.get(`${all.issuer}/account`)
    const action = /\/account\/passkeys\/crd_[A-Za-z0-9_-]+\/remove/.exec(page.text)?.[0] ?? ''
    await owner.submit(page, {}, { action })
    expect([await isSignedIn(all, owner), await isSignedIn(all, thief)]).toEqual([true, false])
    expect((await signInWithPasskey(all, createBrowser(), authenticator)).status).toBe(400)
  })

  test('N-017 an app that polls does not keep a session alive that nobody uses', async () => {
    await using all = await startTwoApps({ settings: { sessions: { activity: ['authorize'] } } })
    const wiki = clientOf(all, 'wiki')
    const browser = await signedIn(all)
    let tokens = (await exchange(wiki, await codeFor(browser, wiki))).body
    for (let minutes = 0; minutes < 8 * 60 - 10; minutes += 10) {
      all.clock.advance({ minutes: 10 })
      tokens = (await refresh(wiki, tokens.refresh_token ?? '')).body
      expect(await userinfoStatus(wiki, tokens.access_token ?? '')).toBe(200)
      expect((await authorize(browser, wiki, { prompt: 'none' })).kind).toBe('code')
    }
    all.clock.advance({ minutes: 10 })
    expect((await authorize(browser, wiki, { prompt: 'none' })).kind).toBe('error')
    expect((await refresh(wiki, tokens.refresh_token ?? '')).body.error).toBe('invalid_grant')
    expect(await isSignedIn(all, browser)).toBe(false)
  })

  test('N-018 a store that does not answer is 503 with a time to come back, and no sign-out', async () => {
    let broken = false
    await using all = await startTwoApps({
      pause: async () => {
        if (broken) throw new GatewayError('store_unavailable', 'The database does not answer.')
      },
    })
    const wiki = clientOf(all, 'wiki')
    const browser = await signedIn(all)
    const cookie = sessionCookie(all, browser)
    const { body } = await exchange(wiki, await codeFor(browser, wiki))
    broken = true
    for (const path of ['/', '/account', '/sign-in', '/sign-out', authorizePath(wiki)]) {
      const page = await browser.get(`${all.issuer}${path}`, { follow: false })
      expect([path, page.status, page.setCookies, page.headers.has('retry-after')]).toEqual([
        path,
        503,
        [],
        true,
      ])
      expect(page.text).not.toMatch(/GatewayError|at .*\.ts/)
    }
    const refused = await refresh(wiki, body.refresh_token ?? '')
    // Not `invalid_grant`: on that an app throws its tokens away.
    expect([refused.status, refused.body.error]).toEqual([503, expect.not.stringMatching(/invalid/)])
    expect(await userinfoStatus(wiki, body.access_token ?? '')).toBe(503)
    expect((await fetch(`${all.issuer}/readyz`)).status).toBe(503)
    expect((await fetch(`${all.issuer}/healthz`)).status).toBe(200)
    broken = false
    expect(sessionCookie(all, browser)).toBe(cookie)
    expect(await isSignedIn(all, browser)).toBe(true)
    expect((await refresh(wiki, body.refresh_token ?? '')).status).toBe(200)
  })

  test('N-019 who has given one of two factors has no session, anywhere', async () => {
    await using all = await startTwoApps({ board: { sessions: { acr: 'urn:gatehouse:acr:2' } } })
    await addGrace(all)
    const authenticator = createSoftwareAuthenticator({ origin: all.issuer })
    await addPasskey(all, await signedIn(all, grace), authenticator)
    const board = clientOf(all, 'board')
    const thief = createBrowser()
    const asked = await thief.get(`${all.board.url}/sign-in`)
    const uid = /\/oauth\/interaction\/([\w-]+)/.exec(asked.visited.join(' '))?.[1] ?? ''
    await thief.submit(asked, grace, { action: '/sign-in' })
    expect(sessionCookie(all, thief)).toBeUndefined()
    for (const path of [
      '/',
      '/account',
      '/account/confirm',
      '/sign-in/passkey',
      `/oauth/interaction/${uid}/finish`,
      `/oauth/authorize/${uid}`,
      '/oauth/userinfo',
    ]) {
      const page = await thief.get(`${all.issuer}${path}`)
      expect([path, page.url.startsWith(all.board.url), page.text.includes(grace.email)]).toEqual([
        path,
        false,
        false,
      ])
      expect(sessionCookie(all, thief)).toBeUndefined()
    }
    expect((await authorize(thief, board, { prompt: 'none' })).kind).toBe('error')
    expect(all.board.sessions.size).toBe(0)
  })

  test('N-020 turning “stay signed in” off ends what was asked to stay at the usual limits', async () => {
    const settings = { accounts: [ada] }
    const remembering = { ...settings, sessions: { remember_me: { enabled: true } } }
    await using first = await startGateway({ settings: remembering })
    const [remembered, fresh] = [await remember(first), createBrowser()]
    first.clock.advance({ hours: 16 })
    const rested = await remember(first)
    first.clock.advance({ hours: 9 })
    expect(await isSignedIn(first, remembered)).toBe(true)
    await first.stop()

    const { folder, port, clock } = first
    await using second = await startGateway({ folder, port, clock, settings })
    for (let tries = 0; tries < 5; tries += 1) await fetch(`${second.issuer}/healthz`).catch(() => undefined)
    // A day, and eight hours without use, are the limits for everyone again; the sweeper does not wait for the promised fortnight.
    expect([await isSignedIn(second, remembered), await isSignedIn(second, rested)]).toEqual([false, false])
    expect(await second.gateway.sweeper.runOnce()).toMatchObject({ ssoSessionsEnded: 2 })
    await remember(second, fresh)
    expect(await isSignedIn(second, fresh)).toBe(true)
    clock.advance({ hours: 9 })
    expect(await opens(second, sessionCookie(second, fresh) ?? '')).toBe(false)
  })
})

/** Signs Ada in and asks to stay, whether or not the page offers it. */
async function remember(gateway: TestGateway, browser = createBrowser()) {
  const page = await browser.get(`${gateway.issuer}/sign-in`)
  await browser.submit(
    page,
    { email: ada.email, password: ada.password, remember: 'yes' },
    { action: '/sign-in' },
  )
  return browser
}

async function submitted(browser: ReturnType<typeof createBrowser>, page: Page): Promise<number> {
  return (await signInOn(browser, page, ada)).status
}

function authorizePath(client: ReturnType<typeof clientOf>): string {
  return `/oauth/authorize?${new URLSearchParams(authorizationRequest(client, 'v'.repeat(43)))}`
}
