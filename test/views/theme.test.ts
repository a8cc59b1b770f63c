import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contrast, defaultAccent, surfaces, themeAsset, themeCss } from '#views/theme.ts'

const stylesheet = readFileSync(join(import.meta.dirname, '../../views/assets/gatehouse.css'), 'utf8')

/** The custom properties of the light and of the dark half. */
function halves(css: string): readonly [Map<string, string>, Map<string, string>] {
  const [light = '', dark = ''] = css.split('prefers-color-scheme: dark')
  const properties = (text: string): Map<string, string> =>
    new Map(
      [...text.matchAll(/--([a-z-]+): (#[0-9a-f]{6});/g)].map(([, name = '', value = '']) => [name, value]),
    )
  return [properties(light), properties(dark.slice(0, dark.indexOf('\n}\n') + 1))]
}

describe('the theme', () => {
  test('is readable for every accent an operator can write', () => {
    const channel = fc.integer({ min: 0, max: 255 })
    fc.assert(
      fc.property(channel, channel, channel, (r, g, b) => {
        const accent = `#${[r, g, b].map((value) => value.toString(16).padStart(2, '0')).join('')}`
        const [light, dark] = halves(themeCss(accent))
        for (const [half, on] of [
          [light, surfaces.light],
          [dark, surfaces.dark],
        ] as const) {
          const colour = (name: string): string => half.get(name) ?? 'missing'
          expect(colour('accent')).toBe(accent)
          expect(contrast(colour('on-accent'), accent)).toBeGreaterThanOrEqual(4.5)
          expect(contrast(colour('on-accent'), colour('accent-hover'))).toBeGreaterThanOrEqual(4.5)
          for (const background of Object.values(on)) {
            expect(contrast(colour('accent-text'), background)).toBeGreaterThanOrEqual(4.5)
            expect(contrast(colour('accent-edge'), background)).toBeGreaterThanOrEqual(3)
          }
        }
      }),
      { seed: 1, numRuns: 500 },
    )
  })

  test('knows the short form of a colour, and ours when there is none', () => {
    expect(themeCss('#25d')).toBe(themeCss('#2255dd'))
    expect(themeCss('')).toBe(themeCss(defaultAccent))
  })

  test.for(['red', '#12345', '2255dd', '#2255dd;}body{display:none', '#fff" onload="x'])(
    'does not write %j into a stylesheet',
    (accent) => {
      expect(() => themeCss(accent)).toThrow(RangeError)
    },
  )

  test('has another path for another colour, so it can be kept for ever', () => {
    expect(themeAsset('#111111').path).toMatch(/^\/assets\/theme\.[0-9a-f]{8}\.css$/)
    expect(themeAsset('#111111').path).not.toBe(themeAsset('#222222').path)
  })

  test('computes contrast as WCAG does', () => {
    expect(contrast('#000', '#fff')).toBe(21)
    expect(contrast('#767676', '#ffffff')).toBeCloseTo(4.54, 2)
  })
})

describe('the stylesheet', () => {
  const [light, dark] = halves(stylesheet)

  test('stands on the surfaces that the theme was computed for', () => {
    expect([light.get('page'), light.get('card')]).toEqual(Object.values(surfaces.light))
    expect([dark.get('page'), dark.get('card')]).toEqual(Object.values(surfaces.dark))
  })

  test.for([
    ['text', ['page', 'card', 'sunken', 'bad-soft', 'good-soft'], 4.5],
    ['muted', ['page', 'card', 'sunken'], 4.5],
    ['good', ['card', 'good-soft'], 4.5],
    ['bad', ['card', 'bad-soft'], 4.5],
    ['warn', ['card'], 4.5],
    ['edge', ['page', 'card'], 3],
  ] as const)('can be read: %s on %j holds %d', ([name, backgrounds, atLeast]) => {
    for (const half of [light, dark]) {
      for (const background of backgrounds) {
        expect(
          contrast(half.get(name) ?? 'missing', half.get(background) ?? 'missing'),
        ).toBeGreaterThanOrEqual(atLeast)
      }
    }
  })

  test('loads nothing', () => {
    expect(stylesheet).not.toMatch(/@import|url\(|@font-face/)
  })
})
