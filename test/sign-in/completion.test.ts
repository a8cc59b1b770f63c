import { describe, expect, it } from 'vitest'
import { GatewayError } from '#gateway/kernel/errors.ts'
import type { SsoSession } from '#gateway/sessions/sso-session.ts'
import { createComplete } from '#gateway/sign-in/complete.ts'
import { authenticationOf } from '#gateway/sign-in/decision.ts'
import { goodPassword, openSignIn, type SignInTest, signedIn } from './harness.ts'

const credentials = { email: 'ada@example.com', password: goodPassword }

async function activeSessions(test: SignInTest, account: { readonly id: SsoSession['accountId'] }) {
  return test.sessions.listByAccount(account.id, { state: 'active', limit: 200 })
}

describe('completing a sign-in', () => {
  it.each([{ seed: undefined }, { seed: 31 }])(
    'lets one of ten parallel posts of one attempt begin a session (seed $seed)',
    async ({ seed }) => {
      await using test = await openSignIn(seed === undefined ? {} : { seed })
      const account = await test.addAccount()
      const browser = test.openBrowser()
      const handle = await browser.begin()
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, () =>
          test.signIn.withPassword({ ...browser.request(handle), ...credentials }),
        ),
      )
      expect(outcomes.filter(({ kind }) => kind === 'signed-in')).toHaveLength(1)
      expect(outcomes.filter(({ kind }) => kind === 'expired')).toHaveLength(9)
      expect(await activeSessions(test, account)).toHaveLength(1)
      expect(await test.signIn.withPassword({ ...browser.request(handle), ...credentials })).toEqual({
        kind: 'expired',
      })
    },
  )

  it('keeps the id of a session when the same person signs in again, and replaces its secret', async () => {
    await using test = await openSignIn()
    const account = await test.addAccount()
    const browser = test.openBrowser()
    const first = signedIn(await browser.withPassword(credentials.email, goodPassword))
    test.clock.advance({ hours: 1 })
    const again = signedIn(
      await browser.withPassword(credentials.email, goodPassword, { current: first.session, remember: true }),
    )
    expect(again.session).toMatchObject({ id: first.session.id, authenticatedAt: test.clock.now() })
    expect(again.remembered).toBe(false)
    expect(again.secret).not.toBe(first.secret)
    expect(await test.registry.resolve(first.secret, { address: '' })).toMatchObject({ kind: 'none' })
    expect(await test.registry.resolve(again.secret, { address: '' })).toMatchObject({ kind: 'live' })
    expect(await activeSessions(test, account)).toHaveLength(1)
    expect(test.events.map(({ type }) => type)).toEqual(['session.started', 'session.strengthened'])
  })

  it('begins a new session when the old one has ended in the meantime', async () => {
    await using test = await openSignIn()
    await test.addAccount()
    const browser = test.openBrowser()
    const first = signedIn(await browser.withPassword(credentials.email, goodPassword))
    await test.endSession({ kind: 'sso-sessions', ids: [first.session.id] }, 'admin', {
      kind: 'command-line',
    })
    const again = signedIn(
      await browser.withPassword(credentials.email, goodPassword, { current: first.session }),
    )
    expect(again.session.id).not.toBe(first.session.id)
    expect(await test.sessions.find(first.session.id)).toMatchObject({ ended: { cause: 'admin' } })
  })

  it('ends the session of the person who was here before, and shares nothing with it (N-005)', async () => {
    await using test = await openSignIn()
    await test.addAccount()
    const bob = await test.addAccount({ email: 'bob@example.com' })
    const browser = test.openBrowser()
    const adas = signedIn(await browser.withPassword(credentials.email, goodPassword))
    const bobs = signedIn(
      await browser.withPassword('bob@example.com', goodPassword, { current: adas.session }),
    )
    expect(bobs.session).toMatchObject({ accountId: bob.id, credentialIds: [] })
    expect(bobs.session.id).not.toBe(adas.session.id)
    expect(await test.sessions.find(adas.session.id)).toMatchObject({
      ended: { cause: 'account-switched', actor: { kind: 'account', accountId: bob.id } },
    })
  })

  it('ends the session used longest ago when an account has too many', async () => {
    await using test = await openSignIn({ maxPerAccount: 2 })
    const account = await test.addAccount()
    const open = async () => {
      test.clock.advance({ minutes: 1 })
      return signedIn(await test.openBrowser().withPassword(credentials.email, goodPassword)).session
    }
    const [first, second] = [await open(), await open()]
    test.clock.advance({ minutes: 5 })
    await test.registry.touch(first, 'page')
    const third = await open()
    const ids = (await activeSessions(test, account)).map(({ id }) => id)
    expect(ids.sort()).toEqual([first.id, third.id].sort())
    expect(await test.sessions.find(second.id)).toMatchObject({ ended: { cause: 'session-limit' } })
  })

  it.each([{ seed: undefined }, { seed: 47 }])(
    'never lets parallel sign-ins exceed the limit (seed $seed)',
    async ({ seed }) => {
      await using test = await openSignIn({ maxPerAccount: 3, ...(seed === undefined ? {} : { seed }) })
      const account = await test.addAccount()
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, () => test.openBrowser().withPassword(credentials.email, goodPassword)),
      )
      expect(outcomes.every(({ kind }) => kind === 'signed-in')).toBe(true)
      expect(await activeSessions(test, account)).toHaveLength(3)
    },
  )

  it('works a limit that was lowered down', async () => {
    await using test = await openSignIn({ maxPerAccount: 1 })
    const account = await test.addAccount()
    for (let count = 0; count < 5; count++) await test.beginSession(account)
    await test.openBrowser().withPassword(credentials.email, goodPassword)
    expect(await activeSessions(test, account)).toHaveLength(1)
  })

  it('makes no room for a person who goes on with their session', async () => {
    await using test = await openSignIn({ maxPerAccount: 1 })
    const account = await test.addAccount()
    const browser = test.openBrowser()
    const first = signedIn(await browser.withPassword(credentials.email, goodPassword))
    signedIn(await browser.withPassword(credentials.email, goodPassword, { current: first.session }))
    expect((await activeSessions(test, account)).map(({ id }) => id)).toEqual([first.session.id])
  })
})

describe('what was proved', () => {
  it('does not begin a session for an account that was disabled between the two factors (N-014)', async () => {
    await using test = await openSignIn()
    const account = await test.addAccount()
    const { authenticator } = await test.addPasskey(account)
    const browser = test.openBrowser()
    const handle = await browser.begin({ acr: 'urn:gatehouse:acr:2' })
    await test.signIn.withPassword({ ...browser.request(handle), ...credentials })
    const response = authenticator.assert(await browser.optionsFor(handle))
    await test.accounts.change(account.id, { state: 'disabled' }, test.clock.now())
    expect(await test.signIn.withPasskey({ ...browser.request(handle), response })).toEqual({
      kind: 'refused',
    })
  })

  it('no longer counts when the account was disabled, the password changed or the passkey removed before the end (N-014, N-146)', async () => {
    await using test = await openSignIn()
    const account = await test.addAccount()
    const { credential } = await test.addPasskey(account)
    const complete = createComplete({ ...test, append: async () => {}, maxPerAccount: 0 })
    const at = test.clock.now()
    const password = {
      method: 'password',
      accountId: account.id,
      at,
      passwordChangedAt: account.passwordChangedAt,
    } as const
    const passkey = {
      method: 'passkey',
      accountId: account.id,
      at,
      credentialId: credential.id,
      backupEligible: true,
    } as const
    const completeWith = (proof: typeof password | typeof passkey) =>
      complete({
        accountId: account.id,
        authentication: authenticationOf([proof], at),
        proofs: [proof],
        remember: false,
        address: '',
        userAgent: '',
        browser: 'browser',
        resumePath: '/',
      })
    expect(await completeWith(password)).toBeDefined()
    expect(await completeWith(passkey)).toBeDefined()

    await test.accounts.setPassword(account.id, test.hashOf('v2', goodPassword), at + 1)
    expect(await completeWith(password)).toBeUndefined()
    expect(await completeWith(passkey)).toBeDefined()

    await test.accounts.change(account.id, { state: 'disabled' }, at)
    expect(await completeWith(passkey)).toBeUndefined()
    await test.accounts.change(account.id, { state: 'active' }, at)

    await test.credentials.delete(credential.id)
    expect(await completeWith(passkey)).toBeUndefined()
    expect(test.events.filter(({ type }) => type === 'session.started')).toEqual([])
  })

  it('leaves the attempt to be tried again when its session could not be stored', async () => {
    await using test = await openSignIn()
    const account = await test.addAccount()
    const browser = test.openBrowser()
    const handle = await browser.begin()
    const begin = test.registry.begin
    test.registry.begin = async () => {
      throw new GatewayError('store_unavailable', 'The disk is full.')
    }
    await expect(
      test.signIn.withPassword({ ...browser.request(handle), ...credentials }),
    ).rejects.toMatchObject({ code: 'store_unavailable' })
    test.registry.begin = begin
    expect(await test.signIn.withPassword({ ...browser.request(handle), ...credentials })).toMatchObject({
      kind: 'signed-in',
    })
    expect(await activeSessions(test, account)).toHaveLength(1)
  })

  it('is not forgotten when the password was right and a passkey is still to come, and only there', async () => {
    await using test = await openSignIn()
    const { authenticator } = await test.addPasskey(await test.addAccount())
    const browser = test.openBrowser()
    const handle = await browser.begin({ acr: 'urn:gatehouse:acr:2' })
    await test.signIn.withPassword({ ...browser.request(handle), ...credentials })
    const elsewhere = await browser.begin({ acr: 'urn:gatehouse:acr:2' })
    const outcome = signedIn(
      await test.signIn.withPasskey({
        ...browser.request(elsewhere),
        response: authenticator.assert(await browser.optionsFor(elsewhere)),
      }),
    )
    expect(outcome.session.amr).not.toContain('pwd')
  })
})
