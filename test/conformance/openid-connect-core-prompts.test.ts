import { describe, expect, test } from 'vitest'
import { opened, redeemed } from '#test/oidc/opening.ts'
import { asksForPassword, startWorld } from '#test/oidc/world.ts'
import { createBrowser } from '#test/support/browser.ts'
import { claimsOf } from '#test/support/oauth.ts'
import { ada, signInOn } from '#test/support/two-apps.ts'

/** Whole seconds on the wire. */
const seconds = (ms: number): number => Math.floor(ms / 1_000)

describe('OpenID Connect Core 1.0, section 3.1.2.1: prompt', () => {
  test('none without a session is login_required, and no page is shown', async () => {
    await using world = await startWorld()
    const { answer, page } = await opened(createBrowser(), world.client('wiki'), { prompt: 'none' })
    expect(answer).toMatchObject({ error: 'login_required', state: 'the-state', iss: world.issuer })
    expect(page.visited).toHaveLength(2)
  })

  test('none with a session answers with a code, and no page is shown', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const { answer, page } = await opened(browser, world.client('wiki'), { prompt: 'none' })
    expect(answer?.['code']).toBeDefined()
    expect(page.visited).toHaveLength(2)
  })

  test('none together with another value is refused', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const { answer } = await opened(browser, world.client('wiki'), { prompt: 'none login' })
    expect(answer?.['error']).toBe('invalid_request')
  })

  test('none never agrees for the person', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const { answer } = await opened(browser, world.client('board'), { prompt: 'none' })
    expect(answer?.['error']).toBe('consent_required')
  })

  test('login asks again although a session is live, and moves auth_time', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const signedInAt = seconds(world.clock.now())
    world.clock.advance({ minutes: 3 })
    const asked = await opened(browser, world.client('wiki'), { prompt: 'login' })
    expect(asksForPassword(asked.page)).toBe(true)
    const { body } = await redeemed(asked.went(await signInOn(browser, asked.page)))
    expect(claimsOf(body.id_token)['auth_time']).toBe(signedInAt + 180)
  })

  test('login asks again even a moment after signing in', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    world.clock.advance({ ms: 1 })
    const { page } = await opened(browser, world.client('wiki'), { prompt: 'login' })
    expect(asksForPassword(page)).toBe(true)
  })

  test('login is not answered by what was proved before, whatever address the person types', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    world.clock.advance({ ms: 1 })
    const { page } = await opened(browser, world.client('wiki'), { prompt: 'login' })
    const interaction = page.visited.find((url) => url.includes('/oauth/interaction/')) ?? ''
    const finished = await browser.get(`${interaction}/finish`)
    expect(finished.url).toContain('/sign-in')
  })

  test('consent asks again although the person agreed before', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const board = world.client('board')
    const first = await opened(browser, board)
    await browser.submit(first.page, { decision: 'allow' })
    expect((await opened(browser, board)).answer?.['code']).toBeDefined()
    const asked = await opened(browser, board, { prompt: 'consent' })
    expect(asked.page.text).toContain('Board wants to use your account')
    const allowed = asked.went(await browser.submit(asked.page, { decision: 'allow' }))
    expect(allowed.answer?.['code']).toBeDefined()
  })

  test('select_account asks for an account although a session is live', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    world.clock.advance({ ms: 1 })
    const asked = await opened(browser, world.client('wiki'), { prompt: 'select_account' })
    expect(asksForPassword(asked.page)).toBe(true)
    const { body } = await redeemed(asked.went(await signInOn(browser, asked.page, ada)))
    expect(claimsOf(body.id_token)['sub']).toBe('ada')
  })

  test('a person who would rather not sends the app access_denied', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    world.clock.advance({ ms: 1 })
    const asked = await opened(browser, world.client('wiki'), { prompt: 'login' })
    const cancelled = asked.went(await browser.submit(asked.page, {}, { action: '/sign-in/cancel' }))
    expect(cancelled.answer).toMatchObject({ error: 'access_denied', state: 'the-state' })
  })

  test.for(['create', 'login bogus'])('a value that is not known (%s) is refused', async (prompt) => {
    await using world = await startWorld()
    const { answer } = await opened(createBrowser(), world.client('wiki'), { prompt })
    expect(answer?.['error']).toBe('invalid_request')
  })
})

describe('OpenID Connect Core 1.0, section 3.1.2.1: max_age', () => {
  test('lets a sign-in pass that is young enough', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    world.clock.advance({ seconds: 59 })
    const { answer } = await opened(browser, world.client('wiki'), { max_age: '60' })
    expect(answer?.['code']).toBeDefined()
  })

  test('asks again when the sign-in is older, and auth_time tells of the new one', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    world.clock.advance({ seconds: 62 })
    const asked = await opened(browser, world.client('wiki'), { max_age: '60' })
    expect(asksForPassword(asked.page)).toBe(true)
    const { body } = await redeemed(asked.went(await signInOn(browser, asked.page)))
    expect(claimsOf(body.id_token)['auth_time']).toBe(seconds(world.clock.now()))
  })

  test('of 0 asks again always', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    world.clock.advance({ ms: 1 })
    const { page } = await opened(browser, world.client('wiki'), { max_age: '0' })
    expect(asksForPassword(page)).toBe(true)
  })

  test('with prompt=none is login_required when the sign-in is older', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    world.clock.advance({ seconds: 62 })
    const { answer } = await opened(browser, world.client('wiki'), { max_age: '60', prompt: 'none' })
    expect(answer?.['error']).toBe('login_required')
  })

  test.for(['-1', 'soon', '1.5'])('that is no number of seconds (%s) is refused', async (max_age) => {
    await using world = await startWorld()
    const { answer } = await opened(createBrowser(), world.client('wiki'), { max_age })
    expect(answer?.['error']).toBe('invalid_request')
  })

  test('is what the app registered as default_max_age when the request is silent', async () => {
    await using world = await startWorld({ apps: { wiki: { oidc: { default_max_age: 60 } } } })
    const browser = await world.signedIn()
    world.clock.advance({ seconds: 62 })
    expect(asksForPassword((await opened(browser, world.client('wiki'))).page)).toBe(true)
    expect((await opened(browser, world.client('wiki'), { max_age: '600' })).answer?.['code']).toBeDefined()
  })
})
