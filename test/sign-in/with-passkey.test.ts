import { describe, expect, it } from 'vitest'
import { challengeMs } from '#gateway/sign-in/challenges.ts'
import { createSoftwareAuthenticator, type Lies } from '#test/support/passkey.ts'
import { issuer, openSignIn, type SignInTest, signedIn } from './harness.ts'

/** An account with a passkey, a browser with an attempt, and a way to answer it. */
async function ready(test: SignInTest, of: { readonly counts?: boolean } = {}) {
  const account = await test.addAccount()
  const software = createSoftwareAuthenticator({ origin: issuer, ...of })
  const { authenticator, credential } = await test.addPasskey(account, software)
  const browser = test.openBrowser()
  const handle = await browser.begin()
  const answer = (response: unknown) => test.signIn.withPasskey({ ...browser.request(handle), response })
  return { account, authenticator, credential, browser, handle, answer }
}

const failureReasons = (test: SignInTest) =>
  test.events.flatMap((event) => (event.type === 'sign-in.failed' ? [event.reason] : []))

describe('signing in with a passkey', () => {
  it('asks for any discoverable passkey, with user verification, and names nobody', async () => {
    await using test = await openSignIn()
    const browser = test.openBrowser()
    expect(await browser.optionsFor(await browser.begin())).toEqual({
      challenge: expect.stringMatching(/^[\w-]{43}$/),
      rpId: 'login.example.com',
      timeout: challengeMs,
      allowCredentials: [],
      userVerification: 'required',
    })
  })

  it.for(['ES256', 'EdDSA', 'RS256'] as const)('accepts a %s key', async (algorithm) => {
    await using test = await openSignIn()
    const authenticator = createSoftwareAuthenticator({ origin: issuer, algorithm })
    await test.addPasskey(await test.addAccount(), authenticator)
    expect(await test.openBrowser().withPasskey(authenticator)).toMatchObject({ kind: 'signed-in' })
  })

  it('begins a session of two factors that names the passkey', async () => {
    await using test = await openSignIn()
    const { account, authenticator, credential, browser } = await ready(test)
    test.clock.advance({ hours: 1 })
    const outcome = signedIn(await browser.withPasskey(authenticator))
    expect(outcome).toMatchObject({ offerPasskey: false, remembered: false })
    expect(outcome.session).toMatchObject({
      accountId: account.id,
      acr: 'urn:gatehouse:acr:2',
      amr: ['pop', 'user', 'mfa', 'swk'],
      credentialIds: [credential.id],
    })
    expect(await test.credentials.find(credential.id)).toMatchObject({ lastUsedAt: test.clock.now() })
  })

  it('says that a key is bound to its device when it cannot be synced', async () => {
    await using test = await openSignIn()
    const authenticator = createSoftwareAuthenticator({ origin: issuer, backupEligible: false })
    await test.addPasskey(await test.addAccount(), authenticator)
    const outcome = signedIn(await test.openBrowser().withPasskey(authenticator))
    expect(outcome.session.amr).toEqual(['pop', 'user', 'mfa', 'hwk'])
  })

  it('accepts a key that counts, and remembers its counter', async () => {
    await using test = await openSignIn()
    const { authenticator, credential, browser } = await ready(test, { counts: true })
    await browser.withPasskey(authenticator)
    await browser.withPasskey(authenticator)
    expect(await test.credentials.find(credential.id)).toMatchObject({ counter: 3 })
  })

  it('notes when a passkey has been backed up since', async () => {
    await using test = await openSignIn()
    const { authenticator, credential, browser, handle, answer } = await ready(test)
    await answer(authenticator.assert(await browser.optionsFor(handle), { backedUp: false }))
    expect(await test.credentials.find(credential.id)).toMatchObject({ backedUp: false })
  })
})

describe('a passkey is refused', () => {
  it.for<[string, Lies]>([
    ['from another origin (N-142)', { origin: 'https://evil.example' }],
    ['from a sub-domain (N-142)', { origin: 'https://x.login.example.com' }],
    ['from another port (N-142)', { origin: 'https://login.example.com:8443' }],
    ['over http (N-142)', { origin: 'http://login.example.com' }],
    ['for the parent domain as RP ID (N-142)', { rpId: 'example.com' }],
    ['from a frame (N-142)', { crossOrigin: true }],
    ['from a frame that names its top (N-142)', { crossOrigin: true, topOrigin: 'https://evil.example' }],
    ['with a top origin alone (N-142)', { topOrigin: 'https://evil.example' }],
    ['with a top origin that is our own (N-142)', { topOrigin: issuer }],
    ['without user verification (N-143)', { userVerified: false }],
    ['without user presence (N-143)', { userPresent: false }],
    ['with a wrong signature', { badSignature: true }],
    ['when its backup eligibility changed (N-145)', { backupEligible: false, backedUp: false }],
    ['when it is backed up and not eligible (N-145)', { backupEligible: false, backedUp: true }],
    ['when the client data is of a registration', { type: 'webauthn.create' }],
  ])('%s', async ([, lies]) => {
    await using test = await openSignIn()
    const { authenticator, credential, browser, handle, answer } = await ready(test)
    const ask = await browser.optionsFor(handle)
    expect(await answer(authenticator.assert(ask, lies))).toEqual({ kind: 'refused' })
    expect(failureReasons(test)).toEqual(['verification'])
    expect(await test.credentials.find(credential.id)).toEqual(credential)
  })

  it.for<[string, Lies]>([
    ['without a user handle', { userHandle: null }],
    ['with another user handle (N-144)', { userHandle: Buffer.alloc(32, 7).toString('base64url') }],
    ['with an id that is no id', { webauthnId: '../../etc' }],
  ])('%s', async ([, lies]) => {
    await using test = await openSignIn()
    const { authenticator, browser, handle, answer } = await ready(test)
    const ask = await browser.optionsFor(handle)
    expect(await answer(authenticator.assert(ask, lies))).toEqual({ kind: 'refused' })
  })

  it('when the user verification flag is forged in the JSON and not in what was signed (N-143)', async () => {
    await using test = await openSignIn()
    const { authenticator, browser, handle, answer } = await ready(test)
    const honest = authenticator.assert(await browser.optionsFor(handle), { userVerified: false })
    const forged = {
      ...honest,
      userVerified: true,
      flags: { uv: true },
      response: { ...honest.response, userVerified: true },
    }
    expect(await answer(forged)).toEqual({ kind: 'refused' })
    const data = Buffer.from(honest.response.authenticatorData, 'base64url')
    data.writeUInt8(data.readUInt8(32) | 0x04, 32)
    const flipped = authenticator.assert(await browser.optionsFor(handle), { userVerified: false })
    const response = { ...flipped.response, authenticatorData: data.toString('base64url') }
    expect(await answer({ ...flipped, response })).toEqual({ kind: 'refused' })
  })

  it.for<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['text', '{}'],
    ['an empty object', {}],
    ['a response without parts', { id: 'AA', rawId: 'AA', type: 'public-key', response: {} }],
    [
      'parts of megabytes',
      {
        id: 'AA',
        rawId: 'AA',
        type: 'public-key',
        response: {
          clientDataJSON: 'A'.repeat(1_048_576),
          authenticatorData: 'AA',
          signature: 'AA',
          userHandle: 'AA',
        },
      },
    ],
    [
      'client data that is no JSON',
      {
        id: 'AA',
        rawId: 'AA',
        type: 'public-key',
        response: { clientDataJSON: 'AAAA', authenticatorData: 'AA', signature: 'AA', userHandle: 'AA' },
      },
    ],
  ])('when it is %s', async ([, response]) => {
    await using test = await openSignIn()
    const { answer } = await ready(test)
    expect(await answer(response)).toEqual({ kind: 'refused' })
    expect(failureReasons(test)).toEqual(['malformed'])
  })

  it('for the account of another: B\u2019s passkey says nothing about A (N-144)', async () => {
    await using test = await openSignIn()
    const { account: ada } = await ready(test)
    const bobs = createSoftwareAuthenticator({ origin: issuer })
    await test.addPasskey(await test.addAccount({ email: 'bob@example.com' }), bobs)
    const browser = test.openBrowser()
    const handle = await browser.begin({ accountId: ada.id })
    const ask = await browser.optionsFor(handle)
    const answer = (lies: Lies) =>
      test.signIn.withPasskey({ ...browser.request(handle), response: bobs.assert(ask, lies) })
    expect(await answer({})).toEqual({ kind: 'refused' })
    expect(failureReasons(test)).toEqual(['not-wanted'])
  })

  it('for the account of another even with its user handle (N-144)', async () => {
    await using test = await openSignIn()
    const { account: ada } = await ready(test)
    const bobs = createSoftwareAuthenticator({ origin: issuer })
    await test.addPasskey(await test.addAccount({ email: 'bob@example.com' }), bobs)
    const browser = test.openBrowser()
    const handle = await browser.begin()
    const response = bobs.assert(await browser.optionsFor(handle), { userHandle: ada.webauthnUser })
    expect(await test.signIn.withPasskey({ ...browser.request(handle), response })).toEqual({
      kind: 'refused',
    })
  })

  it('from the instant it is removed, and when its account is disabled (N-014, N-146)', async () => {
    await using test = await openSignIn()
    const { account, authenticator, credential, browser } = await ready(test)
    await test.accounts.change(account.id, { state: 'disabled' }, test.clock.now())
    expect(await browser.withPasskey(authenticator)).toEqual({ kind: 'refused' })
    expect(failureReasons(test)).toEqual(['disabled'])
    await test.accounts.change(account.id, { state: 'active' }, test.clock.now())
    expect(await browser.withPasskey(authenticator)).toMatchObject({ kind: 'signed-in' })
    await test.passkeys.remove({
      accountId: account.id,
      credentialId: credential.id,
      actor: { kind: 'command-line' },
    })
    expect(await browser.withPasskey(authenticator)).toEqual({ kind: 'refused', unknownPasskey: true })
  })

  it('and called unknown when nobody registered its id, but only in answer to a challenge of ours', async () => {
    await using test = await openSignIn()
    const { authenticator, browser, handle, answer } = await ready(test)
    const ask = await browser.optionsFor(handle)
    const unknown = authenticator.assert(ask, { webauthnId: 'AAAAAAAAAAAAAAAAAAAAAA' })
    expect(await answer(unknown)).toEqual({ kind: 'refused', unknownPasskey: true })
    expect(await answer(unknown)).toEqual({ kind: 'refused' })
    expect(failureReasons(test)).toEqual(['unknown-passkey', 'challenge'])
  })
})

describe('a counter that went back', () => {
  it.for([
    ['stood still', 1],
    ['fell', 0],
  ] as const)('refuses a passkey whose counter %s, and is an event (N-144)', async ([, counter]) => {
    await using test = await openSignIn()
    const { account, authenticator, credential, browser, handle, answer } = await ready(test, {
      counts: true,
    })
    const response = authenticator.assert(await browser.optionsFor(handle), { counter })
    expect(await answer(response)).toEqual({ kind: 'refused' })
    expect(test.events).toContainEqual({
      type: 'passkey.counter-regressed',
      accountId: account.id,
      credentialId: credential.id,
      stored: 1,
      shown: counter,
    })
    expect(await test.credentials.find(credential.id)).toEqual(credential)
  })

  it('is no event when nobody with the key said so', async () => {
    await using test = await openSignIn()
    const { authenticator, browser, handle, answer } = await ready(test, { counts: true })
    await answer(authenticator.assert(await browser.optionsFor(handle), { counter: 0, badSignature: true }))
    expect(test.events.filter(({ type }) => type === 'passkey.counter-regressed')).toEqual([])
  })

  it('stores no counter of a response with a wrong signature', async () => {
    await using test = await openSignIn()
    const { authenticator, credential, browser, handle, answer } = await ready(test, { counts: true })
    await answer(authenticator.assert(await browser.optionsFor(handle), { counter: 900, badSignature: true }))
    expect(await test.credentials.find(credential.id)).toEqual(credential)
  })
})

describe('a challenge', () => {
  it('is answered once, even by the same response (N-141)', async () => {
    await using test = await openSignIn()
    const { authenticator, browser, handle, answer } = await ready(test)
    const refusedOnce = authenticator.assert(await browser.optionsFor(handle), { badSignature: true })
    expect(await answer(refusedOnce)).toEqual({ kind: 'refused' })
    const ask = await browser.optionsFor(handle)
    const stale = authenticator.assert({
      ...ask,
      challenge: challengeOf(refusedOnce.response.clientDataJSON),
    })
    expect(await answer(stale)).toEqual({ kind: 'refused' })
    expect(failureReasons(test)).toEqual(['verification', 'challenge'])
  })

  it.each([{ seed: undefined }, { seed: 23 }])(
    'is used by one of twenty parallel copies of an answer (seed $seed)',
    async ({ seed }) => {
      await using test = await openSignIn(seed === undefined ? {} : { seed })
      const { authenticator, browser, handle, answer } = await ready(test)
      const response = authenticator.assert(await browser.optionsFor(handle))
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => answer(response)))
      expect(outcomes.filter(({ kind }) => kind === 'signed-in')).toHaveLength(1)
    },
  )

  it('is over after five minutes (N-141)', async () => {
    await using test = await openSignIn()
    const { authenticator, browser, handle, answer } = await ready(test)
    const ask = await browser.optionsFor(handle)
    test.clock.advance({ ms: challengeMs })
    expect(await answer(authenticator.assert(ask))).toEqual({ kind: 'refused' })
    expect(failureReasons(test)).toEqual(['challenge'])
  })

  it('that the client made up is refused (N-141)', async () => {
    await using test = await openSignIn()
    const { authenticator, browser, handle, answer } = await ready(test)
    const ask = await browser.optionsFor(handle)
    const challenge = Buffer.alloc(32, 1).toString('base64url')
    expect(await answer(authenticator.assert({ ...ask, challenge }))).toEqual({ kind: 'refused' })
    expect(failureReasons(test)).toEqual(['challenge'])
  })

  it('of another browser or another attempt is refused, and stays good where it was made (N-141)', async () => {
    await using test = await openSignIn()
    const { authenticator, browser, handle, answer } = await ready(test)
    const stranger = test.openBrowser()
    const strangers = await stranger.begin()
    const second = await browser.begin()
    const ask = await browser.optionsFor(handle)
    const response = authenticator.assert(ask)
    expect(await test.signIn.withPasskey({ ...stranger.request(strangers), response })).toEqual({
      kind: 'refused',
    })
    expect(await test.signIn.withPasskey({ ...browser.request(second), response })).toEqual({
      kind: 'refused',
    })
    expect(await answer(response)).toMatchObject({ kind: 'signed-in' })
  })

  it('of a registration signs nobody in, and the other way round (N-141)', async () => {
    await using test = await openSignIn()
    const { account, authenticator, browser, handle, answer } = await ready(test)
    const session = await test.beginSession(account)
    const registration = await test.passkeys.registrationOptions(session)
    if (registration.kind !== 'options') throw new Error(registration.kind)
    const ask = await browser.optionsFor(handle)
    expect(await answer(authenticator.assert({ ...ask, challenge: registration.options.challenge }))).toEqual(
      { kind: 'refused' },
    )
    const created = authenticator.register(
      { ...registration.options, challenge: ask.challenge },
      { ignoreExclusions: true },
    )
    expect(await test.passkeys.register(session, created)).toEqual({ kind: 'refused' })
  })

  it('of one tab is not used up by another tab of the same attempt (N-147)', async () => {
    await using test = await openSignIn()
    const { authenticator, browser, handle, answer } = await ready(test)
    const first = await browser.optionsFor(handle)
    const second = await browser.optionsFor(handle)
    expect(first.challenge).not.toBe(second.challenge)
    expect(await answer(authenticator.assert(second, { badSignature: true }))).toEqual({ kind: 'refused' })
    expect(await answer(authenticator.assert(first))).toMatchObject({ kind: 'signed-in' })
  })
})

function challengeOf(clientDataJSON: string): string {
  return JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString()).challenge
}
