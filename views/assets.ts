/**
 * The files a page loads. Each path carries a hash of the content, so the server may send them as immutable.
 * All are small, written by hand, and read once when this module loads.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One file the server sends at `path`. */
export interface Asset {
  readonly path: string
  readonly file: string
  readonly contentType: string
  readonly body: Uint8Array
}

const contentTypes = {
  'console.css': 'text/css; charset=utf-8',
  'console.js': 'text/javascript; charset=utf-8',
  'favicon.svg': 'image/svg+xml',
  'gatehouse.css': 'text/css; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'passkey.js': 'text/javascript; charset=utf-8',
  'sign-out.js': 'text/javascript; charset=utf-8',
} as const

/** The files under `views/assets/`, by the name they have there. */
export type AssetName = keyof typeof contentTypes

const byName: ReadonlyMap<string, Asset> = new Map(
  Object.entries(contentTypes).map(([name, contentType]) => [name, load(name, contentType)]),
)

/** Everything the server serves under `/assets/`, except the theme and the operator's logo. */
export const assets: readonly Asset[] = [...byName.values()]

/** The path under which a page asks for one of them. */
export function assetPath(name: AssetName): string {
  return byName.get(name)?.path ?? `/assets/${name}`
}

/** "/assets/theme.css" with the first 8 hexadecimal digits of the content's SHA-256 before its ending. */
export function hashedPath(name: string, body: Uint8Array | string): string {
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 8)
  const dot = name.lastIndexOf('.')
  return `/assets/${name.slice(0, dot)}.${hash}${name.slice(dot)}`
}

function load(name: string, contentType: string): Asset {
  const file = join(import.meta.dirname, 'assets', name)
  const body = readFileSync(file)
  return { path: hashedPath(name, body), file, contentType, body }
}
