import { describe, expect, test } from 'vitest'
import { type Browser, createBrowser } from '#test/support/browser.ts'
import { claimsOf, isActive } from '#test/support/oauth.ts'
import { ada, bob, signInOn } from '#test/support/two-apps.ts'
import { opened, redeemed } from './opening.ts'
import { addPasskey, answerWithPasskey } from './passkeys.ts'
import { startWorld, type World } from './world.ts'

function cookieOf(world: World, browser: Browser): string | undefined {
  return browser.cookiesFor(world.issuer).get(world.gateway.cookieNames.session)
}

const sessionsOf = (world: World, state: 'active' | 'ended') =>
  world.gateway.stores.sessions.list({ state, limit: 20 })

/** The same browser, showing a cookie that it has had. */
async function shows(world: World, browser: Browser, cookie: string | undefined): Promise<void> {
  browser.setCookie(world.issuer, world.gateway.cookieNames.session, cookie ?? '')
}

describe('step-up', () => {
  test('keeps the session and its apps, and replaces the cookie', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const client = world.client('wiki')
    const before = claimsOf((await redeemed(await opened(browser, client))).body.id_token)
    const key = await addPasskey(world.issuer, browser)
    const cookie = cookieOf(world, browser)

    const asked = await opened(browser, client, { acr_values: 'phr' })
    const done = asked.went(await answerWithPasskey(browser, asked.page, key))
    const after = claimsOf((await redeemed(done)).body.id_token)
    expect(after['sid']).toBe(before['sid'])
    expect(after['amr']).toEqual(expect.arrayContaining(['pwd', 'pop']))
    expect(await sessionsOf(world, 'active')).toHaveLength(1)
    expect(await sessionsOf(world, 'ended')).toHaveLength(0)
    expect(cookieOf(world, browser)).not.toBe(cookie)

    await shows(world, browser, cookie)
    expect((await opened(browser, client, { prompt: 'none' })).answer?.['error']).toBe('login_required')
  })

  test('replaces the cookie at a mere repetition of the password as well', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const cookie = cookieOf(world, browser)
    world.clock.advance({ seconds: 1 })
    const asked = await opened(browser, world.client('wiki'), { prompt: 'login' })
    const done = asked.went(await signInOn(browser, asked.page))
    expect(done.answer?.['code']).toBeDefined()
    expect(cookieOf(world, browser)).not.toBe(cookie)
    expect(await sessionsOf(world, 'ended')).toHaveLength(0)
  })

  test('leaves the tokens that apps hold alive', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const client = world.client('wiki')
    const { body } = await redeemed(await opened(browser, client))
    world.clock.advance({ seconds: 1 })
    const asked = await opened(browser, client, { prompt: 'login' })
    await signInOn(browser, asked.page)
    expect(await isActive(client, body.access_token ?? '')).toBe(true)
  })
})

describe('signing in as another account in the same browser', () => {
  test('ends the first session, tells its apps, and answers the request for the second person', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const client = world.client('wiki')
    const adas = (await redeemed(await opened(browser, client))).body
    const cookie = cookieOf(world, browser)
    world.clock.advance({ seconds: 1 })

    const asked = await opened(browser, client, { prompt: 'select_account' })
    const { body } = await redeemed(asked.went(await signInOn(browser, asked.page, bob)))
    expect(claimsOf(body.id_token)['sub']).toBe('bob')
    const [ended] = await sessionsOf(world, 'ended')
    expect(ended).toMatchObject({ accountId: 'ada', ended: { cause: 'account-switched' } })
    expect(await isActive(client, adas.access_token ?? '')).toBe(false)
    expect(await world.told('wiki')).toMatchObject([{ sub: 'ada', sid: claimsOf(adas.id_token)['sid'] }])

    await shows(world, browser, cookie)
    expect((await opened(browser, client, { prompt: 'none' })).answer?.['error']).toBe('login_required')
  })

  test('never hands the second person what the first one agreed to', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const board = world.client('board')
    await browser.submit((await opened(browser, board)).page, { decision: 'allow' })
    world.clock.advance({ seconds: 1 })
    const asked = await opened(browser, board, { prompt: 'select_account' })
    const after = asked.went(await signInOn(browser, asked.page, bob))
    expect(after.page.text).toContain('You are signed in as Bob')
  })
})

describe('an app that only some may open', () => {
  const apps = { wiki: { app: { access: ['staff'] } } }

  test('opens for a member of one of its groups', async () => {
    await using world = await startWorld({ apps })
    expect((await opened(await world.signedIn(), world.client('wiki'))).answer?.['code']).toBeDefined()
  })

  test('is access_denied for everybody else, with a session and right after signing in', async () => {
    await using world = await startWorld({ apps })
    const denied = { error: 'access_denied', state: 'the-state' }
    const bobs = await world.signedIn(bob)
    expect((await opened(bobs, world.client('wiki'))).answer).toMatchObject(denied)
    expect((await opened(bobs, world.client('wiki'), { prompt: 'none' })).answer).toMatchObject(denied)
    const fresh = await world.signInFrom(createBrowser(), 'wiki', {}, bob)
    expect(fresh.answer).toMatchObject(denied)
    const sessions = await sessionsOf(world, 'active')
    const joined = await world.gateway.stores.sessions.appSessionsOf(
      sessions.map(({ id }) => id),
      'any',
    )
    expect(joined).toEqual([])
  })
})

describe('an answered question that waits to be taken to the app', () => {
  test('is of the session that answered it: once that has ended, no later one can take it', async () => {
    await using world = await startWorld()
    const browser = createBrowser()
    const asked = await opened(browser, world.client('wiki'))
    const { email, password } = ada
    const proof = { email, password }
    const signedIn = await browser.submit(asked.page, proof, { action: '/sign-in', follow: false })
    const offer = await browser.get(signedIn.location ?? '')
    const finish = await browser.submit(offer, {}, { action: '/sign-in/passkey/skip', follow: false })
    const resume = (await browser.get(finish.location ?? '', { follow: false })).location ?? ''
    expect(resume).toContain('/oauth/authorize/')
    await browser.submit(await browser.get(`${world.issuer}/sign-out`), { decision: 'sign-out' })

    world.clock.advance({ minutes: 3 })
    await signInOn(browser, await browser.get(`${world.issuer}/sign-in`), ada)
    expect(asked.went(await browser.get(resume)).answer).toBeUndefined()
  })
})
