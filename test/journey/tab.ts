/** A person at a browser of their own, and what that browser complained about. */
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { launchChromium } from '#test/browser/chromium.ts'
import { type Authenticator, addAuthenticator } from './authenticator.ts'

export interface Tab extends AsyncDisposable {
  readonly page: Page
  readonly context: BrowserContext
  readonly authenticator: Authenticator
  /** What the browser blocked or could not run: a policy that is too strict, a script that is wrong. */
  readonly complaints: readonly string[]
}

export interface TabOptions extends BrowserContextOptions {
  /** Statuses that belong to the journey: Chromium complains of every page that is an error. */
  readonly refusals?: readonly number[]
}

/** A journey takes seconds; on a machine that is busy with other suites it may take ten times as many. */
export const patient = { timeout: 90_000 }

export type OpenTab = (options?: TabOptions) => Promise<Tab>

/**
 * One Chromium for the file. The function it returns opens a tab with cookies of its own; a test fails on anything that one of its tabs
 * complained about.
 */
export function useChromium(): OpenTab {
  let browser: Browser
  const opened: Tab[] = []
  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
  })
  afterEach(() => {
    expect(opened.splice(0).flatMap(({ complaints }) => complaints)).toEqual([])
  })
  return async (options) => {
    const tab = await openTab(browser, options)
    opened.push(tab)
    return tab
  }
}

/** Opens it, with an authenticator that says yes. */
export async function openTab(
  browser: Browser,
  { refusals = [], ...options }: TabOptions = {},
): Promise<Tab> {
  const context = await browser.newContext(options)
  // Nothing of ours takes so long; a test that waits for what never comes should say so soon.
  context.setDefaultTimeout(20_000)
  const page = await context.newPage()
  const complaints: string[] = []
  const expected = refusals.map((status) => `responded with a status of ${status} `)
  context.on('console', (message) => {
    const complaint = message.text()
    if (message.type() !== 'error' || expected.some((words) => complaint.includes(words))) return
    complaints.push(`${complaint} (${message.location().url})`)
  })
  context.on('weberror', (error) => complaints.push(error.error().message))
  const authenticator = await addAuthenticator(context, page)
  return {
    page,
    context,
    authenticator,
    complaints,
    [Symbol.asyncDispose]: () => context.close(),
  }
}
