/**
 * Takes a picture of every page as it comes up while people use the gateway, light and dark, on a phone and on a desktop, and writes
 * an index.html with all of them.
 *
 *     node test/journey/screenshots.ts <folder> [part of a scene's name]
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { launchChromium } from '#test/browser/chromium.ts'
import { scenes } from './scenes.ts'
import { openTab } from './tab.ts'

const [folder, only = ''] = process.argv.slice(2)
if (folder === undefined) throw new Error('Name the folder the pictures go to')
mkdirSync(folder, { recursive: true })

const sizes = { phone: { width: 390, height: 780 }, desktop: { width: 1280, height: 800 } } as const
const pictures: string[] = []

await using browser = await launchChromium()
for (const scene of scenes.filter(({ name }) => name.includes(only))) {
  await scene.play({
    open: (options) => openTab(browser, { reducedMotion: 'reduce', ...options }),
    look: async (name, { page }) => {
      for (const [size, viewport] of Object.entries(sizes)) {
        await page.setViewportSize(viewport)
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme })
          const file = `${name}-${size}-${colorScheme}.png`
          await page.screenshot({ path: join(folder, file), fullPage: true })
          pictures.push(file)
        }
      }
    },
  })
}
const figures = pictures.map(
  (file) => `<figure><img src="${file}" alt=""><figcaption>${file}</figcaption></figure>`,
)
writeFileSync(
  join(folder, 'index.html'),
  `<!doctype html><meta charset="utf-8"><title>Every page</title>
<style>body { display: flex; flex-wrap: wrap; gap: 1rem; background: #888; font: 12px sans-serif } figure { margin: 0 } img { max-height: 40rem }</style>
${figures.join('\n')}\n`,
)
process.stdout.write(`${pictures.length} pictures in ${folder}\n`)
