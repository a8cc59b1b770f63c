import { describe, expect, test } from 'vitest'
import type { AppId } from '#gateway/kernel/ids.ts'
import type { Cause } from '#gateway/sessions/cause.ts'
import type { SessionSelector } from '#gateway/sessions/ending.ts'
import { isActive, refresh, userinfoStatus } from '#test/support/oauth.ts'
import { opened, redeemed } from './opening.ts'
import { startWorld, type World } from './world.ts'

/** An app that holds everything an app can hold: two tokens, and a code that it has not redeemed yet. */
async function holding(world: World) {
  const client = world.client('wiki')
  const browser = await world.signedIn()
  const { body } = await redeemed(await opened(browser, client))
  const pending = await opened(browser, client)
  const [session] = await world.gateway.stores.sessions.list({ state: 'active', limit: 1 })
  if (session === undefined) throw new Error('nobody is signed in')
  return {
    client,
    browser,
    pending,
    session,
    access: body.access_token ?? '',
    refreshToken: body.refresh_token ?? '',
  }
}

async function end(world: World, selector: SessionSelector, cause: Cause = 'admin'): Promise<void> {
  await world.gateway.endSession(selector, cause, { kind: 'command-line' })
}

describe('once a session has ended, at that instant and before anything is swept', () => {
  test('its pending code is worth nothing', async () => {
    await using world = await startWorld()
    const { pending, session } = await holding(world)
    await end(world, { kind: 'sso-sessions', ids: [session.id] })
    expect((await redeemed(pending)).body.error).toBe('invalid_grant')
  })

  test('its refresh token is worth nothing', async () => {
    await using world = await startWorld()
    const { client, refreshToken, session } = await holding(world)
    await end(world, { kind: 'sso-sessions', ids: [session.id] })
    expect((await refresh(client, refreshToken)).body.error).toBe('invalid_grant')
  })

  test('its access token opens userinfo no more', async () => {
    await using world = await startWorld()
    const { client, access, session } = await holding(world)
    expect(await userinfoStatus(client, access)).toBe(200)
    await end(world, { kind: 'sso-sessions', ids: [session.id] })
    expect(await userinfoStatus(client, access)).toBe(401)
  })

  test('introspection calls both its tokens dead', async () => {
    await using world = await startWorld()
    const { client, access, refreshToken, session } = await holding(world)
    await end(world, { kind: 'sso-sessions', ids: [session.id] })
    expect(await isActive(client, access)).toBe(false)
    expect(await isActive(client, refreshToken)).toBe(false)
  })

  test('its cookie opens nothing, and a page asks to sign in', async () => {
    await using world = await startWorld()
    const { client, browser, session } = await holding(world)
    await end(world, { kind: 'sso-sessions', ids: [session.id] })
    const { answer } = await opened(browser, client, { prompt: 'none' })
    expect(answer?.['error']).toBe('login_required')
  })

  test('a sign-in page that was open in another tab leads to a new session, never back into the old one', async () => {
    await using world = await startWorld()
    const { client, browser, session } = await holding(world)
    world.clock.advance({ seconds: 1 })
    const asked = await opened(browser, client, { prompt: 'login' })
    await end(world, { kind: 'sso-sessions', ids: [session.id] })
    const form = { email: 'ada@example.com', password: 'correct horse battery' }
    asked.went(await browser.submit(asked.page, form, { action: '/sign-in' }))
    expect((await world.gateway.stores.sessions.find(session.id))?.ended).toBeDefined()
    const live = await world.gateway.stores.sessions.list({ state: 'active', limit: 9 })
    expect(live).toHaveLength(1)
    expect(live[0]?.id).not.toBe(session.id)
  })
})

describe('once only an app session has ended', () => {
  test("its tokens and code are worth nothing, the other app's live, and the person is still signed in", async () => {
    await using world = await startWorld({ apps: { wiki: {}, mail: {} } })
    const { client, browser, pending, access, refreshToken } = await holding(world)
    const mail = world.client('mail')
    const mails = (await redeemed(await opened(browser, mail))).body
    await end(world, { kind: 'app', appId: 'wiki' as AppId })
    expect((await redeemed(pending)).body.error).toBe('invalid_grant')
    expect((await refresh(client, refreshToken)).body.error).toBe('invalid_grant')
    expect(await isActive(client, access)).toBe(false)
    expect(await isActive(mail, mails.access_token ?? '')).toBe(true)
    expect((await opened(browser, client, { prompt: 'none' })).answer?.['code']).toBeDefined()
  })

  test('the app joins anew under another sid', async () => {
    await using world = await startWorld()
    const { client, browser } = await holding(world)
    const before = await world.gateway.stores.sessions.list({ state: 'active', limit: 1 })
    await end(world, { kind: 'app', appId: 'wiki' as AppId })
    await redeemed(await opened(browser, client))
    const sessions = await world.gateway.stores.sessions.appSessionsOf(
      before.map(({ id }) => id),
      'any',
    )
    expect(new Set(sessions.map(({ sid }) => sid)).size).toBe(2)
  })
})
