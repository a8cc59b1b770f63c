import { describe, expect, test } from 'vitest'
import { type ClientMetadata, metadataDefaults } from '#gateway/apps/client-metadata.ts'
import { opened, redeemed } from '#test/oidc/opening.ts'
import { startWorld, type World } from '#test/oidc/world.ts'
import type { Browser, Page } from '#test/support/browser.ts'
import { claimsOf } from '#test/support/oauth.ts'

/** A gateway with one more app, `intranet`, that registers for the front channel: its address is known only once the receiver runs. */
async function startFrontWorld(
  query = '',
  more: Partial<ClientMetadata> = {},
): Promise<World & { readonly at: string }> {
  const world = await startWorld()
  const { redirectUri, clientSecret } = world.client('intranet')
  const home = redirectUri.replace('callback', '')
  await world.gateway.commands.apps.add(
    {
      id: 'intranet',
      name: 'Intranet',
      firstParty: true,
      access: { kind: 'everyone' },
      sessions: {},
      logout: { causes: 'all', appSignsOut: 'everywhere' },
      oidc: {
        secret: clientSecret,
        metadata: {
          ...metadataDefaults,
          redirect_uris: [redirectUri],
          post_logout_redirect_uris: [home],
          frontchannel_logout_uri: `${home}logout${query}`,
          frontchannel_logout_session_required: true,
          ...more,
        },
      },
    },
    { kind: 'command-line' },
  )
  return Object.assign(world, { at: `${home}logout` })
}

/** Signs in at the intranet and out at the gateway; the page of the sign-out and the `sid` that the app had. */
async function signedOut(world: World): Promise<{ browser: Browser; page: Page; sid: unknown }> {
  const browser = await world.signedIn()
  const { body } = await redeemed(await opened(browser, world.client('intranet')))
  const question = await browser.get(`${world.issuer}/sign-out`)
  const page = await browser.submit(question, { decision: 'sign-out' })
  return { browser, page, sid: claimsOf(body.id_token)['sid'] }
}

function framesOf({ text }: Page): readonly URL[] {
  return [...text.matchAll(/data-address="([^"]+)"/g)].map(
    ([, address = '']) => new URL(address.replaceAll('&amp;', '&')),
  )
}

describe('OpenID Connect Front-Channel Logout 1.0', () => {
  test('section 3: discovery says that it is there, with iss and sid', async () => {
    await using world = await startWorld()
    const discovery = await (await fetch(`${world.issuer}/.well-known/openid-configuration`)).json()
    expect(discovery).toMatchObject({
      frontchannel_logout_supported: true,
      frontchannel_logout_session_supported: true,
    })
  })

  test('section 2: the page of the sign-out loads the registered address in a frame', async () => {
    await using world = await startFrontWorld()
    const { page } = await signedOut(world)
    const [frame, ...others] = framesOf(page)
    expect(others).toEqual([])
    expect(`${frame?.origin}${frame?.pathname}`).toBe(world.at)
    expect(page.headers.get('content-security-policy')).toContain(`frame-src ${new URL(world.at).origin};`)
  })

  test('section 2: iss and sid are added together, the sid is that of the ID token, and the query of the app stays as it was', async () => {
    await using world = await startFrontWorld('?from=a%20b&x=1+2')
    const { page, sid } = await signedOut(world)
    const [frame] = framesOf(page)
    expect(frame?.search.startsWith('?from=a%20b&x=1+2&iss=')).toBe(true)
    expect(frame?.searchParams.get('iss')).toBe(world.issuer)
    expect(frame?.searchParams.get('sid')).toBe(sid)
  })

  test('section 2: only apps of this session are loaded', async () => {
    await using world = await startFrontWorld()
    const browser = await world.signedIn()
    const page = await browser.submit(await browser.get(`${world.issuer}/sign-out`), { decision: 'sign-out' })
    expect(framesOf(page)).toEqual([])
    expect(page.headers.get('content-security-policy')).not.toContain('frame-src')
  })

  test('section 2: an app with a back channel too is told by that, unless its operator wants both', async () => {
    const told = 'https://intranet.example.com/backchannel-logout'
    await using world = await startFrontWorld('', { backchannel_logout_uri: told })
    const { page } = await signedOut(world)
    expect(framesOf(page)).toEqual([])
    expect(page.text).toContain('Waiting for its answer')
  })

  test('section 4.1: after RP-initiated logout the frames come first, and then the app gets the person back with its state', async () => {
    await using world = await startFrontWorld()
    const browser = await world.signedIn()
    const { body } = await redeemed(await opened(browser, world.client('intranet')))
    const home = world.client('intranet').redirectUri.replace('callback', '')
    const parameters = new URLSearchParams({
      id_token_hint: body.id_token ?? '',
      post_logout_redirect_uri: home,
      state: 'a b&c',
    })
    const page = await browser.get(`${world.issuer}/oauth/end-session?${parameters}`)
    expect(page.url).toMatch(/\/sign-out\/lgo_/)
    expect(framesOf(page)).toHaveLength(1)
    const on = await browser.get(`${page.url}/on`, { follow: false })
    expect(on.location).toBe(`${home}?state=a+b%26c`)
    // The same request again, as the back button sends it: what the browser has begun comes first.
    const again = await browser.get(`${world.issuer}/oauth/end-session?${parameters}`, { follow: false })
    expect(again.location).toBe(page.url)
  })
})
