/**
 * The operator's accent colour as a stylesheet.
 *
 * The colour fills buttons exactly as given. What must be read or seen is derived from it: text on it is white or
 * black, whichever can be read; links are moved towards the text colour until they reach 4.5:1 on every surface;
 * edges and focus rings until 3:1 (WCAG 1.4.3, 1.4.11). So no accent can make a page unreadable.
 */
import { hashedPath } from './assets.ts'

/** Without an accent of the operator's. */
export const defaultAccent = '#2f5bd0'

/** The lightest and darkest surfaces a link can stand on; they equal the custom properties in gatehouse.css. */
export const surfaces = {
  light: { page: '#f6f6f8', card: '#ffffff' },
  dark: { page: '#0f1013', card: '#17181d' },
} as const

type Rgb = readonly [number, number, number]

const white: Rgb = [255, 255, 255]
const black: Rgb = [0, 0, 0]

/** The stylesheet for an accent like `#2f5bd0` or `#25d`; an empty one is our default. */
export function themeCss(accent: string): string {
  const fill = parse(accent === '' ? defaultAccent : accent)
  return `${scheme(':root', fill, surfaces.light, black)}
@media (prefers-color-scheme: dark) {
${scheme('  :root', fill, surfaces.dark, white)}
}
`
}

/** The stylesheet with the path it is served at, which changes with the colour. */
export function themeAsset(accent: string): { path: string; contentType: string; body: string } {
  const body = themeCss(accent)
  return { path: hashedPath('theme.css', body), contentType: 'text/css; charset=utf-8', body }
}

/** The contrast of two colours as WCAG 2.2 defines it, 1 to 21. */
export function contrast(one: string, other: string): number {
  return ratio(parse(one), parse(other))
}

function scheme(selector: string, fill: Rgb, on: { page: string; card: string }, towards: Rgb): string {
  const backgrounds = [parse(on.page), parse(on.card)]
  const text = ratio(white, fill) >= 4.5 ? white : black
  const properties = {
    accent: fill,
    // Away from the text on it, so hovering never costs contrast.
    'accent-hover': mix(fill, text === white ? black : white, 0.12),
    'on-accent': text,
    'accent-edge': readable(fill, backgrounds, towards, 3),
    'accent-text': readable(fill, backgrounds, towards, 4.5),
  }
  const lines = Object.entries(properties).map(([name, colour]) => `--${name}: ${hex(colour)};`)
  return `${selector} { ${lines.join(' ')} }`
}

function readable(colour: Rgb, backgrounds: readonly Rgb[], towards: Rgb, atLeast: number): Rgb {
  // 25 steps of 4 % end at black or white, which every surface of ours carries.
  for (let step = 0; step <= 25; step += 1) {
    const candidate = mix(colour, towards, step / 25)
    if (backgrounds.every((background) => ratio(candidate, background) >= atLeast)) return candidate
  }
  return towards
}

function parse(colour: string): Rgb {
  const digits = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(colour)?.[1]
  if (digits === undefined) throw new RangeError('An accent is written #rgb or #rrggbb')
  const long = digits.length === 3 ? [...digits].map((digit) => digit + digit).join('') : digits
  const value = Number.parseInt(long, 16)
  return [value >> 16, (value >> 8) & 255, value & 255]
}

function hex(colour: Rgb): string {
  return `#${colour.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`
}

function mix([r, g, b]: Rgb, [r2, g2, b2]: Rgb, share: number): Rgb {
  const part = (from: number, to: number): number => Math.round(from + (to - from) * share)
  return [part(r, r2), part(g, g2), part(b, b2)]
}

function ratio(one: Rgb, other: Rgb): number {
  const lighter = Math.max(luminance(one), luminance(other))
  const darker = Math.min(luminance(one), luminance(other))
  return (lighter + 0.05) / (darker + 0.05)
}

function luminance([r, g, b]: Rgb): number {
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

function linear(channel: number): number {
  const share = channel / 255
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
}
