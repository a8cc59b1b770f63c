import { describe, expect, it } from 'vitest'
import { setUpLinkMs } from '#gateway/sign-in/set-up-link.ts'
import { createSoftwareAuthenticator } from '#test/support/passkey.ts'
import { goodPassword, issuer, openSignIn, type SignInTest } from './harness.ts'

const person = { email: 'ada@example.com', name: 'Ada Lovelace' }

async function open(test: SignInTest) {
  const token = await test.createSetUpLink()
  if (token === undefined) throw new Error('No link.')
  const { browser } = test.openBrowser()
  return { token, browser, request: { token, browser, address: '192.0.2.7', userAgent: 'Test' } }
}

describe('setting up', () => {
  it('makes the first operator with a password and signs them in', async () => {
    await using test = await openSignIn()
    const { token, request } = await open(test)
    expect(await test.setUp.isOpen(token)).toBe(true)
    const outcome = await test.setUp.completeWithPassword({ ...request, ...person, password: goodPassword })
    if (outcome.kind !== 'signed-in') throw new Error(outcome.kind)
    const account = await test.accounts.findByFoldedEmail('ada@example.com')
    expect(account).toMatchObject({ ...person, operator: true, state: 'active', hasPassword: true })
    expect(outcome.session).toMatchObject({ accountId: account?.id, acr: 'urn:gatehouse:acr:1' })
    expect(test.events.map(({ type }) => type)).toEqual([
      'set-up-link.created',
      'set-up-link.used',
      'account.created',
      'session.started',
    ])
    const again = test.openBrowser()
    expect(await again.withPassword('ada@example.com', goodPassword)).toMatchObject({ kind: 'signed-in' })
  })

  it('makes the first operator with a passkey and signs them in, strongly', async () => {
    await using test = await openSignIn()
    const { token, browser, request } = await open(test)
    const authenticator = createSoftwareAuthenticator({ origin: issuer })
    const asked = await test.setUp.passkeyOptions({ token, browser, ...person })
    if (asked.kind !== 'options') throw new Error(asked.kind)
    const response = authenticator.register(asked.options)
    const outcome = await test.setUp.completeWithPasskey({ ...request, response })
    if (outcome.kind !== 'signed-in') throw new Error(outcome.kind)
    const account = await test.accounts.find(outcome.session.accountId)
    expect(account).toMatchObject({ ...person, operator: true, hasPassword: false })
    const [credential] = await test.passkeys.list(outcome.session.accountId)
    expect(outcome.session).toMatchObject({
      acr: 'urn:gatehouse:acr:2',
      credentialIds: [credential?.id],
    })
    expect(await test.openBrowser().withPasskey(authenticator)).toMatchObject({ kind: 'signed-in' })
  })

  it('cannot be run again: the link is used up, other links are void, and no new one is made (N-195)', async () => {
    await using test = await openSignIn()
    const { token, request } = await open(test)
    const other = await open(test)
    const complete = { ...person, password: goodPassword }
    expect(await test.setUp.completeWithPassword({ ...request, ...complete })).toMatchObject({
      kind: 'signed-in',
    })
    for (const late of [request, other.request]) {
      expect(
        await test.setUp.completeWithPassword({ ...late, ...complete, email: 'eve@example.com' }),
      ).toEqual({ kind: 'link-invalid' })
    }
    expect(await test.setUp.isOpen(token)).toBe(false)
    expect(await test.setUp.isOpen(other.token)).toBe(false)
    expect(await test.createSetUpLink()).toBeUndefined()
    expect(await test.accounts.list({ limit: 10 })).toHaveLength(1)
  })

  it.each([{ seed: undefined }, { seed: 3 }])(
    'makes one operator of ten who complete at once, with one link or with ten (N-195, seed $seed)',
    async ({ seed }) => {
      await using test = await openSignIn(seed === undefined ? {} : { seed })
      const shared = await open(test)
      const own = await Promise.all(Array.from({ length: 5 }, () => open(test)))
      const outcomes = await Promise.all(
        [...Array.from({ length: 5 }, () => shared), ...own].map(({ request }, index) =>
          test.setUp.completeWithPassword({
            ...request,
            email: `person-${index}@example.com`,
            name: 'Person',
            password: goodPassword,
          }),
        ),
      )
      expect(outcomes.filter(({ kind }) => kind === 'signed-in')).toHaveLength(1)
      expect(outcomes.filter(({ kind }) => kind === 'link-invalid')).toHaveLength(9)
      expect(await test.accounts.list({ limit: 10 })).toHaveLength(1)
    },
  )

  it('is void once an operator exists for another reason', async () => {
    await using test = await openSignIn()
    const { token, browser, request } = await open(test)
    await test.addAccount({ email: 'declared@example.com', operator: true })
    expect(await test.setUp.isOpen(token)).toBe(false)
    expect(await test.setUp.passkeyOptions({ token, browser, ...person })).toEqual({ kind: 'link-invalid' })
    expect(await test.setUp.completeWithPassword({ ...request, ...person, password: goodPassword })).toEqual({
      kind: 'link-invalid',
    })
  })

  it('is over after half an hour', async () => {
    await using test = await openSignIn()
    const { token, request } = await open(test)
    test.clock.advance({ ms: setUpLinkMs })
    expect(await test.setUp.isOpen(token)).toBe(false)
    expect(await test.setUp.completeWithPassword({ ...request, ...person, password: goodPassword })).toEqual({
      kind: 'link-invalid',
    })
    expect(await test.createSetUpLink()).toBeDefined()
  })

  it('keeps the link hashed (N-006) and knows no other', async () => {
    await using test = await openSignIn()
    const { token } = await open(test)
    expect(await test.ephemeral.get('set-up-link', token)).toBeUndefined()
    expect(await test.setUp.isOpen(`${token}A`)).toBe(false)
    expect(await test.setUp.isOpen('')).toBe(false)
  })

  it('reports everything that is wrong at once and leaves the link good', async () => {
    await using test = await openSignIn()
    const { request } = await open(test)
    const complete = (of: { email?: string; name?: string; password?: string }) =>
      test.setUp.completeWithPassword({ ...request, ...person, password: goodPassword, ...of })
    expect(await complete({ email: 'ada', name: ' ', password: 'short' })).toEqual({
      kind: 'invalid',
      problems: { email: 'invalid', name: 'invalid', password: 'too-short' },
    })
    await test.addAccount({ email: 'taken@example.com' })
    expect(await complete({ email: 'Taken@example.com' })).toEqual({
      kind: 'invalid',
      problems: { email: 'taken' },
    })
    expect(await complete({})).toMatchObject({ kind: 'signed-in' })
  })

  it('leaves the link good when the passkey fails, and the ceremony to its own browser', async () => {
    await using test = await openSignIn()
    const { token, browser, request } = await open(test)
    const authenticator = createSoftwareAuthenticator({ origin: issuer })
    const asked = await test.setUp.passkeyOptions({ token, browser, ...person })
    if (asked.kind !== 'options') throw new Error(asked.kind)
    const stranger = { ...request, browser: test.openBrowser().browser }
    const response = authenticator.register(asked.options)
    expect(await test.setUp.completeWithPasskey({ ...stranger, response })).toEqual({ kind: 'refused' })
    expect(await test.setUp.completeWithPasskey({ ...request, response: {} })).toEqual({ kind: 'refused' })
    const unverified = authenticator.register(asked.options, { userVerified: false })
    expect(await test.setUp.completeWithPasskey({ ...request, response: unverified })).toEqual({
      kind: 'refused',
    })
    expect(await test.setUp.isOpen(token)).toBe(true)
  })

  it('leaves neither an account nor a used link behind when the passkey belongs to someone else', async () => {
    await using test = await openSignIn()
    const { credential } = await test.addPasskey(await test.addAccount({ email: 'bob@example.com' }))
    const { token, browser, request } = await open(test)
    const asked = await test.setUp.passkeyOptions({ token, browser, ...person })
    if (asked.kind !== 'options') throw new Error(asked.kind)
    const stolen = createSoftwareAuthenticator({ origin: issuer }).register(asked.options, {
      webauthnId: credential.webauthnId,
    })
    await expect(test.setUp.completeWithPasskey({ ...request, response: stolen })).rejects.toMatchObject({
      code: 'credential_exists',
    })
    expect(await test.accounts.findByFoldedEmail('ada@example.com')).toBeUndefined()
    expect(await test.setUp.isOpen(token)).toBe(true)
  })
})
