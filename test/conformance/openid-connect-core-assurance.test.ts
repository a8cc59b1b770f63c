import { describe, expect, test } from 'vitest'
import { opened, redeemed } from '#test/oidc/opening.ts'
import { addPasskey, answerWithPasskey } from '#test/oidc/passkeys.ts'
import { asksForPassword, startWorld } from '#test/oidc/world.ts'
import { createBrowser } from '#test/support/browser.ts'
import { claimsOf } from '#test/support/oauth.ts'
import { signInOn } from '#test/support/two-apps.ts'

const one = 'urn:gatehouse:acr:1'
const two = 'urn:gatehouse:acr:2'
const essential = (acr: Record<string, unknown>): { claims: string } => ({
  claims: JSON.stringify({ id_token: { acr: { essential: true, ...acr } } }),
})

describe('OpenID Connect Core 1.0, section 2: what an ID token says of the sign-in', () => {
  test('a password is one factor', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const { body } = await redeemed(await opened(browser, world.client('wiki')))
    expect(claimsOf(body.id_token)).toMatchObject({
      acr: one,
      amr: ['pwd'],
      auth_time: Math.floor(world.clock.now() / 1_000),
      sid: expect.stringMatching(/^[\w-]{22}$/),
      iss: world.issuer,
      aud: 'wiki',
    })
  })

  test('a user-verified passkey is two', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const key = await addPasskey(world.issuer, browser)
    world.clock.advance({ ms: 1 })
    const asked = await opened(browser, world.client('wiki'), { prompt: 'login', nonce: 'n-1' })
    const done = asked.went(await answerWithPasskey(browser, asked.page, key))
    const claims = claimsOf((await redeemed(done)).body.id_token)
    expect(claims).toMatchObject({ acr: two, nonce: 'n-1' })
    expect(claims['amr']).toEqual(expect.arrayContaining(['pop', 'user', 'mfa', 'swk']))
  })
})

describe('OpenID Connect Core 1.0, section 3.1.2.1: acr_values, which are voluntary', () => {
  test.for([one, `${one} ${two}`, `${two} ${one}`])('%s is met by a password', async (acr_values) => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const { body } = await redeemed(await opened(browser, world.client('wiki'), { acr_values }))
    expect(claimsOf(body.id_token)['acr']).toBe(one)
  })

  test.for([two, 'phr'])('%s asks a person who has a passkey for it, and says so', async (acr_values) => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const key = await addPasskey(world.issuer, browser)
    const asked = await opened(browser, world.client('wiki'), { acr_values })
    expect(asked.answer).toBeUndefined()
    const done = asked.went(await answerWithPasskey(browser, asked.page, key))
    expect(claimsOf((await redeemed(done)).body.id_token)['acr']).toBe(acr_values)
    const again = await opened(browser, world.client('wiki'), { acr_values, prompt: 'none' })
    expect(again.answer?.['code']).toBeDefined()
  })

  test('is not met by a passkey of this morning and a password of now: acr and auth_time are of one sign-in', async () => {
    await using world = await startWorld()
    const setUp = await world.signedIn()
    const key = await addPasskey(world.issuer, setUp)
    const browser = createBrowser()
    await answerWithPasskey(browser, await browser.get(`${world.issuer}/sign-in`), key)
    world.clock.advance({ hours: 3 })

    const recent = { acr_values: 'phr', max_age: '300' }
    const asked = await opened(browser, world.client('wiki'), recent)
    const askedForMore = asked.went(await signInOn(browser, asked.page))
    expect(askedForMore.answer).toBeUndefined()
    const done = asked.went(await answerWithPasskey(browser, askedForMore.page, key))
    expect(claimsOf((await redeemed(done)).body.id_token)).toMatchObject({
      acr: 'phr',
      auth_time: Math.floor(world.clock.now() / 1_000),
    })
  })

  test('is answered with less for a person who has no passkey', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const { body } = await redeemed(await opened(browser, world.client('wiki'), { acr_values: two }))
    expect(claimsOf(body.id_token)['acr']).toBe(one)
  })

  test('that nobody knows changes nothing', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const { body } = await redeemed(await opened(browser, world.client('wiki'), { acr_values: 'urn:other' }))
    expect(claimsOf(body.id_token)['acr']).toBe(one)
  })
})

describe('OpenID Connect Core 1.0, section 5.5.1.1: an essential acr', () => {
  test('that the session meets is answered at once', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const { body } = await redeemed(await opened(browser, world.client('wiki'), essential({ value: one })))
    expect(claimsOf(body.id_token)['acr']).toBe(one)
  })

  test.for([
    [{ value: two }, two],
    [{ values: ['urn:other', 'phr'] }, 'phr'],
  ] as const)('%j asks for a passkey', async ([acr, answered]) => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const key = await addPasskey(world.issuer, browser)
    const asked = await opened(browser, world.client('wiki'), essential(acr))
    expect(asked.page.url).toContain('/sign-in')
    const done = asked.went(await answerWithPasskey(browser, asked.page, key))
    expect(claimsOf((await redeemed(done)).body.id_token)['acr']).toBe(answered)
  })

  test('that this person cannot give is unmet_authentication_requirements', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const { answer } = await opened(browser, world.client('wiki'), essential({ value: two }))
    expect(answer?.['error']).toBe('unmet_authentication_requirements')
  })

  test('that nobody can give is unmet_authentication_requirements, after a sign-in too', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    await addPasskey(world.issuer, browser)
    const { answer } = await opened(browser, world.client('wiki'), essential({ value: 'urn:other' }))
    expect(answer?.['error']).toBe('unmet_authentication_requirements')
  })

  test('with prompt=none is an error instead of a page', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    await addPasskey(world.issuer, browser)
    const parameters = { ...essential({ value: two }), prompt: 'none' }
    const { answer } = await opened(browser, world.client('wiki'), parameters)
    expect(answer?.['error']).toMatch(/^(login_required|unmet_authentication_requirements)$/)
    expect(answer?.['code']).toBeUndefined()
  })
})

describe('what the operator demands of an app', () => {
  test('is asked for whatever the app says, and a person who cannot give it hears why', async () => {
    await using world = await startWorld({ apps: { wiki: { app: { sessions: { acr: two } } } } })
    const browser = await world.signedIn()
    const { answer } = await opened(browser, world.client('wiki'))
    expect(answer?.['error']).toBe('unmet_authentication_requirements')
    const key = await addPasskey(world.issuer, browser)
    const asked = await opened(browser, world.client('wiki'))
    expect(asksForPassword(asked.page)).toBe(false)
    const done = asked.went(await answerWithPasskey(browser, asked.page, key))
    expect(claimsOf((await redeemed(done)).body.id_token)['acr']).toBe(two)
  })
})
