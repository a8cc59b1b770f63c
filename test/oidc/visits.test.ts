import { describe, expect, test } from 'vitest'
import { minuteMs } from '#gateway/kernel/clock.ts'
import { createBrowser } from '#test/support/browser.ts'
import { authorizationRequest, type Client } from '#test/support/oauth.ts'
import { requestUrl } from './opening.ts'
import { startWorld, type World } from './world.ts'

const bound = 10_000
const office = '198.51.100.7'

describe('an address from which more people come than an office holds', () => {
  test('gets no more questions of apps for a while, and a page that says so', async () => {
    await using world = await startWorld(behindProxy)
    await came(world, 'interactions')
    const page = await visit(authorizeUrl(world.client('wiki')), office)
    expect(page.status).toBe(429)
    expect(page.headers.get('retry-after')).toBe('600')
    const text = await page.text()
    expect(text).toContain('Too many people are signing in from your network right now.')
    expect(text).toContain('Wait a few minutes')
    // The app is not told: it could do nothing but send the browser again.
    expect(world.receiver.received).toEqual([])
    // Nobody has to get up at night for it.
    expect(world.logLines.filter(({ level }) => level === 'error')).toEqual([])

    const elsewhere = await visit(authorizeUrl(world.client('wiki')), '198.51.100.8')
    expect(elsewhere.status).toBe(303)
  })

  test('gets no more sign-in pages of the gateway itself', async () => {
    await using world = await startWorld(behindProxy)
    await came(world, 'attempts')
    for (const path of ['/', '/account', '/sign-in']) {
      const page = await visit(`${world.issuer}${path}`, office)
      expect(page.status).toBe(429)
      expect(page.headers.get('retry-after')).toBe('600')
    }
    expect((await visit(`${world.issuer}/account`, '198.51.100.8')).status).toBe(303)
  })

  test('goes on serving who is signed in there', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    await came(world, 'interactions', '127.0.0.1')
    await came(world, 'attempts', '127.0.0.1')
    expect((await browser.get(`${world.issuer}/account`)).status).toBe(200)
    const arrived = await world.signInFrom(browser, 'wiki')
    expect(arrived.page.url).toContain('/callback?code=')
    expect((await createBrowser().get(`${world.issuer}/account`)).status).toBe(429)
  })
})

const behindProxy = { settings: { trusted_proxies: ['127.0.0.0/8'] } }

/** As if so many had come from there; making them all would take a while. */
async function came(world: World, what: 'interactions' | 'attempts', address = office): Promise<void> {
  await world.gateway.ephemeral.hit(`throttle-${what}`, address, 10 * minuteMs, bound)
}

function authorizeUrl(client: Client): string {
  return requestUrl(client, authorizationRequest(client, 'a'.repeat(43)))
}

function visit(url: string, address: string): Promise<Response> {
  return fetch(url, { redirect: 'manual', headers: { 'x-forwarded-for': address, accept: 'text/html' } })
}
