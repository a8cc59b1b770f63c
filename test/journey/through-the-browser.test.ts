import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { type AppId, newId } from '#gateway/kernel/ids.ts'
import { chromium } from '#test/support/available.ts'
import { openReceiver, type Receiver } from '#test/support/receiver.ts'
import { startTwoApps, type TwoApps } from '#test/support/two-apps.ts'
import { addGrace, likeServe, signInWithPassword, stateAt } from './person.ts'
import { patient, useChromium } from './tab.ts'

describe.skipIf(chromium === undefined)('an app that only the browser can tell, in Chromium', patient, () => {
  const open = useChromium()

  /** Grace at the wiki and at an old app, which is told through the browser and nothing else. */
  async function signedIn(options: { readonly javaScriptEnabled?: boolean } = {}) {
    const old = await openReceiver()
    const all = await startTwoApps({
      ...likeServe,
      moreApps: [appAt(old)],
      settings: { logout: { front_channel_wait: '1s' } },
    })
    const grace = await addGrace(all)
    const tab = await open(options)
    await tab.page.goto(`${all.wiki.url}/sign-in`)
    await signInWithPassword(tab.page)
    await tab.page.waitForURL(`${all.wiki.url}/`)
    const { sessions, stores, random } = all.gateway
    const [session] = await stores.sessions.listByAccount(grace.id, { state: 'active', limit: 1 })
    if (session === undefined) throw new Error('not signed in')
    await sessions.join({
      id: newId('appSession', random),
      ssoSessionId: session.id,
      accountId: grace.id,
      appId: 'old' as AppId,
      sid: 'sid-at-old',
    })
    return {
      all,
      old,
      ...tab,
      /** What the record says of the old app. */
      told: async () => {
        const [logout] = await all.gateway.reports.list({ limit: 1 })
        return logout?.deliveries.find(({ appId }) => appId === 'old')?.state
      },
      [Symbol.asyncDispose]: async () => {
        await tab[Symbol.asyncDispose]()
        await all[Symbol.asyncDispose]()
        await old[Symbol.asyncDispose]()
      },
    }
  }

  test('is loaded on the way, with iss and sid and without a referrer, and the person goes on to where they were going', async () => {
    await using world = await signedIn()
    const { all, old, page } = world
    await signOutAtWiki(page, all)
    await page.waitForURL(`${all.wiki.url}/?state=signed-out`)
    const [request, ...others] = old.received
    expect(others).toEqual([])
    expect(request?.path).toBe(`/logout?${new URLSearchParams({ iss: all.issuer, sid: 'sid-at-old' })}`)
    expect(request?.headers.referer).toBeUndefined()
    expect(request?.headers['sec-fetch-dest']).toBe('iframe')
    await expect.poll(world.told).toBe('sent')
    expect(await stateAt(page, all.wiki)).toBe('signed out')
  })

  test('holds nobody up when it never answers: the wait is bounded, and it is not called told', async () => {
    await using world = await signedIn()
    const { all, old, page } = world
    old.behave('hang')
    await signOutAtWiki(page, all)
    await page.waitForURL(`${all.wiki.url}/?state=signed-out`)
    expect(old.received).toHaveLength(1)
    expect(await world.told()).toBe('waiting')
  })

  test('is told after all when the tab was closed too early and the person comes by again', async () => {
    await using world = await signedIn()
    const { all, old, page, context } = world
    old.behave('hang')
    await page.goto(all.issuer)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByText('Asking through this browser').waitFor()
    await page.close()
    old.behave({ answer: 200 })
    const later = await context.newPage()
    await later.goto(`${all.issuer}/sign-out`)
    await later.locator('[data-words]').filter({ hasText: 'Asked through this browser' }).waitFor()
    expect(await world.told()).toBe('sent')
    // Reloaded, it stays as it is, and loads nothing more.
    const loaded = old.received.length
    await later.reload()
    await later.locator('[data-words]').filter({ hasText: 'Asked through this browser' }).waitFor()
    expect(old.received).toHaveLength(loaded)
  })

  test('is told without JavaScript too: the page goes on by itself once the frame has loaded', async () => {
    await using world = await signedIn({ javaScriptEnabled: false })
    const { all, old, page } = world
    await signOutAtWiki(page, all)
    await page.waitForURL(`${all.wiki.url}/?state=signed-out`)
    expect(old.received).toHaveLength(1)
    expect(await world.told()).toBe('sent')
  })

  test('leaves the person a way on without JavaScript, when it never answers', async () => {
    await using world = await signedIn({ javaScriptEnabled: false })
    const { all, old, page } = world
    old.behave('hang')
    await page.goto(all.wiki.url)
    await page.getByRole('link', { name: 'Sign out' }).click({ noWaitAfter: true })
    await page.getByRole('link', { name: 'Continue to Wiki' }).click({ noWaitAfter: true })
    await page.waitForURL(`${all.wiki.url}/?state=signed-out`)
    expect(await world.told()).toBe('waiting')
  })
})

async function signOutAtWiki(page: Page, { wiki }: TwoApps): Promise<void> {
  await page.goto(wiki.url)
  await page.getByRole('link', { name: 'Sign out' }).click()
}

function appAt({ url }: Receiver): Record<string, unknown> {
  return {
    id: 'old',
    name: 'Old',
    first_party: true,
    oidc: {
      token_endpoint_auth_method: 'none',
      redirect_uris: [new URL('/callback', url).href],
      frontchannel_logout_uri: url,
    },
  }
}
