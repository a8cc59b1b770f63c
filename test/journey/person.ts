/** What people do on our pages, by the words they read there. */
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import type { SampleApp } from '#test/apps/sample-app.ts'
import type { TestGateway } from '#test/support/gateway.ts'

/** Not declared in a file, so everything about her may be changed on her own pages. */
export const grace = { email: 'grace@example.com', name: 'Grace Hopper', password: 'nanoseconds and wires' }

export const iPhone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1'

/** A browser's clock is its own, and apps are told as `serve` does it. */
export const likeServe = { realTime: true, background: true } as const

/** Adds Grace by the command an operator gives. */
export async function addGrace({ gateway }: TestGateway, more: { readonly groups?: readonly string[] } = {}) {
  return gateway.commands.accounts.create({ ...grace, ...more }, { kind: 'command-line' })
}

/** Fills in the sign-in form that is shown, and sends it. */
export async function answerWithPassword(
  page: Page,
  { email, password }: { readonly email: string; readonly password: string } = grace,
): Promise<void> {
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

/** The same, and lets go of the offered passkey. */
export async function signInWithPassword(
  page: Page,
  person: { readonly email: string; readonly password: string } = grace,
): Promise<void> {
  await answerWithPassword(page, person)
  await page.getByRole('button', { name: 'Not now' }).click()
}

/** Opens the account page and adds a passkey of this device. */
export async function addPasskey(page: Page, { issuer }: TestGateway): Promise<void> {
  await page.goto(`${issuer}/account`)
  await page.getByRole('button', { name: 'Add a passkey' }).click()
  await page.getByText('Your passkey was added.').waitFor()
}

/** The app's own words on who is signed in there. */
export async function stateAt(page: Page, app: SampleApp): Promise<'signed in' | 'signed out'> {
  await page.goto(`${app.url}/`)
  const text = await page.locator('main').innerText()
  if (text.includes('Signed in as')) return 'signed in'
  if (text.includes('You are signed out.')) return 'signed out'
  throw new Error(`${app.url} says: ${text}`)
}

/** Waits until so many of the app's sessions were ended by a logout token. */
export async function hasHeard(app: SampleApp, times: number): Promise<void> {
  await expect.poll(() => app.told.length, { timeout: 15_000 }).toBe(times)
}

/** The rows of one part of the account page; `words` picks those that hold them. */
export function rowIn(page: Page, part: '#passkeys' | '#sessions', words = '') {
  return page.locator(`${part} .row`).filter({ hasText: words })
}
