import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import type { Appearance } from '#views/appearance.ts'
import { assets, hashedPath } from '#views/assets.ts'
import { themeAsset } from '#views/theme.ts'
import type { ServedAsset } from '../http/assets.ts'
import { GatewayError } from '../kernel/errors.ts'

const imageTypes: Readonly<Record<string, string>> = {
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
}

/** A logo is on every page; what is bigger than this is not meant to be one. */
const maxLogoBytes = 256 * 1024

/** How the gateway looks, and every file its pages load. The logo is read once, at start. */
export function openAppearance(of: {
  readonly name: string
  readonly accent?: string
  readonly logoFile?: string
}): { readonly appearance: Appearance; readonly files: readonly ServedAsset[] } {
  const theme = themeAsset(of.accent ?? '')
  const logo = of.logoFile === undefined ? undefined : readLogo(of.logoFile)
  return {
    appearance: { name: of.name, themePath: theme.path, logoPath: logo?.path },
    files: [...assets, theme, ...(logo === undefined ? [] : [logo])],
  }
}

function readLogo(file: string): ServedAsset {
  const contentType = imageTypes[extname(file).toLowerCase()]
  const body = readFileSync(file)
  if (contentType === undefined || body.length > maxLogoBytes) {
    throw new GatewayError(
      'configuration_invalid',
      `appearance.logo_file must be an SVG, PNG, WebP or JPEG of at most ${maxLogoBytes / 1024} KB.`,
    )
  }
  // Its path ends like the file, so that the hash stands before the ending.
  return { path: hashedPath(`logo${extname(file).toLowerCase()}`, body), contentType, body }
}
