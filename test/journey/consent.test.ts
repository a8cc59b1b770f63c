import { describe, expect, test } from 'vitest'
import { chromium } from '#test/support/available.ts'
import { startTwoApps } from '#test/support/two-apps.ts'
import { addGrace, answerWithPassword, grace, likeServe, signInWithPassword, stateAt } from './person.ts'
import { patient, useChromium } from './tab.ts'

/** The board is not ours: it asks for consent. */
const foreignBoard = { ...likeServe, board: { first_party: false } }

describe.skipIf(chromium === undefined)('consent and answers in Chromium', patient, () => {
  const open = useChromium()

  test('allowing an app leads to it through our form, and it is not asked again', async () => {
    await using all = await startTwoApps(foreignBoard)
    await addGrace(all)
    await using tab = await open()
    const { page } = tab
    await page.goto(`${all.board.url}/sign-in`)
    await signInWithPassword(page)
    await page.getByRole('heading', { name: 'Board wants to use your account' }).waitFor()
    expect(await page.locator('.host').innerText()).toBe(new URL(all.board.url).host)
    expect(await page.locator('.scopes li').allInnerTexts()).toEqual([
      'Know that it is you, each time you come back',
      'See your e-mail address',
      'See your name',
    ])
    await page.getByRole('button', { name: 'Allow', exact: true }).click()
    await page.getByText(`Signed in as ${grace.email}`).waitFor()
    expect(page.url()).toBe(`${all.board.url}/`)
    await page.goto(`${all.board.url}/sign-in`)
    await page.waitForURL(`${all.board.url}/`)
  })

  test('refusing leads to the app too, which hears no more than that, and is asked again next time', async () => {
    await using all = await startTwoApps(foreignBoard)
    await addGrace(all)
    await using tab = await open({ refusals: [403] })
    const { page } = tab
    await page.goto(`${all.board.url}/sign-in`)
    await signInWithPassword(page)
    await page.getByRole('button', { name: 'Do not allow' }).click()
    await page.getByText('The gateway said: access_denied').waitFor()
    expect(page.url().startsWith(`${all.board.url}/callback?`)).toBe(true)
    expect(all.board.sessions.size).toBe(0)
    await page.goto(`${all.board.url}/sign-in`)
    await page.getByRole('button', { name: 'Do not allow' }).waitFor()
    // Ours asks nothing: the session is the person's all the same.
    await page.goto(`${all.wiki.url}/sign-in`)
    expect(await stateAt(page, all.wiki)).toBe('signed in')
  })

  test('cancelling the sign-in leads back to the app, which is told', async () => {
    await using all = await startTwoApps(likeServe)
    await using tab = await open({ refusals: [403] })
    const { page } = tab
    await page.goto(`${all.wiki.url}/sign-in`)
    await page.getByRole('button', { name: 'Cancel and go back to Wiki' }).click()
    await page.getByText('The gateway said: access_denied').waitFor()
    expect(page.url().startsWith(`${all.wiki.url}/callback?`)).toBe(true)
  })

  test.for([
    { ends: 'a sign-in', first_party: true },
    { ends: 'a consent', first_party: false },
  ])(
    'form_post: $ends ends in a page that posts the answer to the app by itself',
    async ({ first_party }) => {
      await using all = await startTwoApps({ ...likeServe, board: { first_party } })
      await addGrace(all)
      await using tab = await open()
      const { page } = tab
      const posts: string[] = []
      page.on('request', (request) => request.method() === 'POST' && posts.push(request.url()))
      await page.goto(`${all.board.url}/sign-in?response_mode=form_post`)
      await signInWithPassword(page)
      if (!first_party) await page.getByRole('button', { name: 'Allow', exact: true }).click()
      await page.getByText(`Signed in as ${grace.email}`).waitFor()
      expect(posts.at(-1)).toBe(`${all.board.url}/callback`)
      // Signed in already: the page that posts comes at once.
      await page.goto(`${all.board.url}/sign-in?response_mode=form_post`)
      await page.waitForURL(`${all.board.url}/`)
      expect(posts.filter((url) => url === `${all.board.url}/callback`)).toHaveLength(2)
    },
  )

  test('form_post carries an error too', async () => {
    await using all = await startTwoApps(likeServe)
    await using tab = await open({ refusals: [400, 403] })
    const { page } = tab
    await page.goto(`${all.wiki.url}/sign-in?response_mode=form_post&prompt=none`)
    await page.getByText('The gateway said: login_required').waitFor()
    expect(page.url()).toBe(`${all.wiki.url}/callback`)
  })

  test('two apps in two tabs at once: each ends where it began', async () => {
    await using all = await startTwoApps(foreignBoard)
    await addGrace(all)
    await using tab = await open()
    const { page, context } = tab
    const other = await context.newPage()
    await page.goto(`${all.wiki.url}/sign-in`)
    await other.goto(`${all.board.url}/sign-in`)
    await answerWithPassword(other)
    await other.getByRole('button', { name: 'Not now' }).click()
    await other.getByRole('button', { name: 'Allow', exact: true }).click()
    await other.getByText(`Signed in as ${grace.email}`).waitFor()
    expect(other.url()).toBe(`${all.board.url}/`)
    // The first tab's page was for somebody who had not signed in yet; by now there is nothing left to prove.
    await page.reload()
    await page.getByText(`Signed in as ${grace.email}`).waitFor()
    expect(page.url()).toBe(`${all.wiki.url}/`)
  })
})
