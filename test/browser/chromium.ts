/** Debian's Chromium, as the tests of pages start it. */
import { type Browser, chromium } from 'playwright-core'
import { chromium as executablePath } from '#test/support/available.ts'

/** Silent towards the outside. */
export const chromiumArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
] as const

/** Headless. */
export function launchChromium(): Promise<Browser> {
  if (executablePath === undefined) throw new Error('There is no Chromium here')
  return chromium.launch({
    executablePath,
    headless: true,
    args: [...chromiumArguments],
  })
}
