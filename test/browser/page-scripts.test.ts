import type { ServerResponse } from 'node:http'
import type { Middleware } from 'koa'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { chromium } from '#test/support/available.ts'
import { type SampleServer, serveSamples } from '#test/views/serve-samples.ts'
import { type SignOutRow, signOutReport } from '#views/pages/sign-out-report.ts'
import { sampleNow } from '#views/sample-appearance.ts'
import { launchChromium } from './chromium.ts'

describe.skipIf(chromium === undefined)('in Chromium', () => {
  let browser: Browser
  let server: SampleServer
  /** Each listener the page has opened. */
  let streams: ServerResponse[] = []
  let posts: string[] = []

  const answers: Middleware = (ctx) => {
    if (ctx.method === 'POST') {
      posts.push(ctx.path)
      // Never answered in words, so that the page stays and a second click finds it.
      ctx.status = 204
    } else if (ctx.path === '/sign-out/journey-1/events') {
      ctx.respond = false
      ctx.res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      streams.push(ctx.res)
    }
  }

  beforeAll(async () => {
    server = await serveSamples({ answers })
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.[Symbol.asyncDispose]()
  })
  beforeEach(() => {
    streams = []
    posts = []
  })

  function report(rows: readonly SignOutRow[]): void {
    streams.at(-1)?.write(`event: report\ndata: ${JSON.stringify(signOutReport(rows, sampleNow))}\n\n`)
  }

  test('the sign-out page follows what the apps answer, says it aloud, and stops listening at the end', async () => {
    await using context = await browser.newContext({ timezoneId: 'Asia/Tokyo', locale: 'en-GB' })
    const page = await context.newPage()
    await page.goto(`${server.origin}/sign-out-under-way`)
    const row = (index: number) => page.locator(`[data-row="${index}"]`)
    const waiting: readonly SignOutRow[] = [
      { appName: 'Wiki', state: 'confirmed' },
      { appName: 'Notes', state: 'confirmed' },
      { appName: 'Build Server', state: 'retrying', nextAttemptAt: sampleNow + 5_000 },
      { appName: 'HR', state: 'cannot-be-told', mayLastUntil: sampleNow + 40 * 60_000 },
    ]
    await expect.poll(() => streams.length).toBe(1)
    report(waiting)
    await expect.poll(() => row(1).getAttribute('data-state')).toBe('confirmed')
    expect(await row(1).locator('use').getAttribute('href')).toBe('#state-confirmed')
    expect(await row(2).locator('[data-words]').textContent()).toBe(
      'Not confirmed yet. Will keep trying (next\u00a0in\u00a05\u00a0s)',
    )
    expect(await row(3).locator('time').textContent()).toMatch(/03:00/)
    // A countdown is no news; a new state is.
    expect(await page.textContent('[data-news]')).toBe('Notes: Signed out')
    expect(await page.textContent('h1')).toBe('You are signed out here')
    expect(await page.title()).toBe('You are signed out here · Gatehouse')

    report(waiting.map(({ appName }) => ({ appName, state: 'confirmed' })))
    // Closed by the page: the server never ends it.
    await expect.poll(() => streams[0]?.closed).toBe(true)
    expect(await page.textContent('h1')).toBe('You are signed out')
    expect(await row(3).locator('time').count()).toBe(0)
    expect(streams).toHaveLength(1)
  })

  test('without JavaScript the sign-out page asks again by itself', async () => {
    await using context = await browser.newContext({ javaScriptEnabled: false })
    const page = await context.newPage()
    await page.goto(`${server.origin}/sign-out-under-way`)
    await page.waitForRequest(`${server.origin}/sign-out-under-way`)
    expect(streams).toEqual([])
  })

  test('two clicks send a form once', async () => {
    const page = await browser.newPage()
    await page.goto(`${server.origin}/consent-usual`)
    await page.dblclick('button[value="allow"]')
    await expect.poll(() => posts).toEqual(['/consent/interaction-1'])
    expect(await page.getAttribute('button[value="allow"]', 'aria-busy')).toBe('true')
    await page.close()
  })

  test('what opens over the page closes by Escape, with the focus where it was, and by a click elsewhere', async () => {
    const page = await browser.newPage()
    await page.goto(`${server.origin}/account-usual`)
    const [rename, remove] = [page.locator('.act').nth(0), page.locator('.act').nth(1)]
    await rename.locator('summary').click()
    await remove.locator('summary').click()
    expect([await rename.getAttribute('open'), await remove.getAttribute('open')]).toEqual([null, ''])
    await page.keyboard.press('Escape')
    expect(await remove.getAttribute('open')).toBeNull()
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Remove iCloud Keychain')
    await rename.locator('summary').click()
    await rename.locator('input[name="name"]').click()
    expect(await rename.getAttribute('open')).toBe('')
    await page.locator('h1').click()
    expect(await rename.getAttribute('open')).toBeNull()
    await page.close()
  })

  test('times are shown where the reader is', async () => {
    await using context = await browser.newContext({ timezoneId: 'America/New_York', locale: 'en-US' })
    const page = await context.newPage()
    await page.goto(`${server.origin}/sign-out-partly`)
    // 02:20 UTC of the day after.
    expect(await page.textContent('[data-row="1"] time')).toMatch(/^Mar 12.* 10:20\sPM$/)
  })
})
