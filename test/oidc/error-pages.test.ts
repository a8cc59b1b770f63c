import { describe, expect, test } from 'vitest'
import type { AccountId, AppId } from '#gateway/kernel/ids.ts'
import { createBrowser, type Page } from '#test/support/browser.ts'
import { opened, requestUrl } from './opening.ts'
import { startWorld, type World } from './world.ts'

const marker = 'MARKER<script>alert(1)</script>'

/** Ours by its looks and its headers, and nothing of the request is in it. */
function expectOurs(page: Page): void {
  expect(page.headers.get('content-type')).toContain('text/html')
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(page.headers.get('cache-control')).toContain('no-store')
  expect(page.headers.get('x-frame-options')).toBe('DENY')
  expect(page.text).toContain('<h1>')
  expect(page.text).toContain('Gatehouse')
  expect(page.text).not.toContain('MARKER')
  expect(page.text).not.toContain('oidc-provider')
  expect(page.text).not.toMatch(/error_description|\bat .*\.js:\d+/)
}

describe('a page where an authorization request stops', () => {
  const rows: readonly (readonly [string, (world: World) => string])[] = [
    ['an unknown app', (world) => requestUrl(world.client('wiki'), { client_id: marker })],
    [
      'an unregistered address',
      (world) => requestUrl(world.client('wiki'), { client_id: 'wiki', redirect_uri: `https://x/${marker}` }),
    ],
    ['nothing at all', (world) => `${world.issuer}/oauth/authorize`],
    [
      'a parameter given twice',
      (world) => `${world.issuer}/oauth/authorize?client_id=wiki&client_id=${encodeURIComponent(marker)}`,
    ],
    ['a sign-in that nobody began', (world) => `${world.issuer}/oauth/interaction/${'x'.repeat(43)}`],
    ['an answer to nothing', (world) => `${world.issuer}/oauth/authorize/${'x'.repeat(43)}`],
    [
      'a pushed request that nobody pushed',
      (world) => pushed(world, `urn:ietf:params:oauth:request_uri:${marker}`),
    ],
  ]
  test.for(rows)('for %s is ours and repeats nothing of the request', async ([, urlOf]) => {
    await using world = await startWorld()
    const page = await createBrowser().get(urlOf(world))
    expect(page.status).toBe(400)
    expectOurs(page)
    expect(world.receiver.received).toEqual([])
  })

  test('for a method that the address does not take is ours too', async () => {
    await using world = await startWorld()
    for (const path of [
      '/oauth/authorize',
      '/oauth/token',
      '/oauth/revoke',
      '/oauth/introspect',
      '/oauth/par',
    ]) {
      const method = path === '/oauth/authorize' ? 'DELETE' : 'GET'
      const response = await fetch(`${world.issuer}${path}`, { method, headers: { accept: 'text/html' } })
      expect(response.status).toBe(405)
      expect(response.headers.get('allow')).toBeTruthy()
    }
  })

  test('for a question of another browser is ours, and the question stays unanswered', async () => {
    await using world = await startWorld()
    const mine = await opened(await world.signedIn(), world.client('board'))
    const stranger = await world.signedIn()
    const page = await stranger.get(mine.page.url)
    expect(page.status).toBe(400)
    expectOurs(page)
    expect(page.text).not.toContain('Board wants')
  })

  test('shows the same when a sign-in page has lain open for too long', async () => {
    await using world = await startWorld()
    const browser = await world.signedIn()
    const asked = await opened(browser, world.client('board'))
    world.clock.advance({ minutes: 10, seconds: 1 })
    const page = await browser.submit(asked.page, { decision: 'allow' })
    expect(page.status).toBe(400)
    expectOurs(page)
    expect(await world.gateway.stores.consents.find('ada' as AccountId, 'board' as AppId)).toBeUndefined()
  })

  test('the engine’s own pages and logout routes cannot be reached', async () => {
    await using world = await startWorld()
    for (const path of [
      '/session/end',
      '/session/end/confirm',
      '/interaction/abc',
      '/oauth/end-session/confirm',
      '/device',
      '/reg',
    ]) {
      const page = await createBrowser().get(`${world.issuer}${path}`)
      expect(page.status).toBe(404)
      expectOurs(page)
    }
  })
})

function pushed(world: World, request_uri: string): string {
  return requestUrl(world.client('wiki'), { client_id: 'wiki', request_uri })
}

describe('an error of an address that apps call', () => {
  /** What java.net.HttpURLConnection sends unless it is told otherwise. */
  const accept = 'text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2'

  test.for(['token', 'revoke', 'introspect', 'par', 'userinfo'])(
    'is JSON for whoever says that it would like a page best (/oauth/%s)',
    async (name) => {
      await using world = await startWorld()
      const response = await fetch(`${world.issuer}/oauth/${name}`, {
        method: 'POST',
        headers: { accept, 'content-type': 'application/x-www-form-urlencoded' },
        body: 'grant_type=authorization_code&client_id=nobody&token=x',
      })
      expect(response.status).toBeGreaterThanOrEqual(400)
      expect(response.headers.get('content-type')).toContain('application/json')
      expect(await response.json()).toHaveProperty('error')
    },
  )

  test('is JSON too where the method is wrong', async () => {
    await using world = await startWorld()
    const response = await fetch(`${world.issuer}/oauth/token`, { headers: { accept } })
    expect(response.status).toBe(405)
    expect(response.headers.get('content-type')).toContain('json')
  })
})
