import { describe, expect, it } from 'vitest'
import { twoFactors } from '#gateway/sessions/assurance.ts'
import type { Wanted } from '#gateway/sign-in/attempt.ts'
import { createSoftwareAuthenticator } from '#test/support/passkey.ts'
import { ada, type Portal, password, startPortal } from './portal.ts'
import { csrfOf, formOf, type Visitor } from './visitor.ts'

/** What an edge does when an app sends someone here. */
async function sentByApp(portal: Portal, browser: Visitor, wanted: Wanted = {}): Promise<string> {
  // Any page of ours gives the browser its binding cookie.
  await browser.open('/sign-in')
  const attempt = await portal.gateway.signIn.begin({
    resumePath: '/oauth/interaction/abc?x=1',
    appId: 'wiki' as never,
    browser: browser.cookies.get(`gatehouse-${portal.port}-browser`) ?? '',
    address: '127.0.0.1',
    wanted,
  })
  return `/sign-in?attempt=${attempt}`
}

describe('signing in with a password', () => {
  it('works as a plain form with fields e-mail and password, and leads home', async () => {
    await using portal = await startPortal()
    await portal.addPerson()
    const browser = portal.visitor()
    const page = await browser.open('/')
    expect(Object.keys(formOf(page, '/sign-in').fields)).toEqual(['csrf', 'attempt', 'email', 'password'])
    const answer = await browser.signIn(ada, password, page)
    expect(answer.status).toBe(303)
    expect((await browser.open('/')).text).toContain('Your apps')
  })

  it('offers a passkey once, and lets go gracefully', async () => {
    await using portal = await startPortal()
    await portal.addPerson()
    const browser = portal.visitor()
    const answer = await browser.signIn(ada, password)
    expect(answer.location).toMatch(/^\/sign-in\/passkey\?attempt=/)
    const skipped = await browser.submit(await browser.open(answer.location ?? ''), '/sign-in/passkey/skip')
    expect(skipped).toMatchObject({ status: 303, location: '/' })
    expect((await portal.visitor().signIn(ada, password)).location).toBe('/')
  })

  it('creates the passkey it offered and then goes on to where the person was going', async () => {
    await using portal = await startPortal()
    await portal.addPerson()
    const browser = portal.visitor()
    const path = await sentByApp(portal, browser)
    const answer = await browser.signIn(ada, password, await browser.get(path))
    const offer = await browser.get(answer.location ?? '')
    const attempt = /data-attempt="([^"]+)"/.exec(offer.text)?.[1]
    const sent = { 'X-CSRF': csrfOf(offer) }
    const { options } = JSON.parse((await browser.json('/account/passkeys/options', { attempt }, sent)).text)
    const credential = createSoftwareAuthenticator({ origin: portal.issuer }).register(options)
    const done = await browser.json('/account/passkeys', { attempt, credential }, sent)
    expect(JSON.parse(done.text)).toEqual({ location: '/oauth/interaction/abc?x=1' })
  })

  it.each([
    ['a wrong password', ada, 'wrong'],
    ['an unknown address', 'nobody@example.com', password],
    ['no address at all', '', ''],
  ])('says the same for %s', async (_title, email, tried) => {
    await using portal = await startPortal()
    await portal.addPerson()
    const browser = portal.visitor()
    const answer = await browser.signIn(email, tried)
    expect(answer.status).toBe(403)
    expect(answer.text).toContain('That e-mail and password do not match')
    expect(browser.sessionCookie).toBeUndefined()
    // The page is whole: the right password can follow at once.
    expect((await browser.signIn(ada, password, answer)).status).toBe(303)
  })

  it('says when to come back after too many tries', async () => {
    await using portal = await startPortal()
    await portal.addPerson()
    const browser = portal.visitor()
    let page = await browser.open('/sign-in')
    for (let guess = 0; guess < 11; guess += 1) page = await browser.signIn(ada, `guess ${guess}`, page)
    expect(page.status).toBe(429)
    expect(Number(page.headers.get('Retry-After'))).toBeGreaterThan(0)
    expect(page.text).toContain('Too many tries')
  })

  it('is not asked of somebody who is signed in', async () => {
    await using portal = await startPortal()
    await portal.addPerson()
    const browser = await portal.signedIn()
    expect((await browser.get('/sign-in')).location).toBe('/')
  })

  it('keeps the cookie for longer only where that is offered and wanted', async () => {
    const settings = { sessions: { remember_me: { enabled: true, absolute: '14d' } } }
    for (const [offered, remember, maxAge] of [
      [settings, 'yes', 'Max-Age=1209600'],
      [settings, 'no', undefined],
      [{}, 'yes', undefined],
    ] as const) {
      await using portal = await startPortal({ settings: offered })
      await portal.addPerson()
      const browser = portal.visitor()
      const answer = await browser.submit(await browser.open('/sign-in'), '/sign-in', {
        email: ada,
        password,
        remember,
      })
      const cookie = answer.headers.getSetCookie().find((one) => one.startsWith(`gatehouse-${portal.port}=`))
      expect(cookie).toMatch(maxAge === undefined ? /SameSite=Lax$/ : new RegExp(`${maxAge}$`))
    }
  })
})

describe('signing in for an app', () => {
  it('names the app, lets the form end there, and goes on where the app waits', async () => {
    await using portal = await startPortal()
    await portal.addPerson()
    const browser = portal.visitor()
    const page = await browser.get(await sentByApp(portal, browser))
    expect(page.text).toContain('to continue to <strong>Wiki</strong>')
    expect(page.headers.get('Content-Security-Policy')).toContain("form-action 'self' http://127.0.0.1:4001;")
    expect(page.headers.get('Cross-Origin-Opener-Policy')).toBe('unsafe-none')
    const answer = await browser.signIn(ada, password, page)
    const skipped = await browser.submit(await browser.get(answer.location ?? ''), '/sign-in/passkey/skip')
    expect(skipped.location).toBe('/oauth/interaction/abc?x=1')
  })

  it('can be cancelled, which the app hears of', async () => {
    await using portal = await startPortal()
    const browser = portal.visitor()
    const page = await browser.get(await sentByApp(portal, browser))
    const answer = await browser.submit(page, '/sign-in/cancel')
    expect(answer.location).toBe('/oauth/interaction/abc?x=1&cancel=yes')
  })

  it('N-003: cannot be finished, seen or cancelled from another browser', async () => {
    await using portal = await startPortal()
    await portal.addPerson()
    const mallory = portal.visitor()
    const path = await sentByApp(portal, mallory)
    const victim = portal.visitor()
    const own = await victim.open('/sign-in')
    expect((await victim.get(path)).status).toBe(400)
    const attempt = path.slice(path.indexOf('=') + 1)
    const answer = await victim.submit(own, '/sign-in', { email: ada, password, attempt })
    expect(answer.status).toBe(400)
    expect(victim.sessionCookie).toBeUndefined()
  })

  it('N-182: a page made for another browser signs nobody in', async () => {
    await using portal = await startPortal()
    await portal.addPerson()
    const mallory = portal.visitor()
    const prepared = formOf(await mallory.open('/sign-in'), '/sign-in')
    const victim = portal.visitor()
    await victim.open('/sign-in')
    const answer = await victim.post('/sign-in', { ...prepared.fields, email: ada, password })
    expect(answer.status).toBe(403)
    expect(victim.sessionCookie).toBeUndefined()
  })

  it('answers an attempt that is over with one click back to the same app', async () => {
    await using portal = await startPortal()
    await portal.addPerson()
    const browser = portal.visitor()
    const path = await sentByApp(portal, browser)
    const page = await browser.get(path)
    portal.clock.advance({ minutes: 11 })
    for (const late of [await browser.get(path), await browser.signIn(ada, password, page)]) {
      expect(late.status).toBe(400)
      expect(late.text).toContain('takes you back to Wiki')
      expect(late.text).toContain('href="http://127.0.0.1:4001/wiki"')
    }
  })

  it('goes on by itself in a second tab once the person has signed in in the first', async () => {
    await using portal = await startPortal()
    await portal.addPerson()
    const browser = portal.visitor()
    const second = await sentByApp(portal, browser)
    portal.clock.advance({ seconds: 5 })
    await browser.signIn(ada, password)
    expect((await browser.get(second)).location).toBe('/oauth/interaction/abc?x=1')
  })

  it('N-001: gives another cookie for a fresh proof, keeps the session, and the old cookie opens nothing', async () => {
    await using portal = await startPortal()
    const account = await portal.addPerson()
    const browser = await portal.signedIn()
    const before = browser.sessionCookie ?? ''
    portal.clock.advance({ minutes: 1 })
    const path = await sentByApp(portal, browser, { accountId: account.id, provedAfter: portal.clock.now() })
    const page = await browser.get(path)
    expect(page.text).toContain('Confirm it’s you')
    expect(page.text).toContain(ada)
    await browser.submit(page, '/sign-in', { password })
    expect(browser.sessionCookie).not.toBe(before)
    expect(await portal.sessionsOf(account)).toHaveLength(1)
    browser.sessionCookie = before
    expect((await browser.get('/')).location).toMatch(/^\/sign-in/)
  })

  it('asks for a passkey when a right password is not enough, and only then says so', async () => {
    await using portal = await startPortal()
    await portal.addPerson()
    const browser = portal.visitor()
    const page = await browser.get(await sentByApp(portal, browser, { acr: twoFactors }))
    const wrong = await browser.signIn(ada, 'wrong', page)
    expect(wrong.text).not.toContain('needs a passkey')
    const right = await browser.signIn(ada, password, wrong)
    expect(right.text).toContain('This needs a passkey, and your account has none yet.')
    expect(browser.sessionCookie).toBeUndefined()
  })

  it('N-005: another person takes nothing over, and the first one’s session ends', async () => {
    await using portal = await startPortal()
    const first = await portal.addPerson()
    const second = await portal.addPerson({ email: 'grace@example.com', name: 'Grace Hopper' })
    const browser = await portal.signedIn()
    portal.clock.advance({ seconds: 5 })
    const page = await browser.get(await sentByApp(portal, browser, { provedAfter: portal.clock.now() }))
    const another = /href="([^"]*switch=yes[^"]*)"/.exec(page.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
    await browser.signIn('grace@example.com', password, await browser.get(another))
    expect(await portal.sessionsOf(first)).toHaveLength(0)
    expect(await portal.sessionsOf(second)).toHaveLength(1)
    expect((await browser.open('/')).text).toContain('Grace Hopper')
  })
})

describe('signing in with a passkey', () => {
  it('works from the two addresses the page names, after one was added on the account page', async () => {
    await using portal = await startPortal()
    const account = await portal.addPerson()
    const authenticator = createSoftwareAuthenticator({ origin: portal.issuer })
    const browser = await portal.signedIn()
    const page = await browser.open('/account')
    const sent = { 'X-CSRF': csrfOf(page) }
    const { options } = JSON.parse((await browser.json('/account/passkeys/options', {}, sent)).text)
    const added = await browser.json(
      '/account/passkeys',
      { credential: authenticator.register(options) },
      sent,
    )
    expect(JSON.parse(added.text)).toEqual({ location: '/account#passkeys' })
    expect((await browser.open('/account')).text).toContain('Your passkey was added.')
    // Said once: a reload does not claim it again.
    expect((await browser.open('/account')).text).not.toContain('Your passkey was added.')

    const other = portal.visitor()
    const signIn = await other.open('/sign-in')
    const attempt = formOf(signIn, '/sign-in').fields['attempt']
    const token = { 'X-CSRF': csrfOf(signIn) }
    const asked = JSON.parse((await other.json('/sign-in/passkey/options', { attempt }, token)).text)
    const credential = authenticator.assert(asked.options)
    const done = await other.json('/sign-in/passkey', { attempt, credential }, token)
    expect(JSON.parse(done.text)).toEqual({ location: '/' })
    expect((await portal.sessionsOf(account)).some(({ acr }) => acr === twoFactors)).toBe(true)
  })

  it('refuses a passkey nobody has, in words that the page shows', async () => {
    await using portal = await startPortal()
    const browser = portal.visitor()
    const page = await browser.open('/sign-in')
    const attempt = formOf(page, '/sign-in').fields['attempt']
    const token = { 'X-CSRF': csrfOf(page) }
    const { options } = JSON.parse((await browser.json('/sign-in/passkey/options', { attempt }, token)).text)
    const stranger = createSoftwareAuthenticator({ origin: portal.issuer })
    stranger.register({
      rp: { name: 'x', id: 'localhost' },
      user: { id: 'AAAA', name: 'x', displayName: 'x' },
      challenge: 'AAAA',
      pubKeyCredParams: [],
    })
    const answer = await browser.json(
      '/sign-in/passkey',
      { attempt, credential: stranger.assert(options) },
      token,
    )
    expect(answer.status).toBe(400)
    expect(JSON.parse(answer.text).detail).toContain('was not accepted')
    expect(JSON.parse(answer.text).unknown_credential).toBe(true)
    for (const credential of [undefined, 1, 'x', {}, { id: {} }]) {
      expect((await browser.json('/sign-in/passkey', { attempt, credential }, token)).status).toBe(400)
    }
  })

  it('leads the page on when its attempt is over', async () => {
    await using portal = await startPortal()
    const browser = portal.visitor()
    const page = await browser.open('/sign-in')
    const attempt = formOf(page, '/sign-in').fields['attempt']
    portal.clock.advance({ minutes: 11 })
    const answer = await browser.json('/sign-in/passkey/options', { attempt }, { 'X-CSRF': csrfOf(page) })
    expect(answer.status).toBe(403)
    expect(JSON.parse(answer.text)).toMatchObject({ location: `/sign-in?attempt=${attempt}` })
  })
})

describe('the session cookie', () => {
  it('N-002: is never adopted when planted', async () => {
    await using portal = await startPortal()
    await portal.addPerson()
    const browser = portal.visitor()
    const planted = 'P'.repeat(43)
    browser.sessionCookie = planted
    expect((await browser.get('/')).location).toMatch(/^\/sign-in/)
    await browser.signIn(ada, password)
    expect(browser.sessionCookie).not.toBe(planted)
    expect(portal.logLines.some(({ message }) => message.includes('never issued'))).toBe(true)
    expect(JSON.stringify(portal.logLines)).not.toContain(planted)
  })

  it('N-007: in the address, a header or a form opens nothing', async () => {
    await using portal = await startPortal()
    await portal.addPerson()
    const secret = (await portal.signedIn()).sessionCookie ?? ''
    const browser = portal.visitor()
    const name = `gatehouse-${portal.port}`
    expect((await browser.get(`/?${name}=${secret}`)).status).toBe(303)
    expect((await browser.get('/', { Authorization: `Bearer ${secret}`, 'X-Session': secret })).status).toBe(
      303,
    )
    expect(JSON.stringify(portal.logLines)).not.toContain(secret)
  })
})
