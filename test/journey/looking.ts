/** What is looked at on every page: its rules of access, its width, and its focus. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe says of the page as it stands, in words that name the rule and the element, and how much it looked at. */
const findings = `axe.run(document).then(({ violations, passes }) => ({
  passed: passes.length,
  violations: violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => id + ': ' + html + ' ' + failureSummary)),
}))`

/** axe finds nothing, in light and in dark. */
export async function expectAccessible(page: Page, name: string): Promise<void> {
  // By the debugger: our own policy lets no script in that is not ours. Its session stays: the end of one takes the authenticator away.
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Runtime.evaluate', { expression: axe })
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    const found = await page.evaluate<{ passed: number; violations: string[] }>(findings)
    expect(found.violations, `${name}, ${colorScheme}`).toEqual([])
    expect(found.passed, name).toBeGreaterThan(15)
  }
}

/** Nothing is wider than the window, on a small phone and with letters of twice the size. */
export async function expectToFit(page: Page, name: string): Promise<void> {
  const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
  await page.setViewportSize({ width: 320, height: 640 })
  expect(await page.evaluate(overflow), `${name} at 320 px`).toBe(0)
  await page.setViewportSize({ width: 640, height: 400 })
  await page.evaluate("document.documentElement.style.fontSize = '200%'")
  expect(await page.evaluate(overflow), `${name} at twice the size`).toBe(0)
  await page.evaluate("document.documentElement.style.fontSize = ''")
}

/** Whether something shows where the keyboard is: the focused element looks different from what it is without the focus. */
export function focusRing(page: Page): Promise<string> {
  return page.evaluate(`(() => {
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(document.activeElement)
    return outlineStyle === 'none' || parseFloat(outlineWidth) < 2 ? '' : outlineWidth + ' ' + outlineColor
  })()`)
}

/** The page and all it loads are under 50 KB before compression, come from us alone, and nothing on it jumps. */
export async function expectLight(page: Page, name: string): Promise<void> {
  const { bytes, strangers, shift } = await page.evaluate<{
    bytes: number
    strangers: string[]
    shift: number
  }>(`(async () => {
    const loaded = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
    const shifts = await new Promise((resolve) => {
      const observer = new PerformanceObserver((list) => { observer.disconnect(); resolve(list.getEntries()) })
      observer.observe({ type: 'layout-shift', buffered: true })
      setTimeout(resolve, 50, [])
    })
    return {
      bytes: loaded.reduce((sum, { decodedBodySize }) => sum + decodedBodySize, 0),
      strangers: loaded.map(({ name }) => name).filter((address) => !address.startsWith(location.origin + '/')),
      shift: shifts.reduce((sum, { value, hadRecentInput }) => sum + (hadRecentInput ? 0 : value), 0),
    }
  })()`)
  expect(strangers, name).toEqual([])
  expect(bytes, name).toBeLessThan(50_000)
  // A time that turns local changes its width, a hundredth of what counts as good; anything more would be a jump.
  expect(shift, name).toBeLessThan(0.01)
}
