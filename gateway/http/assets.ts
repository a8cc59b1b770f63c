import { gzipSync } from 'node:zlib'
import type { Middleware } from 'koa'
import { digest } from '../kernel/digest.ts'
import { GatewayError } from '../kernel/errors.ts'

/** A file in memory whose path changes with its content. */
export interface ServedAsset {
  readonly path: string
  readonly contentType: string
  readonly body: Uint8Array | string
}

/** A year: the path names the content, so a copy is never out of date. */
const cacheControl = 'public, max-age=31536000, immutable'

/** Below this a compressed copy saves no packet. */
const worthCompressingBytes = 1_024

/** Serves files under `/assets/` and only those: there is no path to walk, because there is no file system behind it. */
export function serveAssets(assets: readonly ServedAsset[]): Middleware {
  const byPath = new Map(assets.map((asset) => [asset.path, prepare(asset)]))
  return async (ctx, next) => {
    if (!ctx.path.startsWith('/assets/')) return next()
    const asset = byPath.get(ctx.path)
    if (asset === undefined) throw new GatewayError('not_found', 'There is nothing at this address.')
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      ctx.set('Allow', 'GET, HEAD')
      throw new GatewayError('method_not_allowed', 'This address does not take that kind of request.')
    }
    const compressed = ctx.acceptsEncodings('gzip', 'identity') === 'gzip' ? asset.compressed : undefined
    ctx.set({
      'Content-Type': asset.contentType,
      'Cache-Control': cacheControl,
      Vary: 'Accept-Encoding',
      // Two encodings are two representations, so they have two tags (RFC 9110 section 8.8.3.3).
      ETag: compressed === undefined ? `"${asset.tag}"` : `"${asset.tag}-gzip"`,
    })
    ctx.status = 200
    if (ctx.fresh) {
      ctx.status = 304
      return
    }
    if (compressed !== undefined) ctx.set('Content-Encoding', 'gzip')
    ctx.body = compressed ?? asset.body
  }
}

function prepare({ contentType, body }: ServedAsset): {
  readonly contentType: string
  readonly body: Buffer
  readonly compressed: Buffer | undefined
  readonly tag: string
} {
  const bytes = Buffer.from(body)
  const compressed =
    bytes.length >= worthCompressingBytes && !contentType.startsWith('image/png')
      ? gzipSync(bytes, { level: 9 })
      : undefined
  return { contentType, body: bytes, compressed, tag: digest(bytes.toString('base64')).slice(0, 22) }
}
