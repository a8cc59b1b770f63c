/**
 * Takes a picture of every sample page, light and dark, on a small and a usual phone and on a desktop.
 *
 *     node test/browser/screenshots.ts <folder> [part of a name] [accent]
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { samplePages } from '#test/views/pages.ts'
import { serveSamples } from '#test/views/serve-samples.ts'
import { launchChromium } from './chromium.ts'

const [folder, only = '', accent = ''] = process.argv.slice(2)
if (folder === undefined) throw new Error('Name the folder the pictures go to')
mkdirSync(folder, { recursive: true })

const sizes = [
  { name: '320', width: 320, height: 640 },
  { name: '390', width: 390, height: 780 },
  { name: 'desktop', width: 1280, height: 800 },
] as const

await using server = await serveSamples({ accent })
await using browser = await launchChromium()
for (const colorScheme of ['light', 'dark'] as const) {
  for (const { name: size, ...viewport } of sizes) {
    await using context = await browser.newContext({ colorScheme, viewport, reducedMotion: 'reduce' })
    const page = await context.newPage()
    for (const sample of samplePages.filter(({ name }) => name.includes(only))) {
      await page.goto(`${server.origin}/${sample.name}`)
      await page.screenshot({
        path: join(folder, `${sample.name}-${size}-${colorScheme}.png`),
        fullPage: true,
      })
    }
  }
}
