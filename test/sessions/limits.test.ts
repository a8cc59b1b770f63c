import { describe, expect, test } from 'vitest'
import { opened, redeemed } from '#test/oidc/opening.ts'
import { startWorld, type World } from '#test/oidc/world.ts'
import { createBrowser } from '#test/support/browser.ts'
import { claimsOf, isActive } from '#test/support/oauth.ts'
import { ada } from '#test/support/two-apps.ts'

const active = (world: World) => world.gateway.stores.sessions.list({ state: 'active', limit: 20 })
const ended = (world: World) => world.gateway.stores.sessions.list({ state: 'ended', limit: 20 })

/** Signs in with "keep me signed in". */
async function staysSignedIn(world: World) {
  const browser = createBrowser()
  const page = await browser.get(`${world.issuer}/sign-in`)
  const form = { email: ada.email, password: ada.password, remember: 'yes' }
  const next = await browser.submit(page, form, { action: '/sign-in', follow: false })
  const cookie =
    next.setCookies.find((each) => each.startsWith(`${world.gateway.cookieNames.session}=`)) ?? ''
  return { browser, cookie }
}

describe('how many sessions one account may have', () => {
  test('at one more, the one used longest ago ends and its apps hear of it', async () => {
    await using world = await startWorld({ settings: { sessions: { max_per_account: 2 } } })
    const client = world.client('wiki')
    const first = await world.signedIn()
    const firsts = (await redeemed(await opened(first, client))).body
    world.clock.advance({ minutes: 5 })
    const second = await world.signedIn()
    const seconds = (await redeemed(await opened(second, client))).body
    world.clock.advance({ minutes: 5 })
    // The older session is used again, so the younger one has rested longest.
    await opened(first, client)
    world.clock.advance({ minutes: 5 })
    await world.signedIn()

    expect(await active(world)).toHaveLength(2)
    expect((await ended(world)).map((session) => session.ended?.cause)).toEqual(['session-limit'])
    expect(await isActive(client, seconds.access_token ?? '')).toBe(false)
    expect((await opened(first, client, { prompt: 'none' })).answer?.['code']).toBeDefined()
    const told = await world.told('wiki')
    expect(told.map((token) => token['sid'])).toEqual([claimsOf(seconds.id_token)['sid']])
    expect(claimsOf(firsts.id_token)['sid']).not.toBe(told[0]?.['sid'])
  })

  test('without a limit none ends', async () => {
    await using world = await startWorld()
    for (let browser = 0; browser < 4; browser++) await world.signedIn()
    expect(await active(world)).toHaveLength(4)
  })

  test('signing in once more in the same browser needs no room', async () => {
    await using world = await startWorld({ settings: { sessions: { max_per_account: 1 } } })
    const browser = await world.signedIn()
    world.clock.advance({ seconds: 1 })
    await world.signInFrom(browser, 'wiki', { prompt: 'login' })
    expect(await ended(world)).toEqual([])
  })
})

describe('"keep me signed in"', () => {
  const rememberMe = { settings: { sessions: { remember_me: { enabled: true, absolute: '14d' } } } }

  test('keeps the cookie beyond the browser and the session for days', async () => {
    await using world = await startWorld(rememberMe)
    const { browser, cookie } = await staysSignedIn(world)
    expect(cookie).toContain(`Max-Age=${14 * 86_400}`)
    world.clock.advance({ days: 13 })
    await world.gateway.sweeper.runOnce()
    expect((await opened(browser, world.client('wiki'))).answer?.['code']).toBeDefined()
    world.clock.advance({ days: 1 })
    expect((await opened(browser, world.client('wiki'), { prompt: 'none' })).answer?.['error']).toBe(
      'login_required',
    )
  })

  test('not chosen: the cookie goes with the browser, and the usual limits hold', async () => {
    await using world = await startWorld(rememberMe)
    const browser = await world.signedIn()
    expect((await active(world))[0]?.remembered).toBe(false)
    world.clock.advance({ hours: 8 })
    expect((await opened(browser, world.client('wiki'), { prompt: 'none' })).answer?.['error']).toBe(
      'login_required',
    )
  })

  test('not offered: asking for it all the same changes nothing', async () => {
    await using world = await startWorld()
    const { cookie } = await staysSignedIn(world)
    expect(cookie).not.toContain('Max-Age')
    expect((await active(world))[0]?.remembered).toBe(false)
  })
})

describe("an app's own limits", () => {
  const apps = {
    wiki: { app: { sessions: { idle: '30m', absolute: '2h' } } },
    mail: {},
  }

  test.for([
    ['idle', 30],
    ['absolute', 120],
  ] as const)('%s: end that app session alone, and the app is told', async ([cause, minutes]) => {
    await using world = await startWorld({ apps })
    const client = world.client('wiki')
    const browser = await world.signedIn()
    const { body } = await redeemed(await opened(browser, client))
    await redeemed(await opened(browser, world.client('mail')))
    for (let at = 0; at < minutes - 20; at += 20) {
      world.clock.advance({ minutes: 20 })
      if (cause === 'absolute') await opened(browser, client)
      await world.gateway.sweeper.runOnce()
    }
    expect(await world.told('wiki')).toEqual([])
    world.clock.advance({ minutes: cause === 'idle' ? 30 : 20 })
    await world.gateway.sweeper.runOnce()

    expect(await world.told('wiki')).toMatchObject([{ sid: claimsOf(body.id_token)['sid'] }])
    expect(await world.told('mail')).toEqual([])
    const [session] = await active(world)
    const all = await world.gateway.stores.sessions.appSessionsOf(
      session === undefined ? [] : [session.id],
      'any',
    )
    expect(all.find(({ appId }) => appId === 'wiki')?.ended?.cause).toBe(cause)
    expect(all.find(({ appId }) => appId === 'mail')?.ended).toBeUndefined()
  })

  test('hold from the instant at which they run out, before any sweep', async () => {
    await using world = await startWorld({ apps, settings: { tokens: { access: '4h' } } })
    const client = world.client('wiki')
    const { body } = await redeemed(await opened(await world.signedIn(), client))
    world.clock.advance({ minutes: 30, ms: -1 })
    expect(await isActive(client, body.access_token ?? '')).toBe(true)
    world.clock.advance({ ms: 1 })
    expect(await isActive(client, body.access_token ?? '')).toBe(false)
  })

  test('that ran out while the person was away lead to a new app session, without a question', async () => {
    await using world = await startWorld({ apps })
    const client = world.client('wiki')
    const browser = await world.signedIn()
    const before = (await redeemed(await opened(browser, client))).body
    world.clock.advance({ minutes: 31 })
    const after = (await redeemed(await opened(browser, client))).body
    expect(claimsOf(after.id_token)['sid']).not.toBe(claimsOf(before.id_token)['sid'])
    expect(await world.told('wiki')).toMatchObject([{ sid: claimsOf(before.id_token)['sid'] }])
  })
})

describe('what has ended', () => {
  test('is kept with when, why and by whom, until its history is over', async () => {
    await using world = await startWorld({ settings: { sessions: { keep_history: '30d' } } })
    await world.signedIn()
    const [session] = await active(world)
    await world.gateway.endSession(
      { kind: 'sso-sessions', ids: session === undefined ? [] : [session.id] },
      'admin',
      {
        kind: 'command-line',
      },
    )
    expect((await ended(world))[0]?.ended).toMatchObject({
      at: world.clock.now(),
      cause: 'admin',
      actor: { kind: 'command-line' },
    })
    world.clock.advance({ days: 30 })
    await world.gateway.sweeper.runOnce()
    expect(await ended(world)).toHaveLength(1)
    world.clock.advance({ ms: 1 })
    await world.gateway.sweeper.runOnce()
    expect(await ended(world)).toHaveLength(0)
  })

  test('by running out says so, and the apps are told', async () => {
    await using world = await startWorld()
    await redeemed(await opened(await world.signedIn(), world.client('wiki')))
    world.clock.advance({ hours: 8 })
    await world.gateway.sweeper.runOnce()
    expect((await ended(world))[0]?.ended).toMatchObject({ cause: 'idle', actor: { kind: 'gateway' } })
    expect(await world.told('wiki')).toHaveLength(1)
  })
})
