import { describe, expect, test } from 'vitest'
import type { AppId } from '#gateway/kernel/ids.ts'
import { opened, redeemed } from '#test/oidc/opening.ts'
import { startWorld, type World } from '#test/oidc/world.ts'
import { type Browser, createBrowser, type Page } from '#test/support/browser.ts'
import { isActive } from '#test/support/oauth.ts'
import { bob } from '#test/support/two-apps.ts'

/** Ada at the wiki and, past its consent, at the board. */
async function atBoth(world: World) {
  const browser = await world.signedIn()
  const { body } = await redeemed(await opened(browser, world.client('wiki')))
  const board = await opened(browser, world.client('board'))
  if (board.answer === undefined) await browser.submit(board.page, { decision: 'allow' })
  return { browser, hint: body.id_token ?? '' }
}

const home = (world: World, id = 'wiki'): string => world.client(id).redirectUri.replace('callback', '')

function endSession(world: World, browser: Browser, parameters: Record<string, string>): Promise<Page> {
  return browser.get(`${world.issuer}/oauth/end-session?${new URLSearchParams(parameters)}`)
}

async function isSignedIn(world: World, browser: Browser): Promise<boolean> {
  const { answer } = await opened(browser, world.client('wiki'), { prompt: 'none' })
  return answer?.['code'] !== undefined
}

async function lastLogout(world: World) {
  const [last] = await world.gateway.stores.logouts.list({ limit: 1 })
  return last
}

describe('RP-Initiated Logout 1.0, section 2: an app that proves whose session it is', () => {
  test('ends it without a question, tells every app, and gets the person back with its state', async () => {
    await using world = await startWorld()
    const { browser, hint } = await atBoth(world)
    const page = await endSession(world, browser, {
      id_token_hint: hint,
      post_logout_redirect_uri: home(world),
      state: 'a b&c',
    })
    expect(page.url.split('?')[0]).toBe(home(world))
    expect(new URL(page.url).searchParams.get('state')).toBe('a b&c')
    expect(await isSignedIn(world, browser)).toBe(false)
    expect(await world.told('wiki')).toHaveLength(1)
    expect(await world.told('board')).toHaveLength(1)
  })

  test('may ask by POST as well', async () => {
    await using world = await startWorld()
    const { browser, hint } = await atBoth(world)
    const page = await browser.post(
      `${world.issuer}/oauth/end-session`,
      { id_token_hint: hint, post_logout_redirect_uri: home(world) },
      { from: home(world) },
    )
    expect(page.url).toBe(home(world))
    expect(await isSignedIn(world, browser)).toBe(false)
    expect(await world.told('board')).toHaveLength(1)
  })

  test('by a form of its own takes no other tab’s page away: the secret of the browser stays', async () => {
    await using world = await startWorld()
    const { browser, hint } = await atBoth(world)
    const secret = () => browser.cookiesFor(world.issuer).get(world.gateway.cookieNames.browser)
    const before = secret()
    await browser.post(`${world.issuer}/oauth/end-session`, { id_token_hint: hint }, { from: home(world) })
    expect(secret()).toBe(before)
  })

  test('may use a hint that has expired', async () => {
    await using world = await startWorld()
    const { browser, hint } = await atBoth(world)
    world.clock.advance({ hours: 3 })
    const parameters = { id_token_hint: hint, post_logout_redirect_uri: home(world) }
    expect((await endSession(world, browser, parameters)).url).toBe(home(world))
    expect(await isSignedIn(world, browser)).toBe(false)
  })

  test('gets no state back that it did not send', async () => {
    await using world = await startWorld()
    const { browser, hint } = await atBoth(world)
    const parameters = { id_token_hint: hint, post_logout_redirect_uri: home(world), state: '' }
    expect((await endSession(world, browser, { ...parameters })).url).toBe(`${home(world)}?state=`)
    const silent = { id_token_hint: hint, post_logout_redirect_uri: home(world) }
    expect((await endSession(world, browser, silent)).url).toBe(home(world))
  })

  test('and names no address leads to our page, which says what becomes of each app', async () => {
    await using world = await startWorld()
    const { browser, hint } = await atBoth(world)
    const page = await endSession(world, browser, { id_token_hint: hint })
    expect(page.url).toMatch(/\/sign-out\/lgo_/)
    expect(page.text).toContain('Board')
    expect(await isSignedIn(world, browser)).toBe(false)
  })

  test('and signs out only of itself ends only its own part', async () => {
    await using world = await startWorld({
      apps: { wiki: { app: { logout: { app_signs_out: 'this-app' } } }, board: {} },
    })
    const { browser, hint } = await atBoth(world)
    const parameters = { id_token_hint: hint, post_logout_redirect_uri: home(world) }
    expect((await endSession(world, browser, parameters)).url).toBe(home(world))
    expect(await world.told('wiki')).toHaveLength(1)
    expect(await world.told('board')).toHaveLength(0)
    expect(await isSignedIn(world, browser)).toBe(true)
  })

  test('and shows a hint of a part that ended before it joined again ends the part it has now', async () => {
    await using world = await startWorld({
      apps: { wiki: { app: { logout: { app_signs_out: 'this-app' } } }, board: {} },
    })
    const { browser, hint } = await atBoth(world)
    const wiki = world.client('wiki')
    await world.gateway.endSession({ kind: 'app', appId: 'wiki' as AppId }, 'idle', { kind: 'gateway' })
    const { body } = await redeemed(await opened(browser, wiki))
    await endSession(world, browser, { id_token_hint: hint, post_logout_redirect_uri: home(world) })
    expect(await isActive(wiki, body.access_token ?? '')).toBe(false)
    expect(await world.told('wiki')).toHaveLength(2)
  })
})

describe('RP-Initiated Logout 1.0, section 2: what must be asked first', () => {
  test.for([
    ['nothing at all', () => ({})],
    ['an app id without proof', () => ({ client_id: 'wiki' })],
    ['a logout_hint', () => ({ client_id: 'wiki', logout_hint: 'ada@example.com' })],
  ] as const)('%s: GET alone signs nobody out, the question does', async ([, parametersOf]) => {
    await using world = await startWorld()
    const { browser } = await atBoth(world)
    const asked = await endSession(world, browser, parametersOf())
    expect(asked.url).toContain('/sign-out?request=')
    expect(await isSignedIn(world, browser)).toBe(true)
    expect(await world.told('wiki')).toEqual([])
    await browser.submit(asked, { decision: 'sign-out' })
    expect(await isSignedIn(world, browser)).toBe(false)
    expect(await world.told('wiki')).toHaveLength(1)
  })

  test('by POST it is asked as well', async () => {
    await using world = await startWorld()
    const { browser } = await atBoth(world)
    const asked = await browser.post(`${world.issuer}/oauth/end-session`, { client_id: 'wiki' })
    expect(asked.url).toContain('/sign-out?request=')
    expect(await isSignedIn(world, browser)).toBe(true)
  })

  test('after the answer the person goes on to the registered address of the app that asked', async () => {
    await using world = await startWorld()
    const { browser } = await atBoth(world)
    const asked = await endSession(world, browser, {
      client_id: 'wiki',
      post_logout_redirect_uri: home(world),
      state: 's-1',
    })
    const done = await browser.submit(asked, { decision: 'sign-out' })
    expect(done.url).toBe(`${home(world)}?state=s-1`)
    expect(await isSignedIn(world, browser)).toBe(false)
  })

  test('an app that proves nothing is not said to have asked: the person signed out, and where they go on stays', async () => {
    await using world = await startWorld()
    const { browser } = await atBoth(world)
    const parameters = { client_id: 'wiki', post_logout_redirect_uri: home(world) }
    const asked = await endSession(world, browser, parameters)
    expect(asked.text).not.toContain('asks to sign you out')
    expect((await browser.submit(asked, { decision: 'sign-out' })).url).toBe(home(world))
    expect(await lastLogout(world)).toMatchObject({
      cause: 'account',
      actor: { kind: 'account', accountId: 'ada' },
    })
  })

  test('an app whose hint is of another session is said to have asked', async () => {
    await using world = await startWorld()
    const { hint } = await atBoth(world)
    const browser = await world.signedIn()
    const asked = await endSession(world, browser, { id_token_hint: hint })
    expect(asked.text).toContain('<strong>Wiki</strong> asks to sign you out')
    await browser.submit(asked, { decision: 'sign-out' })
    expect(await lastLogout(world)).toMatchObject({ cause: 'app', actor: { kind: 'app', appId: 'wiki' } })
  })

  test('a person who would rather stay stays', async () => {
    await using world = await startWorld()
    const { browser } = await atBoth(world)
    const asked = await endSession(world, browser, { client_id: 'wiki' })
    await browser.submit(asked, { decision: 'stay' })
    expect(await isSignedIn(world, browser)).toBe(true)
  })

  test('a hint of another session of the same person ends neither that one nor this one by itself', async () => {
    await using world = await startWorld()
    const { browser, hint } = await atBoth(world)
    const other = await world.signedIn()
    await opened(other, world.client('wiki'))
    const asked = await endSession(world, other, { id_token_hint: hint })
    expect(asked.url).toContain('/sign-out?request=')
    expect(await isSignedIn(world, other)).toBe(true)
    expect(await isSignedIn(world, browser)).toBe(true)
  })

  test("somebody else's hint ends nothing by itself", async () => {
    await using world = await startWorld()
    const { hint } = await atBoth(world)
    const bobs = await world.signedIn(bob)
    const asked = await endSession(world, bobs, {
      id_token_hint: hint,
      post_logout_redirect_uri: home(world),
    })
    expect(asked.url).toContain('/sign-out?request=')
    expect(await isSignedIn(world, bobs)).toBe(true)
  })

  test('in a browser without a session there is nothing to ask, and a registered address is still reached', async () => {
    await using world = await startWorld()
    const { hint } = await atBoth(world)
    const parameters = { id_token_hint: hint, post_logout_redirect_uri: home(world), state: 's' }
    expect((await endSession(world, createBrowser(), parameters)).url).toBe(`${home(world)}?state=s`)
    expect((await endSession(world, createBrowser(), {})).url).toBe(`${world.issuer}/sign-out`)
  })
})

describe('RP-Initiated Logout 1.0, what else it says', () => {
  test('section 2: hints without proof, wished-for languages and parameters that nobody knows change nothing', async () => {
    await using world = await startWorld()
    const { browser, hint } = await atBoth(world)
    const more = { logout_hint: bob.email, ui_locales: 'fr-CA fr', something: 'else' }
    const asked = await endSession(world, browser, more)
    expect(asked.text).toContain('Sign out?')
    expect(asked.text).not.toContain(bob.email)
    const page = await endSession(world, browser, {
      ...more,
      id_token_hint: hint,
      post_logout_redirect_uri: home(world),
    })
    expect(page.url).toBe(home(world))
    expect(await isSignedIn(world, browser)).toBe(false)
  })

  test('section 2: a hint signed with a key that has been replaced since is proof still', async () => {
    await using world = await startWorld()
    const { browser, hint } = await atBoth(world)
    await world.gateway.keys.rotate({ publishAheadMs: 0, actor: { kind: 'command-line' } })
    world.clock.advance({ hours: 1 })
    const page = await endSession(world, browser, {
      id_token_hint: hint,
      post_logout_redirect_uri: home(world),
    })
    expect(page.url).toBe(home(world))
    expect(await isSignedIn(world, browser)).toBe(false)
  })

  test('section 2: what is on its way in the address is told to no other site and kept by no cache', async () => {
    await using world = await startWorld()
    const { browser, hint } = await atBoth(world)
    const address = `${world.issuer}/oauth/end-session?${new URLSearchParams({ id_token_hint: hint })}`
    const { headers, status } = await browser.get(address, { follow: false })
    expect(status).toBe(303)
    expect([headers.get('cache-control'), headers.get('referrer-policy')]).toEqual([
      'no-store',
      'same-origin',
    ])
  })

  test('section 2.1: discovery names the address', async () => {
    await using world = await startWorld()
    const discovery = await (await fetch(`${world.issuer}/.well-known/openid-configuration`)).json()
    expect(discovery).toMatchObject({ end_session_endpoint: `${world.issuer}/oauth/end-session` })
  })

  test.for([
    [
      'a query of its own',
      'https://wiki.example/out?from=gatehouse',
      'https://wiki.example/out?from=gatehouse&state=s',
    ],
    ['a scheme of its own, of a native app', 'com.example.wiki:/out', 'com.example.wiki:/out?state=s'],
  ] as const)(
    'section 3: a registered address with %s is gone to as it is, with the state',
    async ([, uri, to]) => {
      const oidc = {
        post_logout_redirect_uris: [uri],
        ...(uri.startsWith('com') ? { application_type: 'native' } : {}),
      }
      await using world = await startWorld({ apps: { wiki: { oidc } } })
      const browser = await world.signedIn()
      const { body } = await redeemed(await opened(browser, world.client('wiki')))
      const query = { id_token_hint: body.id_token ?? '', post_logout_redirect_uri: uri, state: 's' }
      const address = `${world.issuer}/oauth/end-session?${new URLSearchParams(query)}`
      expect((await browser.get(address, { follow: false })).location).toBe(to)
    },
  )
})

describe('RP-Initiated Logout 1.0, section 2: what is refused, and then nobody is signed out', () => {
  test.for([
    ['a broken signature', (hint: string) => ({ id_token_hint: broken(hint) })],
    ['no signature', (hint: string) => ({ id_token_hint: `${hint.split('.').slice(0, 2).join('.')}.` })],
    ['no token', () => ({ id_token_hint: 'nonsense' })],
    ['a hint for another app', (hint: string) => ({ id_token_hint: hint, client_id: 'board' })],
    ['an endless hint', () => ({ id_token_hint: 'e'.repeat(9_000) })],
    ['an endless state', (hint: string) => ({ id_token_hint: hint, state: 's'.repeat(3_000) })],
  ] as const)('%s', async ([, parametersOf]) => {
    await using world = await startWorld()
    const { browser, hint } = await atBoth(world)
    const page = await endSession(world, browser, {
      post_logout_redirect_uri: home(world),
      ...parametersOf(hint),
    })
    expect(page.url.startsWith(world.issuer)).toBe(true)
    expect(page.status).toBe(400)
    expect(await isSignedIn(world, browser)).toBe(true)
  })

  test('an unregistered address is not gone to (section 3), with the proof neither', async () => {
    await using world = await startWorld()
    const { browser, hint } = await atBoth(world)
    const registered = home(world)
    for (const uri of [
      'https://evil.example/',
      `${registered}more`,
      `${registered}?x=1`,
      registered.slice(0, -1),
      home(world, 'board'),
      'javascript:alert(1)',
      'data:text/html,x',
      '//evil.example',
    ]) {
      const page = await endSession(world, browser, { id_token_hint: hint, post_logout_redirect_uri: uri })
      expect(page.url.startsWith(world.issuer)).toBe(true)
      expect(page.text).not.toContain(uri)
    }
    expect(await isSignedIn(world, browser)).toBe(true)
  })

  test('without an app nobody is sent anywhere (section 3)', async () => {
    await using world = await startWorld()
    const { browser } = await atBoth(world)
    const asked = await endSession(world, browser, { post_logout_redirect_uri: home(world) })
    const done = await browser.submit(asked, { decision: 'sign-out' })
    expect(done.url.startsWith(world.issuer)).toBe(true)
    expect(await isSignedIn(world, browser)).toBe(false)
  })

  test('a method other than GET and POST', async () => {
    await using world = await startWorld()
    const response = await fetch(`${world.issuer}/oauth/end-session`, { method: 'PUT' })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('GET, POST')
  })
})

function broken(token: string): string {
  const [head, payload, signature = ''] = token.split('.')
  return [head, payload, signature.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))].join('.')
}
