import { describe, expect, it } from 'vitest'
import { createSoftwareAuthenticator, type SoftwareAuthenticator } from '#test/support/passkey.ts'
import { ada, type Portal, password, startPortal } from './portal.ts'
import { csrfOf, type Visitor } from './visitor.ts'

const phone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1'

async function addPasskey(browser: Visitor, authenticator: SoftwareAuthenticator): Promise<void> {
  const sent = { 'X-CSRF': csrfOf(await browser.open('/account')) }
  const { options } = JSON.parse((await browser.json('/account/passkeys/options', {}, sent)).text)
  const credential = authenticator.register(options)
  await browser.json('/account/passkeys', { credential }, sent)
}

async function passkeyIds(portal: Portal): Promise<readonly string[]> {
  const account = await portal.gateway.stores.accounts.findByFoldedEmail(ada)
  return account === undefined ? [] : (await portal.gateway.passkeys.list(account.id)).map(({ id }) => id)
}

describe('the sessions on the account page', () => {
  it('are in words, this device first, with the apps under each', async () => {
    await using portal = await startPortal()
    const account = await portal.addPerson()
    await portal.signedIn(ada, phone)
    portal.clock.advance({ minutes: 3 })
    const browser = await portal.signedIn()
    const [newest] = await portal.sessionsOf(account)
    if (newest !== undefined) await portal.join(newest, 'wiki')
    const { text } = await browser.open('/account')
    const firefox = text.indexOf('Firefox on Linux')
    expect(firefox).toBeGreaterThan(0)
    expect(text.indexOf('Safari on iPhone')).toBeGreaterThan(firefox)
    expect(text).toContain('This device')
    expect(text).toContain('Wiki')
  })

  it('say when they end at the latest, which is not when they would end unused', async () => {
    await using portal = await startPortal()
    await portal.addPerson()
    const browser = await portal.signedIn()
    const { absoluteMs } = portal.gateway.config.sessions
    const latest = new Date(portal.clock.now() + absoluteMs).toISOString()
    expect((await browser.open('/account')).text).toMatch(
      new RegExp(`until <time datetime="${latest}"[^>]*>[^<]*</time> at the latest`),
    )
  })

  it('end one by one, here with its apps', async () => {
    await using portal = await startPortal()
    const account = await portal.addPerson()
    const other = await portal.signedIn(ada, phone)
    const [there] = await portal.sessionsOf(account)
    const browser = await portal.signedIn()
    const ended = await browser.submit(await browser.open('/account'), `/account/sessions/${there?.id}/end`)
    expect(ended.location).toBe('/account#sessions')
    expect((await browser.open('/account')).text).toContain('That session has ended.')
    expect((await other.get('/')).location).toMatch(/^\/sign-in/)
    expect((await browser.open('/account')).text).toContain('You signed out')
  })

  it('end all but this one', async () => {
    await using portal = await startPortal()
    const account = await portal.addPerson()
    for (const agent of [phone, 'curl/8.0', 'x']) await portal.signedIn(ada, agent)
    const browser = await portal.signedIn()
    expect(await portal.sessionsOf(account)).toHaveLength(4)
    await browser.submit(await browser.open('/account'), '/account/sessions/end-others')
    expect(await portal.sessionsOf(account)).toHaveLength(1)
    expect((await browser.get('/account')).status).toBe(200)
  })

  it('end this one as a sign-out', async () => {
    await using portal = await startPortal()
    const account = await portal.addPerson()
    const browser = await portal.signedIn()
    const [here] = await portal.sessionsOf(account)
    const answer = await browser.submit(await browser.open('/account'), `/account/sessions/${here?.id}/end`)
    expect(answer.location).toMatch(/^\/sign-out\/lgo_/)
    expect(browser.sessionCookie).toBeUndefined()
  })

  it('N-192: of another person cannot be ended, and nothing tells that they exist', async () => {
    await using portal = await startPortal()
    await portal.addPerson()
    const grace = await portal.addPerson({ email: 'grace@example.com' })
    await portal.signedIn('grace@example.com')
    const [theirs] = await portal.sessionsOf(grace)
    const browser = await portal.signedIn()
    const page = await browser.open('/account')
    const csrf = csrfOf(page)
    const answer = await browser.post(`/account/sessions/${theirs?.id}/end`, { csrf })
    const unknown = await browser.post('/account/sessions/ses_AAAAAAAAAAAAAAAAAAAAAA/end', { csrf })
    expect([answer.status, answer.location]).toEqual([unknown.status, unknown.location])
    expect(await portal.sessionsOf(grace)).toHaveLength(1)
  })
})

describe('a change that could lock someone out or in', () => {
  it('asks for a fresh proof when the last one is older than ten minutes, and comes back', async () => {
    await using portal = await startPortal()
    await portal.addPerson()
    const browser = await portal.signedIn()
    portal.clock.advance({ minutes: 11 })
    const page = await browser.open('/account')
    expect(page.text).toContain('href="/account/confirm"')
    const change = { current_password: password, new_password: 'another good password' }
    expect((await browser.submit(page, '/account/password', change)).location).toBe('/account/confirm')
    const options = await browser.json('/account/passkeys/options', {}, { 'X-CSRF': csrfOf(page) })
    expect(options.status).toBe(403)
    expect(JSON.parse(options.text).location).toMatch(/^\/sign-in\?attempt=/)

    const confirm = await browser.open('/account/confirm')
    expect(confirm.text).toContain('Confirm it’s you')
    const confirmed = await browser.submit(confirm, '/sign-in', { password })
    const back = confirmed.location?.startsWith('/sign-in/passkey')
      ? await browser.submit(await browser.get(confirmed.location), '/sign-in/passkey/skip')
      : confirmed
    expect(back.location).toBe('/account')
    expect((await browser.open('/account')).text).not.toContain('href="/account/confirm"')
  })
})

describe('changing the password', () => {
  const next = 'another good password'

  it('ends all other sessions and gives this one another cookie (N-001, N-016)', async () => {
    await using portal = await startPortal()
    const account = await portal.addPerson()
    const other = await portal.signedIn(ada, phone)
    const browser = await portal.signedIn()
    const before = browser.sessionCookie
    const change = { current_password: password, new_password: next }
    await browser.submit(await browser.open('/account'), '/account/password', change)
    expect(browser.sessionCookie).not.toBe(before)
    expect((await browser.open('/account')).text).toContain('Your password was changed')
    expect((await other.get('/')).location).toMatch(/^\/sign-in/)
    expect(await portal.sessionsOf(account)).toHaveLength(1)
    expect((await portal.visitor().signIn(ada, password)).status).toBe(403)
    expect((await portal.visitor().signIn(ada, next)).status).toBe(303)
  })

  it.each([
    ['the old one is wrong', { current_password: 'wrong', new_password: next }, 'not your current password'],
    ['the old one is missing', { new_password: next }, 'not your current password'],
    ['the new one is short', { current_password: password, new_password: 'short' }, 'too short'],
    [
      'the new one is the address',
      { current_password: password, new_password: ada },
      'must not be your e-mail',
    ],
    ['nothing changes', { current_password: password, new_password: password }, 'you have already'],
  ])('is refused when %s, and changes nothing', async (_title, change, words) => {
    await using portal = await startPortal()
    await portal.addPerson()
    const browser = await portal.signedIn()
    const csrf = csrfOf(await browser.open('/account'))
    await browser.post('/account/password', { csrf, ...(change as Record<string, string>) })
    expect((await browser.open('/account')).text).toContain(words)
    expect((await portal.visitor().signIn(ada, password)).status).toBe(303)
  })

  it('cannot be used to guess the old one at leisure', async () => {
    await using portal = await startPortal()
    await portal.addPerson()
    const browser = await portal.signedIn()
    const csrf = csrfOf(await browser.open('/account'))
    for (let guess = 0; guess < 11; guess += 1) {
      await browser.post('/account/password', {
        csrf,
        current_password: `guess ${guess}`,
        new_password: next,
      })
    }
    await browser.post('/account/password', { csrf, current_password: password, new_password: next })
    expect((await browser.open('/account')).text).toContain('Too many tries')
    expect((await portal.visitor().signIn(ada, next)).status).not.toBe(303)
  })

  it('is left to the configuration file where that declares the account (DECISIONS 32)', async () => {
    await using portal = await startPortal({ settings: { accounts: [{ email: ada, password }] } })
    const browser = await portal.signedIn()
    const page = await browser.open('/account')
    expect(page.text).not.toContain('action="/account/password"')
    const csrf = csrfOf(page)
    const change = { csrf, current_password: password, new_password: next }
    expect((await browser.post('/account/password', change)).status).toBe(409)
  })
})

describe('passkeys on the account page', () => {
  it('are renamed and removed; removing one ends the sessions it opened', async () => {
    await using portal = await startPortal()
    const account = await portal.addPerson()
    const authenticator = createSoftwareAuthenticator({ origin: portal.issuer })
    const browser = await portal.signedIn()
    await addPasskey(browser, authenticator)
    const [id = ''] = await passkeyIds(portal)
    await browser.submit(await browser.open('/account'), `/account/passkeys/${id}/rename`, { name: 'My key' })
    expect((await browser.open('/account')).text).toContain('My key')
    await browser.submit(await browser.open('/account'), `/account/passkeys/${id}/rename`, { name: ' ' })
    expect((await browser.open('/account')).text).toContain('A passkey’s name has between')

    // N-154: the only one takes more than a password, or a phished one would clear the way for a passkey of the phisher's.
    await browser.submit(await browser.open('/account'), `/account/passkeys/${id}/remove`)
    expect(await passkeyIds(portal)).toEqual([id])

    const { credentials } = portal.gateway.stores
    const [first] = await portal.gateway.passkeys.list(account.id)
    if (first === undefined) throw new Error('the passkey is not stored')
    const another = { id: 'crd_another' as typeof first.id, webauthnId: 'another' }
    await credentials.insert({ ...first, ...another }, 2)
    await browser.submit(await browser.open('/account'), `/account/passkeys/${id}/remove`)
    expect((await browser.open('/account')).text).toContain('Your passkey was removed')
    expect(await passkeyIds(portal)).toEqual([another.id])
    expect(await portal.sessionsOf(account)).toHaveLength(1)
  })

  it('N-192: of another person cannot be renamed or removed', async () => {
    await using portal = await startPortal()
    await portal.addPerson()
    await portal.addPerson({ email: 'grace@example.com' })
    await addPasskey(await portal.signedIn(), createSoftwareAuthenticator({ origin: portal.issuer }))
    const [id = ''] = await passkeyIds(portal)
    const grace = await portal.signedIn('grace@example.com')
    const csrf = csrfOf(await grace.open('/account'))
    expect((await grace.post(`/account/passkeys/${id}/rename`, { csrf, name: 'Mine' })).status).toBe(404)
    expect((await grace.post(`/account/passkeys/${id}/remove`, { csrf })).status).toBe(404)
    expect(await passkeyIds(portal)).toEqual([id])
  })
})

describe('well-known addresses', () => {
  it('lead to where the password is changed and passkeys are managed', async () => {
    await using portal = await startPortal()
    const browser = portal.visitor()
    expect((await browser.get('/.well-known/change-password')).location).toBe('/account#security')
    const { text } = await browser.get('/.well-known/passkey-endpoints')
    expect(JSON.parse(text)).toEqual({
      enroll: `${portal.issuer}/account#passkeys`,
      manage: `${portal.issuer}/account#passkeys`,
    })
    // Password managers ask for this to learn whether we answer 200 to everything.
    const never = '/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200'
    expect((await browser.get(never)).status).toBe(404)
  })
})
