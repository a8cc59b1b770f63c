import { describe, expect, test } from 'vitest'
import { chromium } from '#test/support/available.ts'
import { createBrowser } from '#test/support/browser.ts'
import { ada, signInAt, startTwoApps, type TwoApps } from '#test/support/two-apps.ts'
import { addGrace, likeServe, signInWithPassword } from './person.ts'
import { patient, useChromium } from './tab.ts'

/** Ada signed in at both apps from so many browsers, and then disabled while Board is down: nobody else is asked to sign out. */
async function endAda(all: TwoApps, browsers: number): Promise<void> {
  for (let number = 0; number < browsers; number += 1) {
    const browser = createBrowser()
    await signInAt(browser, all.board)
    await signInAt(browser, all.wiki)
  }
  await all.board.close()
  await all.gateway.commands.sessions.endOfAccount(ada.id as never, { kind: 'command-line' })
}

async function addOperator(all: TwoApps): Promise<void> {
  const { id } = await addGrace(all)
  await all.gateway.commands.accounts.change(id, { operator: true }, { kind: 'command-line' })
}

describe.skipIf(chromium === undefined)('an operator in Chromium', patient, () => {
  const open = useChromium()

  test('sees the app that is down on top, mends it, presses Retry now, and watches everything confirm', async () => {
    await using all = await startTwoApps(likeServe)
    await addOperator(all)
    await endAda(all, 6)
    await using tab = await open()
    const { page, context } = tab
    await page.goto(all.issuer)
    await signInWithPassword(page)
    await page.getByRole('link', { name: 'Console' }).click()
    await page.getByRole('heading', { name: 'Logouts', exact: true }).waitFor()
    const board = page.locator('#health .row').filter({ hasText: 'Board' })
    await expect
      .poll(
        async () => {
          await page.reload()
          return (await board.count()) === 1 && (await board.getByText('Down', { exact: true }).count()) === 1
        },
        { timeout: 20_000, interval: 500 },
      )
      .toBe(true)
    expect(await page.locator('#health').innerText()).toMatch(
      /1 app does not confirm[\s\S]*Has not answered for \d+ (s|min): it could not be reached[\s\S]*6 deliveries wait for it\. Next try/,
    )
    expect(await page.locator('#health').innerText()).not.toContain('Wiki')

    // The report, in another tab that nobody touches any more.
    const report = await context.newPage()
    await report.goto(`${all.issuer}/console/logouts`)
    await report.getByRole('link', { name: 'Ended by an operator' }).click()
    await report.getByText('6 of 12 confirmed').waitFor()
    const first = report.locator('.delivery').filter({ hasText: 'Board' }).first()
    await first.getByText('it could not be reached').waitFor()
    expect(await report.getByRole('link', { name: 'Download signed receipt' }).isVisible()).toBe(false)

    await all.board.reopen()
    await board.getByRole('button', { name: 'Retry now' }).click()
    await page.getByRole('status').filter({ hasText: 'being sent' }).waitFor()
    await report.getByText('12 of 12 confirmed').waitFor()
    await first.getByText('Confirmed.').waitFor()
    await first.locator('summary').click()
    expect(await first.locator('.attempts li').last().innerText()).toContain('200')
    expect(all.board.told).toHaveLength(6)
    const downloading = report.waitForEvent('download')
    await report.getByRole('link', { name: 'Download signed receipt' }).click()
    expect((await downloading).suggestedFilename()).toMatch(/^lgo_.*\.jwt$/)
    await page.reload()
    expect(await page.locator('#health').count()).toBe(0)
  })

  test('does the same without JavaScript, by pages that ask again', async () => {
    await using all = await startTwoApps(likeServe)
    await addOperator(all)
    await endAda(all, 1)
    await using tab = await open({ javaScriptEnabled: false })
    const { page } = tab
    await page.goto(`${all.issuer}/console/logouts?waiting=1`)
    await signInWithPassword(page)
    await page.getByRole('link', { name: 'Ended by an operator' }).click()
    await page.getByText('1 of 2 confirmed').waitFor()
    await all.board.reopen()
    await page.getByRole('button', { name: 'Retry Board' }).click()
    await page.getByText('2 of 2 confirmed').waitFor({ timeout: 20_000 })
    await page.getByRole('link', { name: 'Download signed receipt' }).waitFor()
  })
})
