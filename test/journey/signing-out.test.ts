import { describe, expect, test } from 'vitest'
import { chromium } from '#test/support/available.ts'
import { startTwoApps } from '#test/support/two-apps.ts'
import { addGrace, hasHeard, likeServe, signInWithPassword, stateAt } from './person.ts'
import { patient, useChromium } from './tab.ts'

describe.skipIf(chromium === undefined)('signing out in Chromium', patient, () => {
  const open = useChromium()

  async function signedInAtBoth() {
    const all = await startTwoApps(likeServe)
    await addGrace(all)
    const tab = await open()
    await tab.page.goto(`${all.wiki.url}/sign-in`)
    await signInWithPassword(tab.page)
    await tab.page.goto(`${all.board.url}/sign-in`)
    await tab.page.waitForURL(`${all.board.url}/`)
    return {
      all,
      page: tab.page,
      [Symbol.asyncDispose]: async () => {
        await tab[Symbol.asyncDispose]()
        await all[Symbol.asyncDispose]()
      },
    }
  }

  test('from an app that proves who asks: no question, straight back to it, and the others hear', async () => {
    await using world = await signedInAtBoth()
    const { all, page } = world
    await page.goto(all.wiki.url)
    await page.getByRole('link', { name: 'Sign out' }).click()
    await page.waitForURL(`${all.wiki.url}/?state=signed-out`)
    expect(await stateAt(page, all.wiki)).toBe('signed out')
    await hasHeard(all.board, 1)
    expect(await stateAt(page, all.board)).toBe('signed out')
    await page.goto(`${all.issuer}/account`)
    await page.getByRole('heading', { name: 'Sign in to Gatehouse' }).waitFor()
  })

  test('from an app that asks by a form of its own, which carries none of our cookies', async () => {
    await using world = await signedInAtBoth()
    const { all, page } = world
    await page.goto(all.wiki.url)
    const [session] = all.wiki.sessions.values()
    const back = { post_logout_redirect_uri: `${all.wiki.url}/`, state: 'signed-out' }
    const asked = { id_token_hint: session?.idToken ?? '', ...back }
    await page.evaluate(
      ([action, fields]) => {
        const form = Object.assign(document.createElement('form'), { method: 'post', action })
        for (const [name, value] of Object.entries(fields))
          form.append(Object.assign(document.createElement('input'), { type: 'hidden', name, value }))
        document.body.append(form)
        form.submit()
      },
      [`${all.issuer}/oauth/end-session`, asked] as const,
    )
    await page.waitForURL(`${all.wiki.url}/?state=signed-out`)
    await hasHeard(all.board, 1)
    await page.goto(`${all.issuer}/account`)
    await page.getByRole('heading', { name: 'Sign in to Gatehouse' }).waitFor()
  })

  test('from an app that proves nothing: a question, whose answer leads on to the app’s registered address', async () => {
    await using world = await signedInAtBoth()
    const { all, page } = world
    const back = `${all.wiki.url}/`
    const ask = `${all.issuer}/oauth/end-session?client_id=wiki&post_logout_redirect_uri=${encodeURIComponent(back)}`
    await page.goto(ask)
    await page.getByRole('heading', { name: 'Sign out?' }).waitFor()
    // Anybody can write a client_id, so the page does not say that Wiki asks.
    expect(await page.locator('main').innerText()).not.toContain('Wiki')
    await page.getByRole('button', { name: 'Stay signed in' }).click()
    await page.getByRole('heading', { name: 'Your apps' }).waitFor()
    expect(await stateAt(page, all.board)).toBe('signed in')

    await page.goto(ask)
    await page.getByRole('button', { name: 'Sign out', exact: true }).click()
    // The form's answer ends at the app: its origin is in the page's policy.
    await page.waitForURL(back)
    await hasHeard(all.wiki, 1)
    await hasHeard(all.board, 1)
    expect(await stateAt(page, all.board)).toBe('signed out')
  })

  test('by nobody in particular: the question names no app, and the page of the sign-out stays', async () => {
    await using world = await signedInAtBoth()
    const { all, page } = world
    await page.goto(`${all.issuer}/oauth/end-session`)
    await page.getByRole('heading', { name: 'Sign out?' }).waitFor()
    expect(await page.locator('main').innerText()).toMatch(
      /^Sign out\?\s+You are signed in as Grace Hopper in 2 apps/,
    )
    await page.getByRole('button', { name: 'Sign out', exact: true }).click()
    await page.getByRole('heading', { name: 'You are signed out', exact: true }).waitFor()
    expect(await page.locator('.report-state').allInnerTexts()).toEqual(['Signed out', 'Signed out'])

    // N-187: the pages from before are not shown again, and the one of the sign-out may be looked at again.
    const report = page.url()
    await page.goBack()
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
    await page.goto(`${all.issuer}/account`)
    await page.getByRole('heading', { name: 'Sign in to Gatehouse' }).waitFor()
    await page.goto(report)
    await page.getByText('Both apps have confirmed it.').waitFor()
  })

  test('an app that is slow holds nobody up: the page is there at once and tells its answer when it comes', async () => {
    await using world = await signedInAtBoth()
    const { all, page } = world
    all.board.behave('hang')
    await page.goto(all.issuer)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Signing you out of 2 apps' }).waitFor()
    const board = page.locator('.report-row').filter({ hasText: 'Board' })
    await board.getByText('Waiting for its answer').waitFor()
    await page.locator('[data-state="confirmed"]').getByText('Signed out').waitFor()
    // Closed at any time: nothing depends on the page.
    const report = page.url()
    await page.goto('about:blank')
    all.board.behave('confirm')
    await hasHeard(all.board, 1)
    await page.goto(report)
    await board.getByText('Signed out', { exact: true }).waitFor()
  })

  test('what the page says aloud: each app once, when its state changes', async () => {
    await using world = await signedInAtBoth()
    const { all, page } = world
    await page.goto(all.issuer)
    await all.board.close()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.evaluate(`window.said = []; new MutationObserver(() => said.push(document.querySelector('[data-news]').textContent))
      .observe(document.querySelector('[data-news]'), { childList: true, characterData: true, subtree: true })`)
    await page.locator('[data-state="retrying"]').waitFor()
    await all.board.reopen()
    await page.getByRole('heading', { name: 'You are signed out', exact: true }).waitFor()
    const said = await page.evaluate<string[]>('said')
    expect(said.join('. ').match(/Board: Signed out/g)).toHaveLength(1)
    expect(said.every((words) => !/Board: Signed out/.test(words) || words === said.at(-1))).toBe(true)
  })
})
