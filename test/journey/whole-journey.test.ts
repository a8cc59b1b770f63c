import { describe, expect, test } from 'vitest'
import { chromium } from '#test/support/available.ts'
import { startTwoApps } from '#test/support/two-apps.ts'
import { hasHeard, iPhone, likeServe, stateAt } from './person.ts'
import { patient, useChromium } from './tab.ts'

describe.skipIf(chromium === undefined)('the whole journey in Chromium', patient, () => {
  const open = useChromium()

  test('set-up link, passkey, home, two apps without a prompt, ending another session, and a sign-out that tells the truth', async () => {
    await using all = await startTwoApps({ ...likeServe, settings: { accounts: [] } })
    const { wiki, board, issuer } = all
    await using laptop = await open()
    const { page } = laptop

    // The link that the first start prints, a passkey, and home with a tile for each app.
    await page.goto(`${issuer}/set-up/${await all.gateway.createSetUpLink()}`)
    await page.getByLabel('E-mail').fill('ada@example.com')
    await page.getByLabel('Your name').fill('Ada Lovelace')
    await page.getByRole('button', { name: 'Continue with a passkey' }).click()
    await page.getByText('Your account is ready.').waitFor()
    expect(await page.locator('.tile-name').allInnerTexts()).toEqual(['Board', 'Wiki'])

    // From a tile into the first app, then the second: neither asks anything.
    await page.getByRole('link', { name: 'Wiki' }).click()
    await page.getByRole('link', { name: 'Sign in' }).click()
    await page.getByText('Signed in as ada@example.com').waitFor()
    expect(page.url()).toBe(`${wiki.url}/`)
    await page.goto(`${board.url}/sign-in`)
    await page.getByText('Signed in as ada@example.com').waitFor()
    expect(page.url()).toBe(`${board.url}/`)
    await page.goto(issuer)
    expect(await page.locator('.tile-live').allInnerTexts()).toEqual(['Signed in', 'Signed in'])

    // The passkey is synced to a phone, which signs in at the first app with it: a session of its own.
    await using phone = await open({ userAgent: iPhone })
    for (const passkey of await laptop.authenticator.passkeys()) await phone.authenticator.add(passkey)
    await phone.page.goto(`${wiki.url}/sign-in`)
    await phone.page.getByText('Signed in as ada@example.com').waitFor()
    expect(wiki.sessions.size).toBe(2)

    // The account page shows both; ending the phone's ends the app's session there, and none here.
    await page.getByRole('link', { name: 'Account' }).click()
    const here = page.locator('#sessions .row').filter({ hasText: 'This device' })
    await here.getByText('2 apps').click()
    expect((await here.locator('.app-list li').allInnerTexts()).map(lastLine).sort()).toEqual([
      'Board',
      'Wiki',
    ])
    const there = page.locator('#sessions .row').filter({ hasText: 'Safari on iPhone' })
    await there.getByText('1 app').click()
    expect((await there.locator('.app-list li').allInnerTexts()).map(lastLine)).toEqual(['Wiki'])
    await there.getByRole('button', { name: 'Sign out' }).click()
    await page.getByText('That session has ended.').waitFor()
    await hasHeard(wiki, 1)
    expect(await stateAt(phone.page, wiki)).toBe('signed out')
    await phone.authenticator.touch(false)
    await phone.page.goto(`${issuer}/account`)
    await phone.page.getByRole('heading', { name: 'Sign in to Gatehouse' }).waitFor()
    expect(await stateAt(page, wiki)).toBe('signed in')

    // Signing out while an app is down: confirmed of the one, promised for the other, and no word more.
    await board.close()
    await page.goto(issuer)
    await page.getByRole('button', { name: 'Sign out' }).click()
    const wikiRow = page.locator('.report-row').filter({ hasText: 'Wiki' })
    const boardRow = page.locator('.report-row').filter({ hasText: 'Board' })
    await wikiRow.getByText('Signed out', { exact: true }).waitFor()
    await boardRow.getByText('Not confirmed yet. Will keep trying').waitFor()
    await page.getByRole('heading', { name: 'You are signed out here', exact: true }).waitFor()
    await page
      .getByText('1 app has not confirmed yet and will be told again, even if you close this page.')
      .waitFor()
    expect(await boardRow.innerText()).not.toContain('Signed out')
    expect(await page.locator('main').innerText()).not.toMatch(/everywhere|every app|all apps/i)
    expect(board.told).toEqual([])

    // The app comes back: it hears, and the page says so by itself.
    await board.reopen()
    await boardRow.getByText('Signed out', { exact: true }).waitFor()
    await page.getByRole('heading', { name: 'You are signed out', exact: true }).waitFor()
    expect(board.told).toHaveLength(1)
    expect(await stateAt(page, board)).toBe('signed out')
    expect(await stateAt(page, wiki)).toBe('signed out')
  })
})

/** Behind the letter of its mark. */
function lastLine(text: string): string {
  return text.split('\n').at(-1) ?? ''
}
