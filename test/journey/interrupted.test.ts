import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { chromium } from '#test/support/available.ts'
import { startTwoApps } from '#test/support/two-apps.ts'
import { addGrace, answerWithPassword, grace, likeServe, stateAt } from './person.ts'
import { patient, useChromium } from './tab.ts'

/** One click on the page of a sign-in that is over, to the app it was for. */
async function startAgain(page: Page): Promise<void> {
  await page.getByRole('heading', { name: 'This page has expired' }).waitFor()
  await page.getByText('Start again; it takes you back to Wiki.').waitFor()
  await page.getByRole('link', { name: 'Start again' }).click()
}

describe.skipIf(chromium === undefined)('an interrupted sign-in in Chromium', patient, () => {
  const open = useChromium()

  test('a reload of any page on the way changes nothing', async () => {
    await using all = await startTwoApps({ ...likeServe, board: { first_party: false } })
    await addGrace(all)
    await using tab = await open()
    const { page } = tab
    await page.goto(`${all.board.url}/sign-in`)
    await page.reload()
    await answerWithPassword(page)
    await page.getByRole('button', { name: 'Not now' }).waitFor()
    await page.reload()
    await page.getByRole('button', { name: 'Not now' }).click()
    await page.getByRole('button', { name: 'Allow', exact: true }).waitFor()
    await page.reload()
    await page.getByRole('button', { name: 'Allow', exact: true }).click()
    await page.getByText(`Signed in as ${grace.email}`).waitFor()
    expect(page.url()).toBe(`${all.board.url}/`)
  })

  test('the back button, after the sign-in, finds a page that leads to the app in one click', async () => {
    await using all = await startTwoApps(likeServe)
    await addGrace(all)
    await using tab = await open({ refusals: [400] })
    const { page } = tab
    await page.goto(`${all.wiki.url}/sign-in`)
    await answerWithPassword(page)
    await page.getByRole('button', { name: 'Not now' }).click()
    await page.getByText(`Signed in as ${grace.email}`).waitFor()
    await page.goBack()
    await page.getByRole('heading', { name: 'Sign in faster next time' }).waitFor()
    await page.goBack()
    await startAgain(page)
    await page.getByText(`Signed in as ${grace.email}`).waitFor()
  })

  test('the same page in two tabs: the second sends its password too late, and is one click from the app', async () => {
    await using all = await startTwoApps(likeServe)
    await addGrace(all)
    await using tab = await open({ refusals: [400] })
    const { page, context } = tab
    await page.goto(`${all.wiki.url}/sign-in`)
    const second = await context.newPage()
    await second.goto(page.url())
    await answerWithPassword(page)
    await page.getByRole('button', { name: 'Not now' }).click()
    await page.getByText(`Signed in as ${grace.email}`).waitFor()
    await answerWithPassword(second)
    await startAgain(second)
    await second.getByText(`Signed in as ${grace.email}`).waitFor()
    expect(await stateAt(page, all.wiki)).toBe('signed in')
  })

  test('two clicks on a button send a form once', async () => {
    await using all = await startTwoApps(likeServe)
    await addGrace(all)
    await using tab = await open()
    const { page } = tab
    const sent: string[] = []
    page.on('request', (request) => request.method() === 'POST' && sent.push(new URL(request.url()).pathname))
    await page.goto(`${all.wiki.url}/sign-in`)
    await page.getByLabel('E-mail').fill(grace.email)
    await page.getByLabel('Password').fill(grace.password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).dblclick()
    await page.getByRole('button', { name: 'Not now' }).waitFor()
    expect(sent.filter((path) => path === '/sign-in')).toHaveLength(1)
  })
})
