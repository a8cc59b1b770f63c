import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium } from '#test/browser/chromium.ts'
import { chromium } from '#test/support/available.ts'
import { openReceiver } from '#test/support/receiver.ts'
import { ada as declaredAda, startTwoApps } from '#test/support/two-apps.ts'
import { ada, app, password, startPortal } from './portal.ts'

interface Tab extends AsyncDisposable {
  readonly page: Page
  /** What the browser blocked or could not run: a policy that is too strict, a script that is wrong. */
  readonly complaints: readonly string[]
}

/** Real time: a browser's clock is its own. */
const realTime = { realTime: true, background: true } as const

describe.skipIf(chromium === undefined)('the portal in Chromium', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
  })

  async function open(options: { readonly javaScriptEnabled?: boolean } = {}): Promise<Tab> {
    const context = await browser.newContext(options)
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => {
      // The sample apps have no icon, and every browser asks for one.
      if (message.type() === 'error' && !message.location().url.endsWith('/favicon.ico')) {
        complaints.push(message.text())
      }
    })
    page.on('pageerror', (error) => complaints.push(error.message))
    await addAuthenticator(context, page)
    return { page, complaints, [Symbol.asyncDispose]: () => context.close() }
  }

  it('goes from the set-up link over a passkey to home, out, and in again with the passkey alone', async () => {
    await using portal = await startPortal(realTime)
    await using tab = await open()
    const { page } = tab
    const token = await portal.gateway.createSetUpLink()
    await page.goto(`${portal.issuer}/set-up/${token}`)
    await page.getByLabel('E-mail').fill(ada)
    await page.getByLabel('Your name').fill('Ada Lovelace')
    await page.getByRole('button', { name: 'Continue with a passkey' }).click()
    await page.getByText('Your account is ready.').waitFor()
    await page.getByRole('link', { name: 'Account' }).click()
    await page.getByText('This device').waitFor()
    await page.getByRole('button', { name: 'Sign out' }).first().click()
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor()

    await page.getByRole('link', { name: 'Sign in again' }).click()
    await page.waitForURL(/\/sign-in/)
    // Either the suggestion behind the e-mail field or the button gets there first; both end at home.
    await page
      .getByRole('button', { name: 'Sign in with a passkey' })
      .click({ timeout: 2_000 })
      .catch(() => undefined)
    await page.getByRole('heading', { name: 'Your apps' }).waitFor()
    expect(tab.complaints).toEqual([])
  })

  it('lets a password form end at the app it was asked for, and no other (DECISIONS 26)', async () => {
    await using all = await startTwoApps(realTime)
    await using tab = await open()
    const { page } = tab
    await page.goto(`${all.wiki.url}/sign-in`)
    await page.getByLabel('E-mail').fill(declaredAda.email)
    await page.getByLabel('Password').fill(declaredAda.password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('button', { name: 'Not now' }).click()
    await page.waitForURL(`${all.wiki.url}/**`)
    expect(await page.textContent('body')).toContain('Signed in as')
    // The second app asks nothing at all.
    await page.goto(`${all.board.url}/sign-in`)
    expect(page.url().startsWith(all.board.url)).toBe(true)
    expect(tab.complaints).toEqual([])
  })

  it('signs in by the form alone where JavaScript is off', async () => {
    await using all = await startTwoApps(realTime)
    await using tab = await open({ javaScriptEnabled: false })
    const { page } = tab
    await page.goto(`${all.wiki.url}/sign-in`)
    await page.getByLabel('E-mail').fill(declaredAda.email)
    await page.getByLabel('Password').fill(declaredAda.password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('button', { name: 'Not now' }).click()
    await page.waitForURL(`${all.wiki.url}/**`)
    await page.goto(`${all.issuer}/sign-out`)
    await page.getByRole('button', { name: 'Sign out', exact: true }).click()
    await page.getByRole('heading', { name: /signed out|Signing you out/i }).waitFor()
  })

  it('shows each app’s answer on the sign-out page as it comes, without a reload', async () => {
    await using wiki = await openReceiver()
    await using dead = await openReceiver()
    dead.behave('hang-up')
    await using portal = await startPortal({
      realTime: true,
      settings: { apps: [app('wiki', 'Wiki', wiki.url), app('notes', 'Notes', dead.url)] },
    })
    const account = await portal.addPerson()
    await using tab = await open()
    const { page } = tab
    await page.goto(`${portal.issuer}/sign-in`)
    await page.getByLabel('E-mail').fill(ada)
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('button', { name: 'Not now' }).click()
    const [session] = await portal.sessionsOf(account)
    if (session === undefined) throw new Error('not signed in')
    for (const id of ['wiki', 'notes']) await portal.join(session, id)
    await page.getByRole('button', { name: 'Sign out' }).first().click()
    await page.getByRole('heading', { name: 'Signing you out of 2 apps' }).waitFor()
    await portal.gateway.dispatcher.runDue()
    await page.locator('[data-row]').getByText('Not confirmed yet. Will keep trying').waitFor()
    await page.getByRole('heading', { name: 'You are signed out here' }).waitFor()
    await page.locator('[data-state="confirmed"]').getByText('Signed out').waitFor()
    expect(tab.complaints).toEqual([])

    // N-187: the pages from before are not shown again.
    await page.goBack()
    await page.waitForURL(/\/sign-in/)
  })
})

/** A platform authenticator that says yes. */
async function addAuthenticator(context: BrowserContext, page: Page): Promise<void> {
  const devtools = await context.newCDPSession(page)
  await devtools.send('WebAuthn.enable', { enableUI: false })
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
}
