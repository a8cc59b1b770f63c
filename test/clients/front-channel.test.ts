/**
 * mod_auth_openidc as Debian ships it, told through Chromium alone (OpenID Connect Front-Channel Logout 1.0), in the three settings
 * that decide whether a frame can reach an app's cookie.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium as engine, type Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { hourMs } from '#gateway/kernel/clock.ts'
import { chromiumArguments } from '#test/browser/chromium.ts'
import { answerWithPassword, likeServe } from '#test/journey/person.ts'
import { patient } from '#test/journey/tab.ts'
import { type ModAuthOpenidcOptions, prepareModAuthOpenidc } from '#test/support/apache.ts'
import { apache, chromium } from '#test/support/available.ts'
import { freePort, startGateway } from '#test/support/gateway.ts'
import { ada } from '#test/support/two-apps.ts'

const clientSecret = 'intranet-secret-'.repeat(3)

interface World extends AsyncDisposable {
  readonly page: Page
  readonly issuer: string
  readonly intranet: Awaited<ReturnType<typeof prepareModAuthOpenidc>>
  /** What the record says of the intranet. */
  delivery(): Promise<unknown>
  /** Whether mod_auth_openidc still has a session for this browser. */
  isSignedIn(): Promise<boolean>
}

/** A person who is signed in at mod_auth_openidc, which registers for the front channel and nothing else. */
async function signedIn(
  of: Pick<ModAuthOpenidcOptions, 'host' | 'sessionsIn'> & {
    readonly crossSite?: boolean
    readonly allowCookies?: boolean
  },
): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-front-channel-'))
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const intranet = await prepareModAuthOpenidc({
    issuer,
    clientId: 'intranet',
    clientSecret,
    sessionsIn: of.sessionsIn ?? 'cookie',
    ...(of.host === undefined ? {} : { host: of.host }),
    ...(of.crossSite === true ? { crossSite: certificate(folder) } : {}),
  })
  const gateway = await startGateway({
    port,
    ...likeServe,
    settings: {
      accounts: [ada],
      apps: [
        {
          id: 'intranet',
          name: 'Intranet',
          first_party: true,
          logout: { local_session: '8h' },
          oidc: {
            client_secret: clientSecret,
            redirect_uris: [intranet.redirectUri],
            post_logout_redirect_uris: [intranet.signedOutUrl],
            frontchannel_logout_uri: intranet.frontchannelLogoutUri,
            frontchannel_logout_session_required: true,
          },
        },
      ],
    },
  })
  await intranet.start()
  const context = await openProfile(folder, of.allowCookies === true)
  const page = await context.newPage()
  await page.goto(intranet.protectedUrl)
  await answerWithPassword(page, ada)
  await page.getByRole('button', { name: 'Not now' }).click()
  await page.waitForURL(intranet.protectedUrl)
  expect(await page.innerText('body')).toContain('subject=ada')
  return {
    page,
    issuer,
    intranet,
    delivery: async () => {
      const [logout] = await gateway.gateway.reports.list({ limit: 1 })
      return logout === undefined ? undefined : (await gateway.gateway.reports.find(logout.id))?.deliveries[0]
    },
    isSignedIn: async () => {
      const answer = await context.request.get(intranet.protectedUrl, { maxRedirects: 0 })
      expect([200, 302]).toContain(answer.status())
      return answer.status() === 200
    },
    [Symbol.asyncDispose]: async () => {
      await context.close()
      await intranet[Symbol.asyncDispose]()
      await gateway[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A profile of its own, because whether frames of other sites may use cookies is a setting of a profile. */
async function openProfile(folder: string, allowCookies: boolean): Promise<BrowserContext> {
  const profile = join(folder, 'profile')
  mkdirSync(join(profile, 'Default'), { recursive: true })
  if (allowCookies) {
    const preferences = { profile: { cookie_controls_mode: 0 } }
    writeFileSync(join(profile, 'Default', 'Preferences'), JSON.stringify(preferences))
  }
  const context = await engine.launchPersistentContext(profile, {
    executablePath: chromium ?? '',
    headless: true,
    args: [...chromiumArguments],
    ignoreHTTPSErrors: true,
  })
  context.setDefaultTimeout(20_000)
  return context
}

/** For 127.0.0.1, by OpenSSL. Apache reads the key as another user. */
function certificate(folder: string): { readonly certFile: string; readonly keyFile: string } {
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  execFileSync(
    'openssl',
    [
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'],
      ['-keyout', keyFile, '-out', certFile],
    ].flat(),
    { stdio: 'ignore' },
  )
  return { certFile, keyFile }
}

async function signOutHere({ page, issuer }: World): Promise<void> {
  await page.goto(`${issuer}/`)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.waitForURL(/\/sign-out\/lgo_/)
}

const asked = 'Asked through this browser, not confirmed.'

describe.skipIf(apache === undefined || chromium === undefined)(
  'mod_auth_openidc by the front channel, in Chromium',
  patient,
  () => {
    test('on the same site: it is signed out, and the page calls it asked and not confirmed', async () => {
      await using world = await signedIn({ host: 'localhost' })
      expect(await world.isSignedIn()).toBe(true)
      await signOutHere(world)
      await world.page.locator('[data-words]').filter({ hasText: asked }).waitFor()
      expect(await world.isSignedIn()).toBe(false)
      expect(world.intranet.requests().filter((line) => line.includes('logout=get&iss='))).toHaveLength(1)
      expect(await world.delivery()).toMatchObject({ channel: 'front-channel', state: 'sent' })
      expect(await world.page.getByText('confirmed it').count()).toBe(0)
    })

    test('on another site whose cookies the browser keeps from frames: it stays signed in, and nothing claims otherwise', async () => {
      await using world = await signedIn({ host: '127.0.0.1' })
      await signOutHere(world)
      await world.page.locator('[data-words]').filter({ hasText: asked }).waitFor()
      expect(await world.isSignedIn()).toBe(true)
      expect(await world.delivery()).toMatchObject({ channel: 'front-channel', state: 'sent' })
      const words = await world.page.innerText('main')
      expect(words).toContain('You are signed out here')
      expect(words).toContain('cannot know whether it worked')
      expect(words).toContain('Its session may last until')
      expect(words).not.toMatch(/confirmed it|Signed out\b/)
      const delivery = (await world.delivery()) as { readonly mayLastUntil: number }
      expect(delivery.mayLastUntil).toBeGreaterThan(Date.now() + 7 * hourMs)
    })

    test('on another site, with sessions that the sid finds on the server: it is signed out without any cookie', async () => {
      await using world = await signedIn({ host: '127.0.0.1', sessionsIn: 'server' })
      await signOutHere(world)
      await world.page.locator('[data-words]').filter({ hasText: asked }).waitFor()
      expect(await world.isSignedIn()).toBe(false)
    })

    test('on another site whose cookies frames may use: it is signed out', async () => {
      await using world = await signedIn({ host: '127.0.0.1', crossSite: true, allowCookies: true })
      await signOutHere(world)
      await world.page.locator('[data-words]').filter({ hasText: asked }).waitFor()
      expect(await world.isSignedIn()).toBe(false)
      expect(await world.delivery()).toMatchObject({ channel: 'front-channel', state: 'sent' })
    })

    test('asked for by the app itself: the browser passes by the page and goes on to where the app wants it', async () => {
      await using world = await signedIn({ host: 'localhost', sessionsIn: 'server' })
      await world.page.goto(world.intranet.signOutUrl)
      await world.page.waitForURL(world.intranet.signedOutUrl)
      expect(await world.delivery()).toMatchObject({ channel: 'front-channel', state: 'sent' })
      expect(await world.isSignedIn()).toBe(false)
      // Not a step of its own: back is where the person came from, not a page that sends them on again.
      await world.page.goBack()
      expect(world.page.url()).not.toContain('/sign-out/')
    })
  },
)
