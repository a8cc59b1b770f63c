import { describe, test } from 'vitest'
import { chromium } from '#test/support/available.ts'
import { expectAccessible, expectLight, expectToFit } from './looking.ts'
import { scenes } from './scenes.ts'
import { patient, useChromium } from './tab.ts'

describe.skipIf(chromium === undefined)('every page as it comes up in use', patient, () => {
  const open = useChromium()

  test.for(scenes)(
    '$name: light, steady, accessible in light and dark, and it fits at 320 px and at twice the size',
    async (scene) => {
      await scene.play({
        open: (options) => open({ reducedMotion: 'reduce', ...options }),
        look: async (name, { page }) => {
          await expectLight(page, name)
          await expectAccessible(page, name)
          await expectToFit(page, name)
          await page.setViewportSize({ width: 1280, height: 800 })
        },
      })
    },
  )
})
