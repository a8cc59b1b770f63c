import { describe, expect, it } from 'vitest'
import { goodPassword, openSignIn, signedIn } from './harness.ts'

describe('signing in with a password', () => {
  it('begins a session of one factor and says where to go on', async () => {
    await using test = await openSignIn()
    const account = await test.addAccount()
    const browser = test.openBrowser()
    const handle = await browser.begin({}, '/oauth/interaction/abc?x=1')
    const outcome = signedIn(
      await test.signIn.withPassword({
        ...browser.request(handle, { remember: true }),
        email: ' ADA@example.com ',
        password: goodPassword,
      }),
    )
    expect(outcome).toMatchObject({ resumePath: '/oauth/interaction/abc?x=1', remembered: true })
    expect(outcome.session).toMatchObject({
      accountId: account.id,
      acr: 'urn:gatehouse:acr:1',
      amr: ['pwd'],
      credentialIds: [],
      remembered: true,
      authenticatedAt: test.clock.now(),
    })
    const resolved = await test.registry.resolve(outcome.secret, { address: '192.0.2.7' })
    expect(resolved).toMatchObject({ kind: 'live', session: { id: outcome.session.id } })
    expect(test.events).toContainEqual({
      type: 'session.started',
      accountId: account.id,
      ssoSessionId: outcome.session.id,
      methods: ['password'],
      address: '192.0.2.7',
    })
  })

  it('takes a password that is shorter than a new one may be: it was good enough when it was chosen', async () => {
    await using test = await openSignIn()
    await test.addAccount({ password: 'twelve chars' })
    expect((await test.openBrowser().withPassword('ada@example.com', 'twelve chars')).kind).toBe('signed-in')
  })

  it('gives a wrong password, an unknown account, a disabled one and one without a password the same answer after the same work (N-125)', async () => {
    await using test = await openSignIn()
    await test.addAccount()
    const disabled = await test.addAccount({ email: 'disabled@example.com' })
    await test.accounts.change(disabled.id, { state: 'disabled' }, test.clock.now())
    const passwordless = await test.addAccount({ email: 'passwordless@example.com' })
    await test.accounts.setPassword(passwordless.id, undefined, test.clock.now())
    const browser = test.openBrowser()
    for (const [email, password] of [
      ['ada@example.com', 'wrong'],
      ['nobody@example.com', goodPassword],
      ['disabled@example.com', goodPassword],
      ['passwordless@example.com', goodPassword],
      ['not an address', goodPassword],
    ] as const) {
      const before = test.counted.verifications
      expect(await browser.withPassword(email, password)).toEqual({ kind: 'refused' })
      expect(test.counted.verifications - before).toBe(1)
    }
    expect(test.events.map((event) => 'reason' in event && event.reason)).toEqual([
      'wrong-password',
      'unknown-account',
      'disabled',
      'no-password',
      'unknown-account',
    ])
  })

  it('takes a password in any Unicode form, and a NUL in it for a character like any other (N-126)', async () => {
    await using test = await openSignIn()
    await test.addAccount({ password: 'caf\u00e9 cr\u00e8me \u0000 x' })
    const browser = test.openBrowser()
    expect(await browser.withPassword('ada@example.com', 'cafe\u0301 cre\u0300me \u0000 x')).toMatchObject({
      kind: 'signed-in',
    })
    expect(await browser.withPassword('ada@example.com', 'caf\u00e9 cr\u00e8me \u0000 y')).toEqual({
      kind: 'refused',
    })
    expect(await browser.withPassword('ada@example.com', 'caf\u00e9 cr\u00e8me ')).toEqual({
      kind: 'refused',
    })
  })

  it('refuses a password of a megabyte before any hash, for known and unknown accounts alike (N-126)', async () => {
    await using test = await openSignIn()
    await test.addAccount()
    const browser = test.openBrowser()
    const long = 'x'.repeat(1_048_576)
    expect(await browser.withPassword('ada@example.com', long)).toEqual({ kind: 'refused' })
    expect(await browser.withPassword('nobody@example.com', long)).toEqual({ kind: 'refused' })
    expect(test.counted.verifications).toBe(0)
  })

  it('makes the hash anew at sign-in when its parameters are out of date, without moving the password\u2019s date', async () => {
    await using test = await openSignIn()
    test.hasherState.parameters = 'v1'
    const account = await test.addAccount()
    test.hasherState.parameters = 'v2'
    test.clock.advance({ days: 3 })
    const browser = test.openBrowser()
    expect(await browser.withPassword('ada@example.com', goodPassword)).toMatchObject({ kind: 'signed-in' })
    expect(await test.accounts.passwordHashOf(account.id)).toBe(test.hashOf('v2', goodPassword))
    expect(await test.accounts.find(account.id)).toMatchObject({
      passwordChangedAt: account.passwordChangedAt,
    })
    expect(await browser.withPassword('ada@example.com', goodPassword)).toMatchObject({ kind: 'signed-in' })
    expect(test.counted.hashes).toBe(1)
  })

  it('offers a passkey to an account that has none, once a month', async () => {
    await using test = await openSignIn()
    await test.addAccount()
    const browser = test.openBrowser()
    const offered = async () =>
      signedIn(await browser.withPassword('ada@example.com', goodPassword)).offerPasskey
    expect(await offered()).toBe(true)
    expect(await offered()).toBe(false)
    test.clock.advance({ days: 31 })
    expect(await offered()).toBe(true)
  })

  it('offers no passkey to an account that has one', async () => {
    await using test = await openSignIn()
    await test.addPasskey(await test.addAccount())
    const outcome = await test.openBrowser().withPassword('ada@example.com', goodPassword)
    expect(outcome).toMatchObject({ kind: 'signed-in', offerPasskey: false })
  })

  it('asks for a passkey as well when the request wants two factors, and both together make one session', async () => {
    await using test = await openSignIn()
    const { authenticator, credential } = await test.addPasskey(await test.addAccount())
    const browser = test.openBrowser()
    const handle = await browser.begin({ acr: 'urn:gatehouse:acr:2' })
    expect(
      await test.signIn.withPassword({
        ...browser.request(handle),
        email: 'ada@example.com',
        password: goodPassword,
      }),
    ).toEqual({ kind: 'more-needed', why: 'passkey', hasPasskey: true })
    expect((await test.signIn.find(handle, browser.browser))?.proofs).toMatchObject([{ method: 'password' }])

    const response = authenticator.assert(await browser.optionsFor(handle))
    const outcome = signedIn(await test.signIn.withPasskey({ ...browser.request(handle), response }))
    expect(outcome.session).toMatchObject({
      acr: 'urn:gatehouse:acr:2',
      amr: ['pwd', 'pop', 'user', 'mfa', 'swk'],
      credentialIds: [credential.id],
    })
  })

  it('says so when the account has no passkey to meet the wanted strength with', async () => {
    await using test = await openSignIn()
    await test.addAccount()
    const browser = test.openBrowser()
    const handle = await browser.begin({ acr: 'phr' })
    expect(
      await test.signIn.withPassword({
        ...browser.request(handle),
        email: 'ada@example.com',
        password: goodPassword,
      }),
    ).toEqual({ kind: 'more-needed', why: 'passkey', hasPasskey: false })
  })

  it('refuses the right password of another person than the request named', async () => {
    await using test = await openSignIn()
    const ada = await test.addAccount()
    await test.addAccount({ email: 'bob@example.com' })
    const browser = test.openBrowser()
    const handle = await browser.begin({ accountId: ada.id })
    const attempt = (email: string) =>
      test.signIn.withPassword({ ...browser.request(handle), email, password: goodPassword })
    expect(await attempt('bob@example.com')).toEqual({ kind: 'refused' })
    expect(await attempt('ada@example.com')).toMatchObject({ kind: 'signed-in' })
  })
})
