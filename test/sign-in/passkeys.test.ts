import { describe, expect, it } from 'vitest'
import type { CredentialId } from '#gateway/kernel/ids.ts'
import { challengeMs } from '#gateway/sign-in/challenges.ts'
import { passkeysMax } from '#gateway/sign-in/passkeys.ts'
import { createSoftwareAuthenticator, type Lies } from '#test/support/passkey.ts'
import { goodPassword, issuer, openSignIn, type SignInTest, signedIn } from './harness.ts'

async function ready(test: SignInTest) {
  const account = await test.addAccount()
  const session = await test.beginSession(account)
  const authenticator = createSoftwareAuthenticator({ origin: issuer })
  const options = async () => {
    const asked = await test.passkeys.registrationOptions(session)
    if (asked.kind !== 'options') throw new Error(asked.kind)
    return asked.options
  }
  return { account, session, authenticator, options }
}

describe('adding a passkey', () => {
  it('asks for a discoverable, user-verified key without attestation, and never for the account\u2019s id or e-mail as its handle', async () => {
    await using test = await openSignIn()
    const { account, options } = await ready(test)
    expect(await options()).toEqual({
      challenge: expect.stringMatching(/^[\w-]{43}$/),
      rp: { id: 'login.example.com', name: 'Example' },
      user: { id: account.webauthnUser, name: 'ada@example.com', displayName: 'Ada' },
      pubKeyCredParams: [
        { type: 'public-key', alg: -7 },
        { type: 'public-key', alg: -8 },
        { type: 'public-key', alg: -257 },
      ],
      timeout: challengeMs,
      attestation: 'none',
      excludeCredentials: [],
      authenticatorSelection: {
        residentKey: 'required',
        requireResidentKey: true,
        userVerification: 'required',
      },
      extensions: { credProps: true },
    })
  })

  it('stores it, named after its authenticator, with an event', async () => {
    await using test = await openSignIn()
    const { account, session, options } = await ready(test)
    const iCloud = createSoftwareAuthenticator({
      origin: issuer,
      aaguid: 'fbfc3007-154e-4ecc-8c0b-6e020557d7bd',
    })
    const outcome = await test.passkeys.register(session, iCloud.register(await options()))
    expect(outcome).toMatchObject({
      kind: 'added',
      credential: {
        accountId: account.id,
        name: 'iCloud Keychain',
        webauthnId: iCloud.held[0]?.webauthnId,
        backupEligible: true,
        backedUp: true,
        transports: ['hybrid', 'internal'],
      },
    })
    if (outcome.kind !== 'added') throw new Error(outcome.kind)
    expect(await test.passkeys.list(account.id)).toEqual([outcome.credential])
    expect(test.events).toEqual([
      { type: 'passkey.added', accountId: account.id, credentialId: outcome.credential.id },
    ])
  })

  it('accepts self-attestation and looks at no certificate chain (N-145)', async () => {
    await using test = await openSignIn()
    const { session, authenticator, options } = await ready(test)
    const chained = authenticator.register(await options(), { attestation: 'chain' })
    expect(await test.passkeys.register(session, chained)).toEqual({ kind: 'refused' })
    expect(test.logged.at(-1)?.fields).toMatchObject({
      reason: 'An attestation came although none was asked for.',
    })
    const own = createSoftwareAuthenticator({ origin: issuer }).register(await options(), {
      attestation: 'self',
    })
    expect(await test.passkeys.register(session, own)).toMatchObject({ kind: 'added' })
  })

  it.for<[string, Lies]>([
    ['from another origin', { origin: 'https://evil.example' }],
    ['for another RP ID', { rpId: 'example.com' }],
    ['from a frame', { crossOrigin: true }],
    ['with a top origin', { topOrigin: 'https://evil.example' }],
    ['without user verification', { userVerified: false }],
    ['without user presence', { userPresent: false }],
    ['that is backed up and not eligible', { backupEligible: false, backedUp: true }],
    ['with the client data of a sign-in', { type: 'webauthn.get' }],
    ['with a challenge of its own', { challenge: Buffer.alloc(32, 9).toString('base64url') }],
  ])('refuses one %s', async ([, lies]) => {
    await using test = await openSignIn()
    const { account, session, authenticator, options } = await ready(test)
    const response = authenticator.register(await options(), lies)
    expect(await test.passkeys.register(session, response)).toEqual({ kind: 'refused' })
    expect(await test.passkeys.list(account.id)).toEqual([])
  })

  it('refuses what is no response at all', async () => {
    await using test = await openSignIn()
    const { session } = await ready(test)
    expect(await test.passkeys.register(session, { id: 1 })).toEqual({ kind: 'refused' })
  })

  it('uses a challenge once, within five minutes, and in the session it was made for (N-141)', async () => {
    await using test = await openSignIn()
    const { account, session, authenticator, options } = await ready(test)
    const another = await test.beginSession(account)
    const response = authenticator.register(await options())
    expect(await test.passkeys.register(another, response)).toEqual({ kind: 'refused' })
    expect(await test.passkeys.register(session, response)).toMatchObject({ kind: 'added' })
    expect(await test.passkeys.register(session, response)).toEqual({ kind: 'refused' })

    const strong = await test.beginSession(account)
    const late = await test.passkeys.registrationOptions(strong)
    if (late.kind !== 'options') throw new Error(late.kind)
    test.clock.advance({ ms: challengeMs })
    const second = createSoftwareAuthenticator({ origin: issuer })
    expect(await test.passkeys.register(strong, second.register(late.options))).toEqual({ kind: 'refused' })
  })

  it('needs a proof of the last ten minutes, and says what to sign in for (N-146)', async () => {
    await using test = await openSignIn()
    const { account, session } = await ready(test)
    test.clock.advance({ minutes: 10 })
    expect(await test.passkeys.registrationOptions(session)).toMatchObject({ kind: 'options' })
    test.clock.advance({ ms: 1 })
    expect(await test.passkeys.registrationOptions(session)).toEqual({
      kind: 'fresh-proof-needed',
      wanted: { accountId: account.id, provedAfter: test.clock.now() - 600_000 },
    })
  })

  it('needs a passkey where there is one already: a phished password does not turn into a key', async () => {
    await using test = await openSignIn()
    const account = await test.addAccount()
    const { authenticator } = await test.addPasskey(account)
    const browser = test.openBrowser()
    const weak = signedIn(await browser.withPassword('ada@example.com', goodPassword))
    const asked = await test.passkeys.registrationOptions(weak.session)
    expect(asked).toMatchObject({ kind: 'fresh-proof-needed', wanted: { acr: 'urn:gatehouse:acr:2' } })

    const current = { current: weak.session }
    const strong = signedIn(await browser.withPasskey(authenticator, current))
    expect(await test.passkeys.registrationOptions(strong.session)).toMatchObject({ kind: 'options' })
  })

  it('needs the passkey itself to be fresh: a password typed now does not renew one of this morning', async () => {
    await using test = await openSignIn()
    const account = await test.addAccount()
    const { authenticator } = await test.addPasskey(account)
    const browser = test.openBrowser()
    const morning = signedIn(await browser.withPasskey(authenticator))
    test.clock.advance({ hours: 3 })
    const retyped = signedIn(
      await browser.withPassword('ada@example.com', goodPassword, { current: morning.session }),
    )
    const wanted = { acr: 'urn:gatehouse:acr:2' }
    expect(await test.passkeys.registrationOptions(retyped.session)).toMatchObject({ wanted })
    const again = signedIn(await browser.withPasskey(authenticator, { current: retyped.session }))
    expect(await test.passkeys.registrationOptions(again.session)).toMatchObject({ kind: 'options' })
  })

  it('tells the browser which passkeys there are, so that an authenticator makes no second', async () => {
    await using test = await openSignIn()
    const account = await test.addAccount()
    const { authenticator, credential } = await test.addPasskey(account)
    const strong = await test.beginSession(account)
    const asked = await test.passkeys.registrationOptions(strong)
    if (asked.kind !== 'options') throw new Error(asked.kind)
    expect(asked.options.excludeCredentials).toEqual([{ type: 'public-key', id: credential.webauthnId }])
    expect(() => authenticator.register(asked.options)).toThrow('InvalidStateError')
  })

  it('refuses an id that another account has registered (section 7.1 step 26)', async () => {
    await using test = await openSignIn()
    const { credential } = await test.addPasskey(await test.addAccount({ email: 'bob@example.com' }))
    const { account, session, authenticator, options } = await ready(test)
    const stolen = authenticator.register(await options(), { webauthnId: credential.webauthnId })
    expect(await test.passkeys.register(session, stolen)).toEqual({ kind: 'exists' })
    expect(await test.credentials.find(credential.id)).toEqual(credential)
    expect(await test.passkeys.list(account.id)).toEqual([])
  })

  it('stops at twenty', async () => {
    await using test = await openSignIn()
    const { account, session, authenticator, options } = await ready(test)
    const lastOptions = await options()
    for (let count = 0; count < passkeysMax; count++) await test.addPasskey(account)
    const last = authenticator.register(lastOptions)
    expect(await test.passkeys.register(session, last)).toEqual({ kind: 'too-many' })
    const strong = await test.beginSession(account)
    expect(await test.passkeys.registrationOptions(strong)).toEqual({ kind: 'too-many' })
  })

  it('leaves nothing behind when the session ends while the authenticator is asked', async () => {
    await using test = await openSignIn()
    const { account, session, authenticator, options } = await ready(test)
    const response = authenticator.register(await options())
    await test.endSession({ kind: 'sso-sessions', ids: [session.id] }, 'admin', { kind: 'command-line' })
    expect(await test.passkeys.register(session, response)).toEqual({ kind: 'session-ended' })
    expect(await test.passkeys.registrationOptions(session)).toEqual({ kind: 'session-ended' })
    expect(await test.passkeys.list(account.id)).toEqual([])
  })
})

describe('renaming a passkey', () => {
  it('changes its name, for its owner only', async () => {
    await using test = await openSignIn()
    const account = await test.addAccount()
    const bob = await test.addAccount({ email: 'bob@example.com' })
    const { credential } = await test.addPasskey(account)
    const rename = (accountId: typeof account.id, name: string) =>
      test.passkeys.rename({
        accountId,
        credentialId: credential.id,
        name,
        actor: { kind: 'account', accountId },
      })
    expect(await rename(bob.id, 'Mine now')).toBe(false)
    expect(await rename(account.id, ' Blue key ')).toBe(true)
    expect(await test.credentials.find(credential.id)).toMatchObject({ name: 'Blue key' })
    await expect(rename(account.id, '\u202e')).rejects.toMatchObject({ code: 'input_invalid' })
  })
})

describe('removing a passkey', () => {
  it('N-154 takes more than a password for the only one: a phished password must not clear the way for another', async () => {
    await using test = await openSignIn()
    const account = await test.addAccount()
    const { credential, session } = await test.addPasskey(account)
    const actor = { kind: 'account', accountId: account.id } as const
    const of = { accountId: account.id, credentialId: credential.id, actor, acr: session.acr }
    expect(await test.passkeys.remove(of)).toMatchObject({
      kind: 'stronger-proof-needed',
      wanted: { accountId: account.id, acr: 'urn:gatehouse:acr:2' },
    })
    expect(await test.credentials.find(credential.id)).toBeDefined()
    const operator = { kind: 'command-line' } as const
    expect(await test.passkeys.remove({ ...of, actor: operator })).toMatchObject({ kind: 'removed' })
  })

  it('ends the sessions it opened and no other, in one transaction with its event', async () => {
    await using test = await openSignIn()
    const account = await test.addAccount()
    const { authenticator, credential, session: byPassword } = await test.addPasskey(account)
    const opened = signedIn(await test.openBrowser().withPasskey(authenticator))
    const actor = { kind: 'account', accountId: account.id } as const
    const of = { accountId: account.id, credentialId: credential.id, actor, acr: opened.session.acr }
    expect(await test.passkeys.remove(of)).toMatchObject({
      kind: 'removed',
      credential: { id: credential.id },
      ended: { ssoSessionIds: [opened.session.id] },
    })
    expect(await test.sessions.find(opened.session.id)).toMatchObject({
      ended: { cause: 'credential-changed', actor },
    })
    expect((await test.sessions.find(byPassword.id))?.ended).toBeUndefined()
    expect(test.events.map(({ type }) => type)).toContain('passkey.removed')
  })

  it('also ends a session that it only strengthened', async () => {
    await using test = await openSignIn()
    const account = await test.addAccount()
    const { authenticator, credential } = await test.addPasskey(account)
    const browser = test.openBrowser()
    const weak = signedIn(await browser.withPassword('ada@example.com', goodPassword))
    const strong = signedIn(await browser.withPasskey(authenticator, { current: weak.session }))
    expect(strong.session.id).toBe(weak.session.id)
    const outcome = await test.passkeys.remove({
      accountId: account.id,
      credentialId: credential.id,
      actor: { kind: 'command-line' },
    })
    expect(outcome).toMatchObject({ ended: { ssoSessionIds: [weak.session.id] } })
  })

  it('finds nothing of another account', async () => {
    await using test = await openSignIn()
    const { credential } = await test.addPasskey(await test.addAccount())
    const bob = await test.addAccount({ email: 'bob@example.com' })
    const actor = { kind: 'account', accountId: bob.id } as const
    const of = { accountId: bob.id, actor }
    expect(await test.passkeys.remove({ ...of, credentialId: credential.id })).toEqual({ kind: 'not-found' })
    expect(await test.passkeys.remove({ ...of, credentialId: 'crd_none' as CredentialId })).toEqual({
      kind: 'not-found',
    })
    expect(await test.credentials.find(credential.id)).toBeDefined()
  })

  it.each([{ seed: undefined }, { seed: 5 }])(
    'leaves a person their last way in, even when both of two are removed at once (seed $seed)',
    async ({ seed }) => {
      await using test = await openSignIn(seed === undefined ? {} : { seed })
      const account = await test.addAccount()
      const first = await test.addPasskey(account)
      const second = await test.addPasskey(account)
      await test.accounts.setPassword(account.id, undefined, test.clock.now())
      const actor = { kind: 'account', accountId: account.id } as const
      const outcomes = await Promise.all(
        [first, second].map(({ credential }) =>
          test.passkeys.remove({ accountId: account.id, credentialId: credential.id, actor }),
        ),
      )
      expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['only-way-in', 'removed'])
      expect(await test.passkeys.list(account.id)).toHaveLength(1)
    },
  )

  it('lets an operator remove the last one', async () => {
    await using test = await openSignIn()
    const account = await test.addAccount()
    const { credential } = await test.addPasskey(account)
    await test.accounts.setPassword(account.id, undefined, test.clock.now())
    const outcome = await test.passkeys.remove({
      accountId: account.id,
      credentialId: credential.id,
      actor: { kind: 'command-line' },
    })
    expect(outcome).toMatchObject({ kind: 'removed' })
  })
})
