import { describe, expect, test } from 'vitest'
import { chromium } from '#test/support/available.ts'
import { startTwoApps } from '#test/support/two-apps.ts'
import {
  addGrace,
  answerWithPassword,
  grace,
  hasHeard,
  likeServe,
  rowIn,
  signInWithPassword,
  stateAt,
} from './person.ts'
import { patient, useChromium } from './tab.ts'

describe.skipIf(chromium === undefined)('with JavaScript off', patient, () => {
  const open = useChromium()
  const openWithout = () => open({ javaScriptEnabled: false })

  test('signing in by password, consent and the way back to the app are forms alone', async () => {
    await using all = await startTwoApps({ ...likeServe, board: { first_party: false } })
    await addGrace(all)
    await using tab = await openWithout()
    const { page } = tab
    await page.goto(`${all.board.url}/sign-in`)
    // Nothing is offered that could not work here.
    expect(await page.getByRole('button', { name: 'Sign in with a passkey' }).isVisible()).toBe(false)
    await answerWithPassword(page)
    expect(await page.getByRole('button', { name: 'Create a passkey' }).isVisible()).toBe(false)
    await page.getByText('This browser cannot create a passkey.').waitFor()
    await page.getByRole('button', { name: 'Not now' }).click()
    await page.getByRole('button', { name: 'Allow', exact: true }).click()
    await page.getByText(`Signed in as ${grace.email}`).waitFor()
    expect(page.url()).toBe(`${all.board.url}/`)
  })

  test('the sign-out is asked for and told by pages that ask again by themselves', async () => {
    await using all = await startTwoApps(likeServe)
    await addGrace(all)
    await using tab = await openWithout()
    const { page } = tab
    await page.goto(`${all.wiki.url}/sign-in`)
    await signInWithPassword(page)
    await page.goto(`${all.board.url}/sign-in`)
    await page.goto(`${all.issuer}/sign-out`)
    await all.board.close()
    await page.getByRole('button', { name: 'Sign out', exact: true }).click()
    await page.locator('[data-state="retrying"]').getByText('Not confirmed yet. Will keep trying').waitFor()
    await all.board.reopen()
    await page.getByText('Both apps have confirmed it.').waitFor({ timeout: 15_000 })
    await page.getByRole('heading', { name: 'You are signed out', exact: true }).waitFor()
    expect(await stateAt(page, all.wiki)).toBe('signed out')
  })

  test('the account page ends a session, and says that a passkey needs JavaScript', async () => {
    await using all = await startTwoApps(likeServe)
    await addGrace(all)
    await using there = await openWithout()
    await there.page.goto(`${all.wiki.url}/sign-in`)
    await signInWithPassword(there.page)
    await using here = await openWithout()
    await here.page.goto(`${all.issuer}/sign-in`)
    await answerWithPassword(here.page)
    await here.page.goto(`${all.issuer}/account`)
    await here.page.getByText('To add a passkey, turn JavaScript on').waitFor()
    await rowIn(here.page, '#sessions', '1 app').getByRole('button', { name: 'Sign out' }).click()
    await here.page.getByText('That session has ended.').waitFor()
    await hasHeard(all.wiki, 1)
    expect(await stateAt(there.page, all.wiki)).toBe('signed out')
    expect(await rowIn(here.page, '#sessions').count()).toBe(1)
  })

  test('set-up by password, and a password changed, need none either', async () => {
    await using all = await startTwoApps({ ...likeServe, settings: { accounts: [] } })
    await using tab = await openWithout()
    const { page } = tab
    await page.goto(`${all.issuer}/set-up/${await all.gateway.createSetUpLink()}`)
    await page.getByLabel('E-mail').fill(grace.email)
    await page.getByLabel('Your name').fill(grace.name)
    await page.getByLabel('Password').fill(grace.password)
    await page.getByRole('button', { name: 'Continue with a password' }).click()
    await page.getByText('Your account is ready.').waitFor()
    await page.getByRole('link', { name: 'Account' }).click()
    await page.getByLabel('Current password').fill(grace.password)
    await page.getByLabel('New password').fill('a brand new password')
    await page.getByRole('button', { name: 'Change password' }).click()
    await page.getByText('Your password was changed, and all your other sessions have ended.').waitFor()
  })
})
