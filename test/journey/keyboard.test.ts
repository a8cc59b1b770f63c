import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { chromium } from '#test/support/available.ts'
import { startTwoApps } from '#test/support/two-apps.ts'
import { focusRing } from './looking.ts'
import { addGrace, addPasskey, grace, likeServe, signInWithPassword } from './person.ts'
import { patient, useChromium } from './tab.ts'

/** Presses Tab until the keyboard is on what has this name, and sees that each stop shows. A person would give up before forty. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let stop = 0; stop < 40; stop += 1) {
    const { words, ring } = await focused(page)
    if (words === name) return
    if (words !== '') expect(ring, `the focus on “${words}” shows`).not.toBe('')
    await page.keyboard.press('Tab')
  }
  throw new Error(`Tab does not come to “${name}”`)
}

async function focused(page: Page): Promise<{ readonly words: string; readonly ring: string }> {
  const words = await page.evaluate<string>(`(() => {
    const element = document.activeElement
    if (element === null || element === document.body) return ''
    return (element.labels?.[0] ?? element).innerText.trim().replace(/\\s+/g, ' ')
  })()`)
  return { words, ring: await focusRing(page) }
}

async function press(page: Page, name: string): Promise<void> {
  await tabTo(page, name)
  expect((await focused(page)).ring, `the focus on “${name}” shows`).not.toBe('')
  await page.keyboard.press('Enter')
}

describe.skipIf(chromium === undefined)('by keyboard alone in Chromium', patient, () => {
  const open = useChromium()

  test('sign-in, consent and sign-out need nothing but Tab, Enter and letters, and the focus shows at every stop', async () => {
    await using all = await startTwoApps({ ...likeServe, board: { first_party: false } })
    await addGrace(all)
    await using tab = await open({ reducedMotion: 'reduce' })
    const { page } = tab
    await page.goto(`${all.board.url}/sign-in`)
    // The first field has the keyboard at once, and Enter in the last one sends the form.
    expect((await focused(page)).words).toBe('E-mail')
    await page.keyboard.type(grace.email)
    await tabTo(page, 'Password')
    await page.keyboard.type(grace.password)
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Not now' }).waitFor()
    await press(page, 'Not now')
    await page.getByRole('button', { name: 'Allow', exact: true }).waitFor()
    await press(page, 'Allow')
    await page.getByText(`Signed in as ${grace.email}`).waitFor()

    await page.goto(all.issuer)
    await page.keyboard.press('Tab')
    expect((await focused(page)).words).toBe('Skip to content')
    await press(page, 'Account')
    await page.getByRole('heading', { name: 'Your account' }).waitFor()
    await press(page, '1 app')
    await page.locator('.app-list').getByText('Board').waitFor()
    await page.goto(`${all.issuer}/sign-out`)
    await press(page, 'Sign out')
    await page.getByRole('heading', { name: 'You are signed out', exact: true }).waitFor()
    await press(page, 'Sign in again')
    await page.getByLabel('E-mail').waitFor()
  })

  test('what opens over the page opens by Enter, closes by Escape, and gives the keyboard back', async () => {
    await using all = await startTwoApps(likeServe)
    await addGrace(all)
    await using tab = await open()
    const { page } = tab
    await page.goto(`${all.issuer}/sign-in`)
    await signInWithPassword(page)
    await addPasskey(page, all)
    await press(page, 'Rename Passkey')
    await tabTo(page, 'Name')
    await page.keyboard.press('Escape')
    expect(await page.getByLabel('Name', { exact: true }).isVisible()).toBe(false)
    expect((await focused(page)).words).toBe('Rename Passkey')
    await page.keyboard.press('Enter')
    await tabTo(page, 'Name')
    await page.keyboard.press('ControlOrMeta+A')
    await page.keyboard.type('Desk')
    await page.keyboard.press('Enter')
    await page.getByText('Your passkey was renamed.').waitFor()
    await page.getByRole('heading', { name: 'Desk' }).waitFor()
  })

  test('a passkey by the button: Tab to it from the field that has the keyboard', async () => {
    await using all = await startTwoApps(likeServe)
    await addGrace(all)
    await using tab = await open()
    const { page } = tab
    await page.goto(`${all.issuer}/sign-in`)
    await signInWithPassword(page)
    await addPasskey(page, all)
    await page.goto(`${all.issuer}/sign-out`)
    await press(page, 'Sign out')
    await page.getByRole('heading', { name: 'You are signed out', exact: true }).waitFor()
    await tab.authenticator.touch(false)
    await page.goto(`${all.wiki.url}/sign-in`)
    // On a busy machine the browser moves the keyboard there after the page has loaded.
    await expect.poll(async () => (await focused(page)).words).toBe('E-mail')
    await page.keyboard.press('Shift+Tab')
    expect((await focused(page)).words).toBe('Sign in with a passkey')
    expect((await focused(page)).ring).not.toBe('')
    await tab.authenticator.touch(true)
    await page.keyboard.press('Enter')
    await page.getByText(`Signed in as ${grace.email}`).waitFor()
  })

  test('who asked for less motion gets none', async () => {
    await using all = await startTwoApps(likeServe)
    await addGrace(all)
    for (const reducedMotion of ['reduce', 'no-preference'] as const) {
      await using tab = await open({ reducedMotion })
      const { page } = tab
      await page.goto(`${all.wiki.url}/sign-in`)
      await page.getByLabel('E-mail').fill(grace.email)
      await page.getByLabel('Password').fill(grace.password)
      await page.keyboard.press('Enter')
      const notNow = page.getByRole('button', { name: 'Not now' })
      await notNow.or(page.getByText('Signed in as')).first().waitFor()
      if (await notNow.isVisible()) await notNow.click()
      await page.getByText('Signed in as').waitFor()
      all.wiki.behave('hang')
      await page.goto(all.issuer)
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.locator('[data-state="waiting"]').waitFor()
      const moving = await page.evaluate<number>(
        "document.getAnimations().filter(({ playState }) => playState === 'running').length",
      )
      expect(moving > 0, reducedMotion).toBe(reducedMotion === 'no-preference')
    }
  })
})
