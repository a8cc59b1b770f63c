/**
 * Every page of ours as it comes up while people use the gateway: walked through once by the tests that look for faults, and once by
 * the script that takes pictures.
 *
 * Time stands still and apps are told by hand, so that each state of a sign-out can be looked at.
 */
import { startTwoApps } from '#test/support/two-apps.ts'
import { addPasskey, answerWithPassword, grace, iPhone, signInWithPassword } from './person.ts'
import { startSceneWorld } from './scene-world.ts'
import type { OpenTab, Tab } from './tab.ts'

export interface Scene {
  readonly name: string
  play(stage: Stage): Promise<void>
}

export interface Stage {
  readonly open: OpenTab
  /** Called on each page, which is to stay as it is. */
  look(page: string, tab: Tab): Promise<void>
}

export const scenes: readonly Scene[] = [
  {
    name: 'setting up',
    play: async ({ open, look }) => {
      await using all = await startTwoApps({ settings: { accounts: [] } })
      await using tab = await open({ refusals: [400, 404] })
      const { page } = tab
      const link = `${all.issuer}/set-up/${await all.gateway.createSetUpLink()}`
      await page.goto(link)
      await look('set-up', tab)
      await page.getByLabel('E-mail').fill('ada.lovelace@example.com')
      await page.getByLabel('Your name').fill('Ada Lovelace')
      await page.getByLabel('Password').fill('ada.lovelace@example.com')
      await page.getByRole('button', { name: 'Continue with a password' }).click()
      await page.getByText('Your password must not be your e-mail address.').waitFor()
      await look('set-up-again', tab)
      await page.getByRole('button', { name: 'Continue with a passkey' }).click()
      await page.getByText('Your account is ready.').waitFor()
      await look('home-welcome', tab)
      await page.goto(link)
      await look('set-up-used', tab)
    },
  },
  {
    name: 'signing in',
    play: async ({ open, look }) => {
      await using all = await startSceneWorld({ settings: { sessions: { remember_me: { enabled: true } } } })
      await using tab = await open({ refusals: [400, 403, 429] })
      const { page } = tab
      await page.goto(`${all.issuer}/sign-in`)
      await look('sign-in', tab)
      await page.goto(`${all.wiki.url}/sign-in`)
      await look('sign-in-for-app', tab)
      await answerWithPassword(page, { ...grace, password: 'not it' })
      await page.getByRole('alert').getByText('do not match').waitFor()
      await look('sign-in-wrong', tab)
      for (let wrong = 1; wrong <= 10; wrong += 1) {
        const answered = page.waitForResponse((response) => response.request().method() === 'POST')
        await answerWithPassword(page, { ...grace, password: 'not it' })
        await (await answered).finished()
      }
      await page.getByRole('alert').getByText('Too many tries').waitFor()
      await look('sign-in-throttled', tab)
      all.clock.advance({ minutes: 16 })
      await page.getByLabel('Password').fill(grace.password)
      await page.getByRole('button', { name: 'Sign in', exact: true }).click()
      await page.getByRole('heading', { name: 'This page has expired' }).waitFor()
      await look('sign-in-expired', tab)
      await page.goto(`${all.wiki.url}/sign-in`)
      await answerWithPassword(page)
      await page.getByRole('heading', { name: 'Sign in faster next time' }).waitFor()
      await look('offer-passkey', tab)
      await page.getByRole('button', { name: 'Not now' }).click()
      await page.getByText('Signed in as').waitFor()
      all.clock.advance({ seconds: 1 })
      await page.goto(`${all.wiki.url}/sign-in?prompt=login`)
      await page.getByRole('heading', { name: 'Confirm it’s you' }).waitFor()
      await look('confirm-by-password', tab)
      await addPasskey(page, all)
      all.clock.advance({ seconds: 1 })
      await page.goto(`${all.wiki.url}/sign-in?prompt=select_account`)
      await page.getByRole('heading', { name: 'Confirm it’s you' }).waitFor()
      await look('confirm', tab)
      all.clock.advance({ minutes: 1 })
      await page.goto(
        `${all.wiki.url}/sign-in?acr_values=${encodeURIComponent('urn:gatehouse:acr:2')}&max_age=5`,
      )
      await look('confirm-by-passkey', tab)
    },
  },
  {
    name: 'consent',
    play: async ({ open, look }) => {
      const scopes = 'openid profile email groups offline_access'
      await using all = await startSceneWorld({
        board: { first_party: false },
        boardOidc: { policy_uri: 'https://board.example/privacy', tos_uri: 'https://board.example/terms' },
      })
      await using tab = await open()
      const { page } = tab
      await page.goto(`${all.board.url}/sign-in?scope=${encodeURIComponent(scopes)}&prompt=consent`)
      await signInWithPassword(page)
      await page.getByRole('button', { name: 'Allow', exact: true }).waitFor()
      await look('consent', tab)
    },
  },
  {
    name: 'home and account',
    play: async ({ open, look }) => {
      await using all = await startSceneWorld()
      await using tab = await open({ refusals: [403] })
      const { page } = tab
      await page.goto(`${all.issuer}/sign-in`)
      await signInWithPassword(page)
      await page.getByRole('heading', { name: 'Your apps' }).waitFor()
      await look('home', tab)
      await page.goto(`${all.issuer}/account`)
      await look('account-at-first', tab)
      await addPasskey(page, all)
      await look('account-passkey-added', tab)
      await all.join('notes', 'printer')
      await using phone = await open({ userAgent: iPhone })
      for (const passkey of await tab.authenticator.passkeys()) await phone.authenticator.add(passkey)
      await phone.page.goto(`${all.wiki.url}/sign-in`)
      await phone.page.getByText('Signed in as').waitFor()
      await page.goto(all.issuer)
      await look('home-live', tab)
      all.clock.advance({ minutes: 12 })
      await page.goto(`${all.issuer}/account`)
      for (const apps of await page.locator('.apps summary').all()) await apps.click()
      await look('account-in-use', tab)
      await page.locator('#passkeys .row').getByText('Remove').first().click()
      await look('account-remove-passkey', tab)
      await page.getByRole('button', { name: 'Sign out everywhere else' }).click()
      await page.getByText('All your other sessions have ended.').waitFor()
      await look('account-others-ended', tab)
      await page.getByRole('link', { name: 'Confirm it’s you' }).click()
      await page.getByRole('heading', { name: 'Confirm it’s you' }).waitFor()
      await look('confirm-for-account', tab)
      await page.getByLabel('Password').fill(grace.password)
      await page.getByRole('button', { name: 'Confirm with your password' }).click()
      await page.getByRole('heading', { name: 'Your account' }).waitFor()
      await page.getByLabel('Current password').fill('not it')
      await page.getByLabel('New password').fill('a brand new password')
      await page.getByRole('button', { name: 'Change password' }).click()
      await page.getByText('That is not your current password.').waitFor()
      await look('account-wrong-password', tab)
    },
  },
  {
    name: 'signing out',
    play: async ({ open, look }) => {
      await using all = await startSceneWorld({ settings: { logout: { retry_for: '2h' } } })
      await using tab = await open()
      const { page } = tab
      await page.goto(`${all.wiki.url}/sign-in`)
      await signInWithPassword(page)
      await page.getByText('Signed in as').waitFor()
      // Proof of who asks, but of a session before this one.
      const [before] = all.wiki.sessions.values()
      await page.goto(`${all.issuer}/sign-out`)
      await page.getByRole('button', { name: 'Sign out', exact: true }).click()
      await page.goto(`${all.wiki.url}/sign-in`)
      await answerWithPassword(page)
      await page.getByText('Signed in as').waitFor()
      await page.goto(`${all.issuer}/oauth/end-session?id_token_hint=${before?.idToken}`)
      await page.getByText('Wiki asks to sign you out.').waitFor()
      await look('sign-out-question-by-app', tab)
      await all.join('notes', 'planning', 'printer')
      await page.goto(`${all.issuer}/sign-out`)
      await look('sign-out-question', tab)
      await page.getByRole('button', { name: 'Sign out', exact: true }).click()
      await page.getByRole('heading', { name: 'Signing you out of 4 apps' }).waitFor()
      await look('sign-out-waiting', tab)
      await all.gateway.dispatcher.runDue()
      await page.locator('[data-state="retrying"]').first().waitFor()
      await look('sign-out-retrying', tab)
      const laterBy = async (minutes: number) => {
        for (let passed = 0; passed < minutes; passed += 10) {
          all.clock.advance({ minutes: 10 })
          await all.gateway.dispatcher.runDue()
        }
        await page.reload()
      }
      await laterBy(60)
      await page.locator('[data-state="refused"]').waitFor()
      await look('sign-out-refused', tab)
      await laterBy(120)
      await page.locator('[data-state="given-up"]').waitFor()
      await look('sign-out-given-up', tab)
      await page.goto(`${all.issuer}/sign-out`)
      await look('sign-out-over', tab)
    },
  },
  {
    name: 'a sign-out that went well',
    play: async ({ open, look }) => {
      await using all = await startSceneWorld()
      await using tab = await open()
      const { page } = tab
      await page.goto(`${all.issuer}/sign-in`)
      await signInWithPassword(page)
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
      await look('sign-out-no-apps', tab)
      await page.goto(`${all.wiki.url}/sign-in`)
      await answerWithPassword(page)
      await page.getByText('Signed in as').waitFor()
      await page.goto(`${all.board.url}/sign-in`)
      await page.goto(all.issuer)
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByRole('heading', { name: 'Signing you out of 2 apps' }).waitFor()
      await all.gateway.dispatcher.runDue()
      await page.getByText('Both apps have confirmed it.').waitFor()
      await look('sign-out-confirmed', tab)
    },
  },
  {
    name: 'operators',
    play: async ({ open, look }) => {
      await using all = await startSceneWorld({ settings: { logout: { retry_for: '2h' } } })
      await using tab = await open()
      const { page } = tab
      const { accounts } = all.gateway.commands
      const operator = { email: 'mary@example.com', name: 'Mary Jackson', password: 'wind tunnels and wires' }
      await accounts.create({ ...operator, operator: true }, { kind: 'command-line' })
      await using persons = await open()
      await persons.page.goto(`${all.wiki.url}/sign-in`)
      await signInWithPassword(persons.page)
      await persons.page.getByText('Signed in as').waitFor()
      await all.join('notes', 'planning', 'printer')
      await page.goto(`${all.issuer}/console/logouts`)
      await signInWithPassword(page, operator)
      await page.getByText('No Logouts yet').waitFor()
      await look('console-logouts-empty', tab)
      await persons.page.goto(`${all.issuer}/sign-out`)
      await persons.page.getByRole('button', { name: 'Sign out', exact: true }).click()
      await persons.page.getByRole('heading', { name: 'Signing you out of 4 apps' }).waitFor()
      for (let tries = 0; tries < 7; tries += 1) {
        await all.gateway.dispatcher.runDue()
        all.clock.advance({ minutes: 1 })
      }
      await page.reload()
      await page.getByRole('heading', { name: '2 apps do not confirm' }).waitFor()
      await look('console-logouts', tab)
      await page.getByRole('link', { name: 'Signed out' }).click()
      await page.getByRole('heading', { name: 'Apps told' }).waitFor()
      for (const attempts of await page.locator('.delivery summary').all()) await attempts.click()
      await look('console-logout', tab)
      await page.goto(`${all.issuer}/console/apps/planning/check`)
      await page.getByRole('button', { name: 'Check now' }).click()
      await page.getByText('It does not do what is asked of it').waitFor()
      await look('console-check', tab)
      await page.goto(`${all.issuer}/console/sessions/end`)
      await look('console-end', tab)
      await page.getByLabel('Address or range').fill('10.1')
      await page.getByRole('button', { name: 'Count them' }).click()
      await page.getByRole('alert').waitFor()
      await look('console-end-refused', tab)
      await page.getByLabel('Address or range').fill('')
      await page.getByLabel('Everyone: every session there is').check()
      await page.getByRole('button', { name: 'Count them' }).click()
      await page.getByRole('heading', { name: '1 session of 1 person at 0 apps' }).waitFor()
      await look('console-end-confirm', tab)
    },
  },
  {
    name: 'errors',
    play: async ({ open, look }) => {
      await using all = await startSceneWorld()
      await using tab = await open({ refusals: [400, 403, 404, 405] })
      const { page } = tab
      await page.goto(`${all.issuer}/nowhere`)
      await look('error-not-found', tab)
      await page.goto(
        `${all.issuer}/oauth/authorize?client_id=nobody&response_type=code&redirect_uri=https://evil.example/`,
      )
      await look('error-unknown-app', tab)
      await page.goto(
        `${all.issuer}/oauth/authorize?client_id=wiki&response_type=code&redirect_uri=https://evil.example/`,
      )
      await look('error-unknown-address', tab)
      await page.goto(
        `${all.issuer}/oauth/end-session?client_id=wiki&post_logout_redirect_uri=https://evil.example/`,
      )
      await look('error-sign-out-address', tab)
      await page.goto(`${all.issuer}/sign-out/lgo_0123456789012345678901`)
      await look('error-sign-out-of-another', tab)
      await page.goto(`${all.issuer}/sign-in`)
      await tab.context.clearCookies()
      await answerWithPassword(page)
      await look('error-no-cookie', tab)
    },
  },
]
