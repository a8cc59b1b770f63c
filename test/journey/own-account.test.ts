import { describe, expect, test } from 'vitest'
import { chromium } from '#test/support/available.ts'
import { startTwoApps } from '#test/support/two-apps.ts'
import {
  addGrace,
  addPasskey,
  answerWithPassword,
  grace,
  hasHeard,
  likeServe,
  rowIn,
  signInWithPassword,
  stateAt,
} from './person.ts'
import { patient, useChromium } from './tab.ts'

describe.skipIf(chromium === undefined)('one’s own account in Chromium', patient, () => {
  const open = useChromium()

  test('a passkey offered after the password is made on the way to the app, and signs in alone from then on', async () => {
    await using all = await startTwoApps(likeServe)
    await addGrace(all)
    await using tab = await open()
    const { page } = tab
    await page.goto(`${all.wiki.url}/sign-in`)
    await answerWithPassword(page)
    await page.getByRole('heading', { name: 'Sign in faster next time' }).waitFor()
    await page.getByRole('button', { name: 'Create a passkey' }).click()
    await page.getByText(`Signed in as ${grace.email}`).waitFor()
    expect(page.url()).toBe(`${all.wiki.url}/`)
    await page.getByRole('link', { name: 'Sign out' }).click()
    await page.waitForURL(/state=signed-out/)
    // The suggestion behind the e-mail field: nobody types or clicks anything on our page.
    await page.goto(`${all.wiki.url}/sign-in`)
    await page.getByText(`Signed in as ${grace.email}`).waitFor()
    expect([...all.wiki.sessions.values()].at(-1)?.claims['amr']).not.toContain('pwd')
  })

  test('a passkey is renamed, and removing it ends the sessions it opened, after saying so', async () => {
    await using all = await startTwoApps(likeServe)
    const account = await addGrace(all)
    await using laptop = await open()
    const { page } = laptop
    await page.goto(`${all.issuer}/sign-in`)
    await signInWithPassword(page)
    await addPasskey(page, all)
    await using phone = await open()
    for (const passkey of await laptop.authenticator.passkeys()) await phone.authenticator.add(passkey)
    await phone.page.goto(`${all.wiki.url}/sign-in`)
    await phone.page.getByText(`Signed in as ${grace.email}`).waitFor()

    await page.goto(`${all.issuer}/account`)
    const passkey = rowIn(page, '#passkeys')
    await passkey.getByText('Rename').click()
    await passkey.getByLabel('Name').fill('The blue key')
    await passkey.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Your passkey was renamed.').waitFor()
    await passkey.getByRole('heading', { name: 'The blue key' }).waitFor()

    // The only one takes more than a password to remove; of two, one may go.
    const { credentials } = all.gateway.stores
    const [blue] = await credentials.listByAccount(account.id)
    if (blue === undefined) throw new Error('the passkey is not stored')
    const another = { id: 'crd_another' as typeof blue.id, webauthnId: 'another', name: 'The other key' }
    await credentials.insert({ ...blue, ...another }, 2)
    await page.reload()
    const first = rowIn(page, '#passkeys', 'The blue key')
    await first.getByText('Remove', { exact: false }).first().click()
    await page.getByText('it ends 1 session that it opened').waitFor()
    await first.getByRole('button', { name: 'Remove this passkey' }).click()
    await page.getByText('Your passkey was removed, and the sessions it opened have ended.').waitFor()
    await hasHeard(all.wiki, 1)
    expect(await stateAt(phone.page, all.wiki)).toBe('signed out')
    // This one was opened by the password.
    await page.getByText('The passkey that opened it was removed').waitFor()
    expect(await credentials.listByAccount(blue.accountId)).toHaveLength(1)
  })

  test('a passkey that opened this very session says so before it is removed, and then asks to sign in', async () => {
    await using all = await startTwoApps(likeServe)
    await addGrace(all)
    await using tab = await open()
    const { page } = tab
    await page.goto(`${all.issuer}/sign-in`)
    await signInWithPassword(page)
    await addPasskey(page, all)
    await page.getByRole('button', { name: 'Sign out', exact: true }).click()
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
    await page.goto(`${all.wiki.url}/sign-in`)
    await page.getByText(`Signed in as ${grace.email}`).waitFor()

    await page.goto(`${all.issuer}/account`)
    const passkey = rowIn(page, '#passkeys')
    await passkey.getByText('Remove', { exact: false }).first().click()
    await page.getByText('it ends 1 session that it opened: this one.').waitFor()
    await tab.authenticator.touch(false)
    await passkey.getByRole('button', { name: 'Remove this passkey' }).click()
    await page.getByRole('heading', { name: 'Sign in to Gatehouse' }).waitFor()
    await hasHeard(all.wiki, 1)
    expect(await stateAt(page, all.wiki)).toBe('signed out')
  })

  test('changing the password ends the other sessions, keeps this one, and only the new one opens the account', async () => {
    await using all = await startTwoApps(likeServe)
    await addGrace(all)
    await using here = await open()
    await using there = await open({ refusals: [403] })
    for (const { page } of [here, there]) {
      await page.goto(`${all.wiki.url}/sign-in`)
      await answerWithPassword(page)
      const notNow = page.getByRole('button', { name: 'Not now' })
      await notNow.or(page.getByText('Signed in as')).first().waitFor()
      if (await notNow.isVisible()) await notNow.click()
      await page.getByText('Signed in as').waitFor()
    }
    const { page } = here
    await page.goto(`${all.issuer}/account`)
    const change = async (current: string, next: string) => {
      await page.getByLabel('Current password').fill(current)
      await page.getByLabel('New password').fill(next)
      await page.getByRole('button', { name: 'Change password' }).click()
    }
    await change('not it', 'a brand new password')
    await page.getByText('That is not your current password. Nothing was changed.').waitFor()
    await change(grace.password, 'a brand new password')
    await page.getByText('Your password was changed, and all your other sessions have ended.').waitFor()
    await hasHeard(all.wiki, 1)
    expect(await stateAt(there.page, all.wiki)).toBe('signed out')
    expect(await stateAt(page, all.wiki)).toBe('signed in')

    await there.page.goto(`${all.wiki.url}/sign-in`)
    await answerWithPassword(there.page)
    await there.page.getByText('That e-mail and password do not match.').waitFor()
    await answerWithPassword(there.page, { ...grace, password: 'a brand new password' })
    await there.page.getByText('Signed in as').waitFor()
  })

  test('“Sign out everywhere else” ends every session but this one, and their apps hear', async () => {
    await using all = await startTwoApps(likeServe)
    await addGrace(all)
    await using here = await open()
    await here.page.goto(`${all.wiki.url}/sign-in`)
    await signInWithPassword(here.page)
    await using one = await open()
    await using another = await open()
    for (const { page } of [one, another]) {
      await page.goto(`${all.board.url}/sign-in`)
      await answerWithPassword(page)
      await page.getByText('Signed in as').waitFor()
    }
    await here.page.goto(`${all.issuer}/account`)
    expect(await here.page.locator('#sessions .row').count()).toBe(3)
    await here.page.getByRole('button', { name: 'Sign out everywhere else' }).click()
    await here.page.getByText('All your other sessions have ended.').waitFor()
    expect(await here.page.locator('#sessions .row').count()).toBe(1)
    expect(await here.page.getByRole('button', { name: 'Sign out everywhere else' }).count()).toBe(0)
    await hasHeard(all.board, 2)
    for (const { page } of [one, another]) expect(await stateAt(page, all.board)).toBe('signed out')
    expect(await stateAt(here.page, all.wiki)).toBe('signed in')
  })

  test('“Keep me signed in” keeps the cookie when the browser closes; otherwise it goes with it', async () => {
    await using all = await startTwoApps({
      ...likeServe,
      settings: { sessions: { remember_me: { enabled: true, absolute: '20d' } } },
    })
    await addGrace(all)
    for (const keep of [false, true]) {
      await using tab = await open()
      const { page, context } = tab
      await page.goto(`${all.issuer}/sign-in`)
      if (keep) await page.getByLabel('Keep me signed in on this device').check()
      await answerWithPassword(page)
      await page.getByRole('heading', { name: /Your apps|Sign in faster/ }).waitFor()
      const cookie = (await context.cookies()).find(({ name }) => name === all.gateway.cookieNames.session)
      const days = ((cookie?.expires ?? 0) - Date.now() / 1000) / 86_400
      expect(keep ? Math.round(days) : cookie?.expires, `keep: ${keep}`).toBe(keep ? 20 : -1)
    }
  })

  test('proof that is ten minutes old is asked for again before anything changes, and then it changes', async () => {
    await using all = await startTwoApps()
    await addGrace(all)
    await using tab = await open({ refusals: [403] })
    const { page } = tab
    await page.goto(`${all.issuer}/sign-in`)
    await signInWithPassword(page)
    await page.getByRole('heading', { name: 'Your apps' }).waitFor()
    all.clock.advance({ minutes: 11 })
    await page.getByRole('link', { name: 'Account' }).click()
    await page.getByText('It has been a while since you proved that it is you.').waitFor()
    // Whoever begins without it is led there too.
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    await page.getByRole('heading', { name: 'Confirm it’s you' }).waitFor()
    await page.getByLabel('Password').fill(grace.password)
    await page.getByRole('button', { name: 'Confirm with your password' }).click()
    await page.getByRole('heading', { name: 'Your account' }).waitFor()
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    await page.getByText('Your passkey was added.').waitFor()
  })

  test('who has a passkey adds another with it, and the same device is refused in words', async () => {
    await using all = await startTwoApps(likeServe)
    await addGrace(all)
    await using tab = await open({ refusals: [403] })
    const { page } = tab
    await page.goto(`${all.issuer}/sign-in`)
    await signInWithPassword(page)
    await addPasskey(page, all)
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    await page.getByRole('button', { name: 'Use your passkey' }).click()
    await page.getByRole('heading', { name: 'Your account' }).waitFor()
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    await page.getByText('This device has a passkey for your account already.').waitFor()
  })
})
