import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chromium } from '#test/support/available.ts'
import { samplePages } from '#test/views/pages.ts'
import { type SampleServer, serveSamples } from '#test/views/serve-samples.ts'
import { launchChromium } from './chromium.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const looks = [
  { look: 'light at 320 px', colorScheme: 'light', viewport: { width: 320, height: 640 } },
  { look: 'light on a desktop', colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  { look: 'dark at 320 px', colorScheme: 'dark', viewport: { width: 320, height: 640 } },
  { look: 'dark on a desktop', colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
] as const

/** What axe says of the page as it stands, in words that name the rule and the element, and how much it looked at. */
const findings = `axe.run(document).then(({ violations, passes }) => ({
  passed: passes.length,
  violations: violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => id + ': ' + html + ' ' + failureSummary)),
}))`

describe.skipIf(chromium === undefined)('in Chromium', () => {
  let server: SampleServer
  let browser: Browser
  beforeAll(async () => {
    server = await serveSamples()
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.[Symbol.asyncDispose]()
  })

  test.for(looks)(
    'axe finds nothing on any page, nothing is blocked and nothing overflows: $look',
    async ({ look: _, ...look }) => {
      await using context = await browser.newContext({ ...look, reducedMotion: 'reduce' })
      const page = await context.newPage()
      const complaints: string[] = []
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
      page.on('pageerror', (error) => complaints.push(error.message))
      for (const { name } of samplePages) {
        await page.goto(`${server.origin}/${name}`)
        // The parts that are folded away are looked at too, all at once.
        await page.evaluate(
          "for (const part of document.querySelectorAll('details')) { part.removeAttribute('name'); part.open = true }",
        )
        const overflow = await page.evaluate(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        )
        expect(overflow, `${name} is wider than the window`).toBe(0)
        const cdp = await context.newCDPSession(page)
        await cdp.send('Runtime.evaluate', { expression: axe })
        const found = await page.evaluate<{ passed: number; violations: string[] }>(findings)
        expect(found.violations, name).toEqual([])
        expect(found.passed).toBeGreaterThan(15)
      }
      // The scripts ask for options and events that nobody serves here; that alone may be complained about.
      expect(complaints.filter((complaint) => !complaint.includes('404'))).toEqual([])
    },
  )

  test('every page reads the same at twice the size', async () => {
    await using context = await browser.newContext({
      viewport: { width: 640, height: 400 },
      deviceScaleFactor: 2,
    })
    const page = await context.newPage()
    for (const { name } of samplePages) {
      await page.goto(`${server.origin}/${name}`)
      await page.evaluate("document.documentElement.style.fontSize = '200%'")
      const overflow = await page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      )
      expect(overflow, `${name} is wider than the window`).toBe(0)
    }
  })
})
