import { describe, expect, test } from 'vitest'
import { chromium } from '#test/support/available.ts'
import { ada, bob, startTwoApps } from '#test/support/two-apps.ts'
import {
  addGrace,
  addPasskey,
  answerWithPassword,
  grace,
  hasHeard,
  likeServe,
  signInWithPassword,
  stateAt,
} from './person.ts'
import { patient, useChromium } from './tab.ts'

const question = { name: 'Confirm it’s you' }
const strong = 'urn:gatehouse:acr:2'

describe.skipIf(chromium === undefined)('proving it again in Chromium', patient, () => {
  const open = useChromium()

  test.for([{ asks: 'prompt=login' }, { asks: 'max_age=0' }, { asks: 'prompt=select_account' }])(
    '$asks asks on the page that names the person, and the passkey answers it',
    async ({ asks }) => {
      await using all = await startTwoApps(likeServe)
      await addGrace(all)
      await using tab = await open()
      const { page } = tab
      await page.goto(`${all.wiki.url}/sign-in`)
      await signInWithPassword(page)
      await addPasskey(page, all)
      const [before] = all.wiki.sessions.values()
      await page.goto(`${all.wiki.url}/sign-in?${asks}`)
      await page.getByRole('heading', question).waitFor()
      expect(await page.locator('.person').innerText()).toContain(grace.email)
      expect(await page.getByLabel('E-mail').count()).toBe(0)
      await page.getByRole('button', { name: 'Use your passkey' }).click()
      await page.getByText(`Signed in as ${grace.email}`).waitFor()
      const after = [...all.wiki.sessions.values()].at(-1)
      expect(after?.claims['amr']).toContain('pop')
      expect(Number(after?.claims.auth_time)).toBeGreaterThanOrEqual(Number(before?.claims.auth_time))
      // The same session grew stronger: it is one row, not two.
      expect(after?.sid).toBe(before?.sid)
    },
  )

  test('strength that only a passkey gives: the page asks for it alone, and the app is told what was shown', async () => {
    await using all = await startTwoApps(likeServe)
    await addGrace(all)
    await using tab = await open()
    const { page } = tab
    await page.goto(`${all.issuer}/sign-in`)
    await signInWithPassword(page)
    await addPasskey(page, all)
    // In another browser with the passkey at hand and the password typed.
    await using phone = await open()
    await phone.authenticator.touch(false)
    for (const passkey of await tab.authenticator.passkeys()) await phone.authenticator.add(passkey)
    await phone.page.goto(`${all.wiki.url}/sign-in`)
    await answerWithPassword(phone.page)
    await phone.page.getByText(`Signed in as ${grace.email}`).waitFor()
    await phone.page.goto(`${all.wiki.url}/sign-in?acr_values=${encodeURIComponent(strong)}`)
    await phone.page.getByRole('heading', question).waitFor()
    expect(await phone.page.getByLabel('Password').count()).toBe(0)
    await phone.authenticator.touch(true)
    await phone.page.getByRole('button', { name: 'Use your passkey' }).click()
    await phone.page.getByText(`Signed in as ${grace.email}`).waitFor()
    expect([...all.wiki.sessions.values()].at(-1)?.claims['acr']).toBe(strong)
  })

  test('typing a password where the app wants a passkey leads to the passkey, not to a dead end', async () => {
    await using all = await startTwoApps({
      ...likeServe,
      settings: { sessions: { remember_me: { enabled: true } } },
      wiki: { sessions: { acr: strong } },
    })
    await addGrace(all)
    await using tab = await open()
    const { page } = tab
    await page.goto(`${all.issuer}/sign-in`)
    await signInWithPassword(page)
    await addPasskey(page, all)
    await page.getByRole('button', { name: 'Sign out', exact: true }).first().click()
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
    await tab.authenticator.touch(false)
    await page.goto(`${all.wiki.url}/sign-in`)
    await page.getByLabel('Keep me signed in on this device').check()
    await answerWithPassword(page)
    await page.getByRole('heading', question).waitFor()
    expect(await page.getByLabel('Keep me signed in on this device').count()).toBe(0)
    await tab.authenticator.touch(true)
    await page.getByRole('button', { name: 'Use your passkey' }).click()
    await page.getByText(`Signed in as ${grace.email}`).waitFor()
    expect([...all.wiki.sessions.values()].at(-1)?.claims['acr']).toBe(strong)
    // What was asked beside the password holds for the session that both opened.
    const cookies = await tab.context.cookies(all.issuer)
    expect(cookies.find(({ name }) => name === all.gateway.cookieNames.session)?.expires).toBeGreaterThan(0)
  })

  test('another account: the first one’s session ends at its apps, and the second goes on to the app', async () => {
    await using all = await startTwoApps(likeServe)
    await using tab = await open()
    const { page } = tab
    await page.goto(`${all.board.url}/sign-in`)
    await signInWithPassword(page, ada)
    await page.getByText(`Signed in as ${ada.email}`).waitFor()
    await page.goto(`${all.wiki.url}/sign-in?prompt=select_account`)
    await page.getByRole('heading', question).waitFor()
    await page.getByRole('link', { name: 'Use another account' }).click()
    await signInWithPassword(page, bob)
    await page.getByText(`Signed in as ${bob.email}`).waitFor()
    await hasHeard(all.board, 1)
    expect(await stateAt(page, all.board)).toBe('signed out')
  })

  test('a wrong password says nothing about which half was wrong, and keeps what was typed', async () => {
    await using all = await startTwoApps(likeServe)
    await addGrace(all)
    await using tab = await open({ refusals: [403] })
    const { page } = tab
    await page.goto(`${all.wiki.url}/sign-in`)
    await answerWithPassword(page, { ...grace, password: 'not it' })
    await page.getByRole('alert').getByText('That e-mail and password do not match.').waitFor()
    expect(await page.getByLabel('E-mail').inputValue()).toBe(grace.email)
    expect(await page.evaluate('document.activeElement?.id')).toBe('password')
    await page.getByLabel('Password').fill(grace.password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('button', { name: 'Not now' }).click()
    await page.getByText(`Signed in as ${grace.email}`).waitFor()
  })
})
