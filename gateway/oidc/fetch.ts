import type { Egress } from '../kernel/egress.ts'

/** A client's key set: 64 KiB holds hundreds of keys. */
const maxBytes = 64 * 1024
const timeoutMs = 5_000

/**
 * The engine's way out (a client's `jwks_uri`), through the one egress port: special-use addresses refused, no redirects, bounded.
 */
export function engineFetch(egress: Egress) {
  return async (input: string | URL | Request, options: RequestInit = {}): Promise<Response> => {
    const url = new URL(input instanceof Request ? input.url : input)
    const outcome = await egress.send({
      method: 'GET',
      url: url.href,
      headers: { accept: new Headers(options.headers).get('accept') ?? 'application/json' },
      timeoutMs,
      maxBytes,
      poolKey: `engine ${url.origin}`,
    })
    if (outcome.kind === 'unreachable')
      throw new TypeError(`${url.host} could not be reached: ${outcome.reason}`)
    return new Response(outcome.body === '' ? null : outcome.body, {
      status: outcome.status,
      headers: outcome.headers,
    })
  }
}
