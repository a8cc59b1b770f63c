import { describe, expect, test } from 'vitest'
import { opened, redeemed } from '#test/oidc/opening.ts'
import { asksForPassword, startWorld } from '#test/oidc/world.ts'
import { createBrowser, formOf } from '#test/support/browser.ts'
import { claimsOf } from '#test/support/oauth.ts'
import { ada, bob, signInOn } from '#test/support/two-apps.ts'

describe('OpenID Connect Core 1.0, section 3.1.2.1: login_hint', () => {
  test('is what the e-mail field holds, and nothing more', async () => {
    await using world = await startWorld()
    const { page } = await opened(createBrowser(), world.client('wiki'), { login_hint: 'bob@example.com' })
    expect(formOf(page, '/sign-in').fields['email']).toBe('bob@example.com')
  })

  test('does not decide who signs in', async () => {
    await using world = await startWorld()
    const done = await world.signInFrom(createBrowser(), 'wiki', { login_hint: bob.email }, ada)
    expect(claimsOf((await redeemed(done)).body.id_token)['sub']).toBe('ada')
  })

  test('with a session of somebody else changes nothing', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn(ada)
    const { answer } = await opened(browser, world.client('wiki'), { login_hint: bob.email })
    expect(answer?.['code']).toBeDefined()
  })

  test('is shown as text, never as markup', async () => {
    await using world = await startWorld()
    const login_hint = '"><script>alert(1)</script>'
    const { page } = await opened(createBrowser(), world.client('wiki'), { login_hint })
    expect(page.text).not.toContain('<script>alert')
  })
})

describe('OpenID Connect Core 1.0, section 3.1.2.1: id_token_hint', () => {
  test('of the person who is signed in needs no page', async () => {
    await using world = await startWorld()
    const browser = createBrowser()
    const { body } = await redeemed(await world.signInFrom(browser, 'wiki'))
    const hint = { id_token_hint: body.id_token ?? '', prompt: 'none' }
    expect((await opened(browser, world.client('wiki'), hint)).answer?.['code']).toBeDefined()
  })

  test('of somebody else is login_required where no page may be shown', async () => {
    await using world = await startWorld()
    const { body } = await redeemed(await world.signInFrom(createBrowser(), 'wiki', {}, bob))
    const browser = await world.signedIn(ada)
    const hint = { id_token_hint: body.id_token ?? '', prompt: 'none' }
    expect((await opened(browser, world.client('wiki'), hint)).answer?.['error']).toBe('login_required')
  })

  test('of somebody else asks for that person and takes nobody else', async () => {
    await using world = await startWorld()
    const { body } = await redeemed(await world.signInFrom(createBrowser(), 'wiki', {}, bob))
    const browser = await world.signedIn(ada)
    const asked = await opened(browser, world.client('wiki'), { id_token_hint: body.id_token ?? '' })
    expect(asksForPassword(asked.page)).toBe(true)
    const asAda = await signInOn(browser, asked.page, ada)
    expect(asAda.status).toBe(403)
    const done = asked.went(await signInOn(browser, asAda, bob))
    expect(claimsOf((await redeemed(done)).body.id_token)['sub']).toBe('bob')
  })

  test('of somebody else is never answered for the person who is here, however an app knows people', async () => {
    await using world = await startWorld({ apps: { wiki: { oidc: { subject_type: 'pairwise' } } } })
    const { body } = await redeemed(await world.signInFrom(createBrowser(), 'wiki', {}, bob))
    const hint = { id_token_hint: body.id_token ?? '' }
    const browser = await world.signedIn(ada)
    world.clock.advance({ seconds: 1 })
    const asked = await opened(browser, world.client('wiki'), hint)
    expect(asksForPassword(asked.page)).toBe(true)
    expect(asked.went(await signInOn(browser, asked.page, ada)).answer?.['error']).toBe('login_required')
    world.clock.advance({ seconds: 1 })
    const again = await opened(browser, world.client('wiki'), hint)
    const done = again.went(await signInOn(browser, again.page, bob))
    expect(claimsOf((await redeemed(done)).body.id_token)['sub']).toBe(claimsOf(body.id_token)['sub'])
  })

  test('that has expired is still a hint', async () => {
    await using world = await startWorld()
    const browser = createBrowser()
    const { body } = await redeemed(await world.signInFrom(browser, 'wiki'))
    world.clock.advance({ hours: 2 })
    const hint = { id_token_hint: body.id_token ?? '', prompt: 'none' }
    expect((await opened(browser, world.client('wiki'), hint)).answer?.['code']).toBeDefined()
  })

  test('with a broken signature, of another app, or that is no token is refused', async () => {
    await using world = await startWorld()
    const browser = createBrowser()
    const { body } = await redeemed(await world.signInFrom(browser, 'wiki'))
    const [head, payload, signature = ''] = (body.id_token ?? '').split('.')
    const broken = [head, payload, signature.replace(/^./, signature.startsWith('A') ? 'B' : 'A')].join('.')
    for (const id_token_hint of [broken, 'no.jwt.atall', `${head}.${payload}.`]) {
      const { answer } = await opened(browser, world.client('wiki'), { id_token_hint })
      expect(answer?.['error']).toBe('invalid_request')
    }
    const atBoard = await opened(browser, world.client('board'), { id_token_hint: body.id_token ?? '' })
    expect(atBoard.answer?.['error']).toBe('invalid_request')
  })
})

describe('OpenID Connect Core 1.0, section 5.5: a value asked for the claim sub', () => {
  const subject = (value: unknown) => ({ claims: JSON.stringify({ id_token: { sub: { value } } }) })

  test('that the person who is signed in has needs no page', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn(ada)
    const asked = { ...subject('ada'), prompt: 'none' }
    expect((await opened(browser, world.client('wiki'), asked)).answer?.['code']).toBeDefined()
  })

  test('that somebody else has asks for that person and takes nobody else', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn(ada)
    const asked = await opened(browser, world.client('wiki'), subject('bob'))
    expect(asksForPassword(asked.page)).toBe(true)
    const asAda = await signInOn(browser, asked.page, ada)
    expect(asAda.status).toBe(403)
    const done = asked.went(await signInOn(browser, asAda, bob))
    expect(claimsOf((await redeemed(done)).body.id_token)['sub']).toBe('bob')
  })

  test('that nobody can have ends in an answer to the app', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn(ada)
    world.clock.advance({ seconds: 1 })
    const asked = await opened(browser, world.client('wiki'), subject('no account'))
    const done = asked.went(await signInOn(browser, asked.page, ada))
    expect(done.answer?.['error']).toBe('login_required')
  })
})
