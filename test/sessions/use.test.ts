import { describe, expect, test } from 'vitest'
import { opened, redeemed } from '#test/oidc/opening.ts'
import { startWorld, type World } from '#test/oidc/world.ts'
import type { Browser } from '#test/support/browser.ts'
import { refresh, userinfoStatus } from '#test/support/oauth.ts'

/** Ada at the wiki, and whether something done seven hours later counts as use of her session. */
async function countsAsUse(
  world: World,
  use: (of: { browser: Browser; access: string; refreshToken: string }) => Promise<unknown>,
): Promise<boolean> {
  const browser = await world.signedIn()
  const { body } = await redeemed(await opened(browser, world.client('wiki')))
  world.clock.advance({ hours: 7 })
  await use({ browser, access: body.access_token ?? '', refreshToken: body.refresh_token ?? '' })
  const [session] = await world.gateway.stores.sessions.list({ limit: 1 })
  return session?.lastSeenAt === world.clock.now()
}

describe('what counts as use of a session (DECISIONS 7)', () => {
  test('opening an app', async () => {
    await using world = await startWorld()
    expect(await countsAsUse(world, ({ browser }) => opened(browser, world.client('wiki')))).toBe(true)
  })

  test('an app that refreshes', async () => {
    await using world = await startWorld()
    const used = await countsAsUse(world, ({ refreshToken }) => refresh(world.client('wiki'), refreshToken))
    expect(used).toBe(true)
  })

  test.for(['/', '/account'])('the page %s of ours', async (path) => {
    await using world = await startWorld()
    expect(await countsAsUse(world, ({ browser }) => browser.get(`${world.issuer}${path}`))).toBe(true)
  })

  test('not an app that asks silently, nor userinfo: apps do that in an empty office (N-017)', async () => {
    await using world = await startWorld()
    const client = world.client('wiki')
    const used = await countsAsUse(world, async ({ browser }) => {
      const { answer } = await opened(browser, client, { prompt: 'none' })
      expect(answer?.['code']).toBeDefined()
      const { body } = await redeemed(await opened(browser, client, { prompt: 'none' }))
      expect(await userinfoStatus(client, body.access_token ?? '')).toBe(200)
    })
    expect(used).toBe(false)
  })

  test('asking silently, where the operator names it', async () => {
    await using silent = await startWorld({ settings: { sessions: { activity: ['silent'] } } })
    const asked = ({ browser }: { browser: Browser }) =>
      opened(browser, silent.client('wiki'), { prompt: 'none' })
    expect(await countsAsUse(silent, asked)).toBe(true)
  })

  test('userinfo, where the operator names it', async () => {
    await using world = await startWorld({
      settings: { sessions: { activity: ['userinfo'] }, tokens: { access: '12h' } },
    })
    const asked = ({ access }: { access: string }) => userinfoStatus(world.client('wiki'), access)
    expect(await countsAsUse(world, asked)).toBe(true)
  })

  test('not opening an app or refreshing, where the operator leaves them out', async () => {
    await using world = await startWorld({ settings: { sessions: { activity: [] } } })
    const used = await countsAsUse(world, async ({ browser, refreshToken }) => {
      await opened(browser, world.client('wiki'))
      await refresh(world.client('wiki'), refreshToken)
    })
    expect(used).toBe(false)
  })

  test('is written at most once a minute', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const lastSeenAt = async () => (await world.gateway.stores.sessions.list({ limit: 1 }))[0]?.lastSeenAt
    const signedInAt = world.clock.now()
    world.clock.advance({ seconds: 59 })
    await opened(browser, world.client('wiki'))
    expect(await lastSeenAt()).toBe(signedInAt)
    world.clock.advance({ seconds: 1 })
    await opened(browser, world.client('wiki'))
    expect(await lastSeenAt()).toBe(signedInAt + 60_000)
  })
})
